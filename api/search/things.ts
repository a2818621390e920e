/** Everything of a view that can be found by name, and the index of its words. */
import type { Name } from '../../devices/model.ts';
import type { Registry } from '../../devices/registry.ts';
import { datasetsOf } from '../catalogue/datasets.ts';
import type { NetworkView } from '../network.ts';
import { foldedWords } from './fold.ts';
import { indexThings, type ThingIndex } from './word-index.ts';

export const thingTypes = ['property', 'owner', 'station', 'dataset'] as const;
export type ThingType = (typeof thingTypes)[number];

export interface Thing {
  readonly type: ThingType;
  readonly id: string;
  readonly name: Name;
}

const made = new WeakMap<NetworkView, Promise<ThingIndex>>();
/** Views of one version share what was folded: most viewers see most of the network. */
const foldedOf = new WeakMap<Registry, Map<string, readonly string[]>>();

/** Made in slices, once for each version of the registry and kind of viewer. */
export function thingsOf(view: NetworkView): Promise<ThingIndex> {
  let index = made.get(view);
  if (index === undefined) {
    index = indexThings(listThings(view), createFold(view.registry));
    made.set(view, index);
  }
  return index;
}

/** By type, few before many, then by id. */
function listThings(view: NetworkView): readonly Thing[] {
  const { networks, series } = datasetsOf(view);
  const properties = [...view.registry.properties.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  return [
    ...properties.map(({ id, label: name }): Thing => ({ type: 'property', id, name })),
    ...view.owners.map(({ id, name }): Thing => ({ type: 'owner', id, name })),
    ...view.stations.map(({ id, name }): Thing => ({ type: 'station', id, name })),
    ...[...networks, ...series].map(({ id, title: name }): Thing => ({
      type: 'dataset',
      id,
      name,
    })),
  ];
}

function createFold(registry: Registry): (text: string) => readonly string[] {
  const folded = foldedOf.get(registry) ?? new Map<string, readonly string[]>();
  foldedOf.set(registry, folded);
  return (text) => {
    let words = folded.get(text);
    if (words === undefined) {
      words = [...new Set(foldedWords(text))];
      folded.set(text, words);
    }
    return words;
  };
}
