/** Names of the vocabularies that DCAT-AP 3.0.0 is made of, and how triples of them are written. */
import { DataFactory, type NamedNode, type Literal, type Quad } from 'n3';

import type { Name } from '../../../devices/model.ts';

export const prefixes = {
  adms: 'http://www.w3.org/ns/adms#',
  dcat: 'http://www.w3.org/ns/dcat#',
  dcatap: 'http://data.europa.eu/r5r/',
  dct: 'http://purl.org/dc/terms/',
  foaf: 'http://xmlns.com/foaf/0.1/',
  geosparql: 'http://www.opengis.net/ont/geosparql#',
  hydra: 'http://www.w3.org/ns/hydra/core#',
  rdf: 'http://www.w3.org/1999/02/22-rdf-syntax-ns#',
  rdfs: 'http://www.w3.org/2000/01/rdf-schema#',
  skos: 'http://www.w3.org/2004/02/skos/core#',
  spdx: 'http://spdx.org/rdf/terms#',
  vcard: 'http://www.w3.org/2006/vcard/ns#',
  xsd: 'http://www.w3.org/2001/XMLSchema#',
} as const;

type Prefix = keyof typeof prefixes;
/** As people write them: `dct:title`. */
export type Term = `${Prefix}:${string}`;

export type Value = NamedNode | Literal;

/** The whole address of a short name. */
export function expand(term: Term): string {
  const at = term.indexOf(':');
  return prefixes[term.slice(0, at) as Prefix] + term.slice(at + 1);
}

export function link(uri: string): NamedNode {
  return DataFactory.namedNode(uri);
}

export function text(value: string, language?: 'vi' | 'en'): Literal {
  return DataFactory.literal(value, language);
}

/** In both languages. */
export function texts({ vi, en }: Name): readonly Literal[] {
  return [text(vi, 'vi'), text(en, 'en')];
}

export function typed(value: string, datatype: Term): Literal {
  return DataFactory.literal(value, link(expand(datatype)));
}

/** xsd:dateTime in UTC, whole seconds. */
export function moment(at: number): Literal {
  return typed(new Date(at).toISOString().replace(/\.\d{3}Z$/, 'Z'), 'xsd:dateTime');
}

/** What is said of one thing. Every thing has an address: the graph has no blank nodes. */
export interface Thing {
  readonly uri: string;
  readonly types: readonly Term[];
  readonly values: readonly (readonly [Term, readonly Value[] | Value | undefined])[];
}

export function quadsOf({ uri, types, values }: Thing): readonly Quad[] {
  const subject = link(uri);
  const of = (predicate: Term, object: Value) =>
    DataFactory.quad(subject, link(expand(predicate)), object);
  return [
    ...types.map((type) => of('rdf:type', link(expand(type)))),
    ...values.flatMap(([predicate, given]) =>
      given === undefined ? [] : [given].flat().map((value) => of(predicate, value as Value)),
    ),
  ];
}
