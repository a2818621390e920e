import { compareRank, type ObservationKey, type ObservationRow } from '../observation.ts';
import type { RangeQuery } from '../store/store.ts';
import type { KeptStore } from './kept.ts';

/** The least that answers the decider's questions: rows in maps, in the order of `apply`. */
export interface PlainStore extends KeptStore {
  apply(rows: readonly ObservationRow[]): void;
  /** Current rows of all series by key. */
  current(): ObservationRow[];
  all(): ObservationRow[];
}

export function createPlainStore(): PlainStore {
  const bySeries = new Map<number, Map<string, ObservationRow[]>>();
  const all: ObservationRow[] = [];
  const keyOf = (key: ObservationKey): string => `${key.endAt} ${key.startAt} ${key.heightMm}`;

  function currentOf(series: number): ObservationRow[] {
    const keys = bySeries.get(series)?.values() ?? [];
    return [...keys]
      .flatMap((rows) => rows.filter((row) => row.current).slice(-1))
      .sort(compareKeys);
  }

  return {
    apply(rows) {
      for (const row of rows) {
        all.push(row);
        let keys = bySeries.get(row.series);
        if (keys === undefined) bySeries.set(row.series, (keys = new Map()));
        const known = keys.get(keyOf(row));
        if (known === undefined) keys.set(keyOf(row), [row]);
        else known.push(row);
      }
    },
    current: () => [...bySeries.keys()].sort((a, b) => a - b).flatMap(currentOf),
    all: () => all,
    range(query: RangeQuery) {
      const { fromAt, toAt, order, after, limit } = query;
      const rows = currentOf(query.series).filter(
        (row) => row.type !== 'deletion' && row.endAt >= fromAt && row.endAt < toAt,
      );
      if (order === 'desc') rows.reverse();
      const start =
        after === undefined ? 0 : rows.findIndex((row) => keyOf(row) === keyOf(after)) + 1;
      return rows.slice(start, start + limit);
    },
    revisions(key) {
      const rows = bySeries.get(key.series)?.get(keyOf(key)) ?? [];
      return [...rows].sort((a, b) => b.revision - a.revision || compareRank(b.rank, a.rank));
    },
    kept({ series, after, toAt = Number.POSITIVE_INFINITY }) {
      const keys = [...(bySeries.get(series)?.values() ?? [])];
      return keys
        .flatMap((rows) => [...rows].sort((a, b) => b.revision - a.revision))
        .filter((row) => row.endAt < toAt && (after === undefined || compareKeys(row, after) > 0))
        .sort(compareKeys);
    },
    newestAt: (series) =>
      Math.max(Number.NEGATIVE_INFINITY, ...currentOf(series).map((row) => row.endAt)),
  };
}

export function compareKeys(a: ObservationKey, b: ObservationKey): number {
  const heights = (key: ObservationKey): number =>
    Number.isNaN(key.heightMm) ? -1e9 : key.heightMm;
  return a.endAt - b.endAt || a.startAt - b.startAt || heights(a) - heights(b);
}
