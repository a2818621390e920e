/**
 * JSON-LD of lists. A document has the same members as JSON (`items`, `next`, `complete`, `cursor`):
 * its inline context makes `items` the graph and gives every term, so that nothing is fetched to
 * read it. Observations are SOSA (W3C REC 2017), results QUDT, names SKOS and RDFS.
 */
import type { ObservedProperty } from '../../devices/model.ts';
import { idInAddress } from '../ids/slug.ts';
import { createJoinedWriter } from './list-writer.ts';
import type { ListWriter } from './table.ts';

/** Addresses of things on this server: `base` is how the client reaches it. */
export interface Addresses {
  observation(id: string): string;
  datastream(id: string): string;
  station(id: string): string;
  property(id: string): string;
  owner(id: string): string;
  flag(flag: number): string;
  unit(code: string): string;
}

export function addressesAt(base: string): Addresses {
  const at = (kind: string) => (id: string) => `${base}/id/${kind}/${idInAddress(kind, id)}`;
  const listed = (kind: string) => (id: string) =>
    `${base}/api/v1/${kind}/${encodeURIComponent(id)}`;
  const flag = at('flag');
  return {
    observation: listed('observations'),
    datastream: at('datastream'),
    station: at('station'),
    property: at('property'),
    owner: at('owner'),
    flag: (digit) => flag(String(digit)),
    unit: at('unit'),
  };
}

/** Where the terms of the columns are listed. */
export function termsAt(base: string): string {
  return `${base}/api/v1/terms/`;
}

const prefixes = {
  sosa: 'http://www.w3.org/ns/sosa/',
  ssn: 'http://www.w3.org/ns/ssn/',
  qudt: 'http://qudt.org/schema/qudt/',
  time: 'http://www.w3.org/2006/time#',
  rdf: 'http://www.w3.org/1999/02/22-rdf-syntax-ns#',
  skos: 'http://www.w3.org/2004/02/skos/core#',
  rdfs: 'http://www.w3.org/2000/01/rdf-schema#',
  dcterms: 'http://purl.org/dc/terms/',
  foaf: 'http://xmlns.com/foaf/0.1/',
  org: 'http://www.w3.org/ns/org#',
  wgs84: 'http://www.w3.org/2003/01/geo/wgs84_pos#',
  xsd: 'http://www.w3.org/2001/XMLSchema#',
} as const;

const link = (id: string) => ({ '@id': id, '@type': '@id' });
const typed = (id: string, type: string) => ({ '@id': id, '@type': `xsd:${type}` });

function contextOf(base: string): object {
  const own = termsAt(base);
  return {
    '@version': 1.1,
    ...prefixes,
    quantrac: own,
    items: '@graph',
    next: null,
    complete: null,
    cursor: null,
    id: '@id',
    type: '@type',
    phenomenonTime: 'sosa:phenomenonTime',
    resultTime: typed('sosa:resultTime', 'dateTime'),
    hasFeatureOfInterest: link('sosa:hasFeatureOfInterest'),
    observedProperty: link('sosa:observedProperty'),
    madeBySensor: link('sosa:madeBySensor'),
    usedProcedure: link('sosa:usedProcedure'),
    hasSimpleResult: typed('sosa:hasSimpleResult', 'double'),
    hasResult: 'sosa:hasResult',
    observes: link('sosa:observes'),
    isHostedBy: link('sosa:isHostedBy'),
    hosts: link('sosa:hosts'),
    implements: link('ssn:implements'),
    forProperty: link('ssn:forProperty'),
    deployedOnPlatform: link('ssn:deployedOnPlatform'),
    deployedSystem: link('ssn:deployedSystem'),
    numericValue: typed('qudt:numericValue', 'double'),
    hasUnit: link('qudt:hasUnit'),
    ucumCode: 'qudt:ucumCode',
    inXSDDateTimeStamp: typed('time:inXSDDateTimeStamp', 'dateTimeStamp'),
    hasBeginning: 'time:hasBeginning',
    hasEnd: 'time:hasEnd',
    label: { '@id': 'rdfs:label', '@container': '@language' },
    prefLabel: { '@id': 'skos:prefLabel', '@container': '@language' },
    definition: { '@id': 'skos:definition', '@container': '@language' },
    exactMatch: link('skos:exactMatch'),
    closeMatch: link('skos:closeMatch'),
    notation: 'skos:notation',
    isPrimaryTopicOf: link('foaf:isPrimaryTopicOf'),
    publisher: link('dcterms:publisher'),
    license: link('dcterms:license'),
    isPartOf: link('dcterms:isPartOf'),
    identifier: 'dcterms:identifier',
    lat: typed('wgs84:lat', 'double'),
    long: typed('wgs84:long', 'double'),
    alt: typed('wgs84:alt', 'double'),
    flag: link('quantrac:flag'),
    receivedAt: typed('quantrac:receivedAt', 'dateTime'),
    ageSeconds: typed('quantrac:ageSeconds', 'integer'),
    revision: typed('quantrac:revision', 'integer'),
    intervalMs: typed('quantrac:intervalMs', 'integer'),
    // Whatever else a list tells is a term of its own, under the name of its column.
    '@vocab': own,
  };
}

/** A list of nodes; each text is one JSON object. */
export function createLinkedWriter<Item>(
  base: string,
  textOf: (item: Item) => string,
): ListWriter<Item> {
  const begin = `{"@context":${JSON.stringify(contextOf(base))},"items":[`;
  return createJoinedWriter(begin, textOf);
}

/** One node as a document of its own. */
export function linkedText(base: string, node: object): string {
  return JSON.stringify({ '@context': contextOf(base), ...node });
}

/** QUDT unit of a property, where the catalogue knows it. */
export function qudtOf(property: ObservedProperty | undefined): string | undefined {
  return property?.links.find(({ scheme }) => scheme === 'QUDT')?.uri;
}

export function instantNode(text: string): object {
  return { type: 'time:Instant', inXSDDateTimeStamp: text };
}

/** `instant` or `start/end`. */
export function timeNode(text: string): object {
  const [start = '', end] = text.split('/');
  if (end === undefined) return instantNode(start);
  return { type: 'time:Interval', hasBeginning: instantNode(start), hasEnd: instantNode(end) };
}
