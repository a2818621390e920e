/** Things as text, one after another, in three forms that say the same. */
import { Writer } from 'n3';

import { escapeXml } from '../xml.ts';
import { expand, prefixes, quadsOf, type Term, type Thing, type Value } from './terms.ts';

export const rdfFormats = ['ttl', 'rdf', 'jsonld'] as const;
export type RdfFormat = (typeof rdfFormats)[number];

export const rdfMediaTypes: Readonly<Record<RdfFormat, string>> = {
  ttl: 'text/turtle',
  rdf: 'application/rdf+xml',
  jsonld: 'application/ld+json',
};

export interface RdfWriter {
  write(things: readonly Thing[]): void;
  /** Characters so far, about. */
  readonly length: number;
  end(): Promise<string>;
}

export function createRdfWriter(format: RdfFormat): RdfWriter {
  if (format === 'ttl') return createTurtleWriter();
  return format === 'rdf'
    ? createJoining(rdfBegin, '\n', rdfEnd, describedText)
    : createJoining(jsonBegin, ',\n', '\n]}\n', (thing) => JSON.stringify(nodeOf(thing)));
}

function createTurtleWriter(): RdfWriter {
  const writer = new Writer({ prefixes });
  let length = 0;
  return {
    write(things) {
      for (const thing of things) {
        const quads = quadsOf(thing);
        writer.addQuads([...quads]);
        for (const { object } of quads) length += object.value.length + 30;
      }
    },
    get length() {
      return length;
    },
    end: () =>
      new Promise((resolve, reject) => {
        writer.end((error: Error | null, result: string) => {
          if (error === null || error === undefined) resolve(result);
          else reject(error);
        });
      }),
  };
}

function createJoining(
  begin: string,
  separator: string,
  end: string,
  textOf: (thing: Thing) => string,
): RdfWriter {
  const parts: string[] = [];
  let length = begin.length;
  return {
    write(things) {
      for (const thing of things) {
        const text = textOf(thing);
        parts.push(text);
        length += text.length;
      }
    },
    get length() {
      return length;
    },
    end: () => Promise.resolve(begin + parts.join(separator) + end),
  };
}

const rdfBegin = [
  '<?xml version="1.0" encoding="UTF-8"?>',
  '<rdf:RDF',
  ...Object.entries(prefixes).map(([prefix, uri]) => `  xmlns:${prefix}="${uri}"`),
]
  .join('\n')
  .concat('>\n');
const rdfEnd = '\n</rdf:RDF>\n';

function describedText({ uri, types, values }: Thing): string {
  const lines = [
    ...types.map((type) => `  <rdf:type rdf:resource="${expand(type)}"/>`),
    ...valuesOf(values).map(([name, value]) => `  ${valueElement(name, value)}`),
  ];
  const about = `<rdf:Description rdf:about="${escapeXml(uri)}"`;
  return lines.length === 0 ? '' : `${about}>\n${lines.join('\n')}\n</rdf:Description>`;
}

function valueElement(name: Term, value: Value): string {
  if (value.termType === 'NamedNode') return `<${name} rdf:resource="${escapeXml(value.value)}"/>`;
  return `<${name}${literalAttribute(value)}>${escapeXml(value.value)}</${name}>`;
}

function literalAttribute(value: Extract<Value, { termType: 'Literal' }>): string {
  if (value.language !== '') return ` xml:lang="${value.language}"`;
  const datatype = value.datatype.value;
  return datatype === expand('xsd:string') ? '' : ` rdf:datatype="${escapeXml(datatype)}"`;
}

const jsonBegin = `{"@context":${JSON.stringify(prefixes)},"@graph":[\n`;

function nodeOf({ uri, types, values }: Thing): object {
  const node: Record<string, unknown[] | string> = { '@id': uri, '@type': [...types] };
  for (const [name, value] of valuesOf(values)) {
    const known = node[name];
    if (Array.isArray(known)) known.push(objectOf(value));
    else node[name] = [objectOf(value)];
  }
  return node;
}

function objectOf(value: Value): object {
  if (value.termType === 'NamedNode') return { '@id': value.value };
  if (value.language !== '') return { '@language': value.language, '@value': value.value };
  const datatype = value.datatype.value;
  return datatype === expand('xsd:string')
    ? { '@value': value.value }
    : { '@type': datatype, '@value': value.value };
}

function valuesOf(values: Thing['values']): readonly (readonly [Term, Value])[] {
  return values.flatMap(([name, given]) =>
    given === undefined ? [] : [given].flat().map((value) => [name, value as Value] as const),
  );
}
