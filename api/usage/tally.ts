/**
 * What has been taken since figures were last written: sums by question, so that a request costs no
 * more than an addition, whatever it was about. Which datasets a question was about is found later.
 */
import type { Taken } from '../access/meter.ts';
import { filterQuery, type FilterQuery } from '../filter.ts';
import type { NetworkView } from '../network.ts';
import { formatOf, resourceOf } from './resource.ts';

export interface Sums {
  requests: number;
  rows: number;
  bytes: number;
}

/** What was asked about: a selection of what a viewer sees, or a dataset by its id. */
export type Subject =
  | { readonly view: NetworkView; readonly query: FilterQuery }
  | { readonly dataset: string };

export interface Pending {
  readonly subject: Subject;
  /** By resource and format. */
  readonly cells: Map<string, Sums>;
}

export interface Tally {
  /** False where it could not be counted because too much is pending. */
  add(taken: Taken): boolean;
  /** Everything since, and begins anew. */
  take(): readonly Pending[];
  readonly size: number;
}

const names = Object.keys(filterQuery) as (keyof FilterQuery)[];

export function createTally(questionsMax: number): Tally {
  let selections = new Map<NetworkView, Map<string, Pending>>();
  let datasets = new Map<string, Pending>();
  let size = 0;

  function pendingIn(
    group: Map<string, Pending>,
    key: string,
    subject: () => Subject,
  ): Pending | undefined {
    const found = group.get(key);
    if (found !== undefined || size >= questionsMax) return found;
    const made = { subject: subject(), cells: new Map<string, Sums>() };
    group.set(key, made);
    size += 1;
    return made;
  }

  function pendingOf({ selection, parameters }: Taken): Pending | null | undefined {
    const { dataset } = parameters;
    if (dataset !== undefined) return pendingIn(datasets, dataset, () => ({ dataset }));
    if (selection === null) return null;
    const { view, query } = selection;
    const group = selections.get(view) ?? new Map<string, Pending>();
    selections.set(view, group);
    const filter = () => Object.fromEntries(names.map((name) => [name, query[name]]));
    const key = JSON.stringify(names.map((name) => query[name] ?? null));
    return pendingIn(group, key, () => ({ view, query: filter() }));
  }

  return {
    add(taken) {
      const pending = pendingOf(taken);
      if (pending === undefined) return false;
      if (pending === null) return true;
      const cell = `${resourceOf(taken.path)} ${formatOf(taken.contentType)}`;
      const sums = pending.cells.get(cell) ?? { requests: 0, rows: 0, bytes: 0 };
      sums.requests += taken.requests;
      sums.rows += taken.rows;
      sums.bytes += taken.bytes;
      pending.cells.set(cell, sums);
      return true;
    },
    take() {
      const taken = [...selections.values()].flatMap((group) => [...group.values()]);
      const all = [...taken, ...datasets.values()];
      selections = new Map();
      datasets = new Map();
      size = 0;
      return all;
    },
    get size() {
      return size;
    },
  };
}
