import type { ObservationKey, ObservationRow } from '../observation.ts';
import type { HourRollup, KeptQuery, RangeQuery, StoreReader } from './store.ts';

/**
 * The questions about observations that every view answers, in this process or on another machine:
 * each as `StoreReader` says it, at one position (of the series' partition, where there are several).
 */
export interface HistoryReader {
  range(query: RangeQuery): Promise<readonly ObservationRow[]>;
  revisions(key: ObservationKey): Promise<readonly ObservationRow[]>;
  kept(query: KeptQuery): Promise<readonly ObservationRow[]>;
  series(): Promise<readonly number[]>;
  hours(series: number, fromAt: number, toAt: number): Promise<readonly HourRollup[]>;
  /** `latest` of each series that has one. */
  newest(series: readonly number[]): Promise<ReadonlyMap<number, ObservationRow>>;
}

/** The view in this process as one that may be asked as any other. */
export function historyOf(store: StoreReader): HistoryReader {
  return {
    range: async (query) => store.range(query),
    revisions: async (key) => store.revisions(key),
    kept: async (query) => store.kept(query),
    series: async () => store.series(),
    hours: async (series, fromAt, toAt) => store.hours(series, fromAt, toAt),
    async newest(series) {
      const found = new Map<number, ObservationRow>();
      for (const one of series) {
        const row = store.latest(one);
        if (row !== undefined) found.set(one, row);
      }
      return found;
    },
  };
}
