/** A thing as a JSON-LD document: the nodes of the lists, each by itself. */
import type { ObservedProperty } from '../../devices/model.ts';
import { uriOf } from '../catalogue/uris.ts';
import { linkedText, qudtOf } from '../formats/linked.ts';
import {
  datastreamNode,
  ownerNode,
  propertyNode,
  stationNode,
} from '../formats/registry-linked.ts';
import { qualityNode } from '../formats/word-tables.ts';
import type { NetworkView } from '../network.ts';
import type { Thing } from './thing.ts';

/** Those that the catalogue describes are described there, in DCAT. */
export type LinkedThing = Exclude<Thing, { readonly kind: 'dataset' | 'distribution' | 'service' }>;

/** `address` is that of the document. */
export function linkedThing(
  view: NetworkView,
  thing: LinkedThing,
  { base, address }: { readonly base: string; readonly address: string },
): string {
  return linkedText(base, { ...nodeOf(view, thing, base), isPrimaryTopicOf: address });
}

function nodeOf(view: NetworkView, thing: LinkedThing, base: string): object {
  switch (thing.kind) {
    case 'station':
      return stationNode(view, base)(thing.station);
    case 'datastream':
      return datastreamNode(view, base)(thing.datastream);
    case 'owner':
      return ownerNode(view, base)(thing.owner);
    case 'property':
      return propertyNode(base)(thing.property);
    case 'flag':
      return qualityNode(base)(thing.flag);
    case 'unit':
      return unitNode(thing.id, thing.properties, base);
    case 'licence':
      return {
        id: uriOf(base, 'licence', thing.id),
        type: ['http://purl.org/dc/terms/LicenseDocument', 'skos:Concept'],
        identifier: thing.id,
        prefLabel: thing.licence.title,
        exactMatch: thing.licence.uri,
      };
  }
}

/** QUDT's unit is the same one: one code, one meaning. */
function unitNode(code: string, properties: readonly ObservedProperty[], base: string): object {
  const matches = new Set(properties.map((property) => qudtOf(property)));
  matches.delete(undefined);
  return {
    id: uriOf(base, 'unit', code),
    type: ['qudt:Unit', 'skos:Concept'],
    ucumCode: code,
    notation: code,
    closeMatch: [...matches],
  };
}
