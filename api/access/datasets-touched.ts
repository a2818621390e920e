/** The datasets that a request was about, found afterwards from its filter, not while it is answered. */
import { CodedError } from '../../devices/coded-error.ts';
import type { Datastream } from '../../devices/model.ts';
import { datasetsOf } from '../catalogue/datasets.ts';
import { statusOf } from '../errors.ts';
import { filterQuery, readFilter, selectDatastreams, type FilterQuery } from '../filter.ts';
import type { NetworkView } from '../network.ts';
import type { Metered, Selection } from './meter.ts';

/** Filters remembered for one view; the same poll comes again and again. */
const filtersMax = 1_000;

export function createDatasetFinder(): (metered: Metered) => readonly string[] {
  const known = new Map<NetworkView, Map<string, readonly string[]>>();
  return ({ selection }) => {
    if (selection === null) return [];
    const { view, query, slug } = selection;
    const ofView = known.get(view) ?? new Map<string, readonly string[]>();
    known.set(view, ofView);
    const text = JSON.stringify([filterOf(query), slug]);
    let found = ofView.get(text);
    if (found === undefined) {
      found = select(selection);
      if (ofView.size < filtersMax) ofView.set(text, found);
    }
    return found;
  };
}

function filterOf(query: FilterQuery): FilterQuery {
  const names = Object.keys(filterQuery) as (keyof FilterQuery)[];
  return Object.fromEntries(names.map((name) => [name, query[name]]));
}

/**
 * Ids of the networks' datasets; the filter was read once already, so it is a right one. That of a
 * webhook may name what its key sees no more, of which it is told just this.
 */
function select({ view, query, slug }: Selection): readonly string[] {
  const datasets = datasetsOf(view);
  const ids = new Set<string>();
  for (const datastream of selectSeen(view, query)) {
    if (slug !== undefined && datastream.slug !== slug) continue;
    const id = datasets.networkOf(datastream)?.id;
    if (id !== undefined) ids.add(id);
  }
  return [...ids];
}

function selectSeen(view: NetworkView, query: FilterQuery): readonly Datastream[] {
  try {
    return selectDatastreams(view, readFilter(query, Infinity));
  } catch (error) {
    if (error instanceof CodedError && statusOf(error.code) === 404) return [];
    throw error;
  }
}
