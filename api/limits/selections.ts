/**
 * The series that a filter lets through, remembered for as long as the registry and what the viewer
 * sees of it stay the same: the same areas are asked for again and again, and looking at every station
 * of a network costs as much as answering about a few.
 */
import type { Datastream } from '../../devices/model.ts';
import { filterQuery, readFilter, selectDatastreams, type FilterQuery } from '../filter.ts';
import type { NetworkView } from '../network.ts';

/** Series remembered of one view, over all its filters; then all are forgotten. */
const rememberedMax = 500_000;

interface Remembered {
  readonly selections: Map<string, readonly Datastream[]>;
  series: number;
}

const names = Object.keys(filterQuery) as (keyof FilterQuery)[];

/** As `selectDatastreams`; throws as it and `readFilter` do. */
export type Select = (view: NetworkView, query: FilterQuery) => readonly Datastream[];

export function createSelections(valuesMax: number): Select {
  const byView = new WeakMap<NetworkView, Remembered>();
  return (view, query) => {
    const asked = names.map((name) => query[name] ?? null);
    // Without a filter everything that the viewer sees: by id already.
    if (asked.every((value) => value === null)) return view.datastreams;
    const key = JSON.stringify(asked);
    const remembered = byView.get(view) ?? { selections: new Map(), series: 0 };
    byView.set(view, remembered);
    const found = remembered.selections.get(key);
    if (found !== undefined) return found;
    const selected = selectDatastreams(view, readFilter(query, valuesMax));
    // The question takes room too, also where nothing is selected.
    const size = selected.length + key.length;
    if (remembered.series + size > rememberedMax) {
      remembered.selections.clear();
      remembered.series = 0;
    }
    remembered.series += size;
    remembered.selections.set(key, selected);
    return selected;
  };
}
