/**
 * What the API asks about observations. On one machine its view answers at once; a node of a network
 * whose view begins at a horizon asks InfluxDB for what lies before (`past/questions.ts`).
 */
import type { ObservationKey, ObservationRow } from '../ingest/observation.ts';
import type { HourRollup, RangeQuery, StoreReader } from '../ingest/store/store.ts';
import type { Pins } from '../ingest/feed/places/places.ts';

/** At once where it can be had at once: nothing waits for a promise that it does not need. */
export type Awaitable<Result> = Result | Promise<Result>;

export interface HoursQuestion {
  readonly series: number;
  /** Hours named by their end: from exclusive, to inclusive. */
  readonly fromAt: number;
  readonly toAt: number;
  readonly isCircular: boolean;
}

/** Each as `StoreReader` says it, at the moment of the pins; rejects API_HISTORY_AWAY. */
export interface Questions {
  /** Without `asOf` nothing of the series has changed since the moment. */
  range(query: RangeQuery, pins: Pins): Awaitable<readonly ObservationRow[]>;
  /** Only of series of which nothing has changed since the moment. */
  hours(question: HoursQuestion, pins: Pins): Awaitable<readonly HourRollup[]>;
  /** `held`: what the view says at the moment. */
  revisions(
    key: ObservationKey,
    held: readonly ObservationRow[],
    pins: Pins,
  ): Awaitable<readonly ObservationRow[]>;
  /** By the series' places in the list; `held`: what the view says at the moment. */
  latest(
    series: readonly number[],
    held: readonly (ObservationRow | undefined)[],
    pins: Pins,
  ): Awaitable<readonly (ObservationRow | undefined)[]>;
}

export function askView(store: Pick<StoreReader, 'range' | 'hours'>): Questions {
  return {
    range: (query) => store.range(query),
    hours: ({ series, fromAt, toAt }) => store.hours(series, fromAt, toAt),
    revisions: (_key, held) => held,
    latest: (_series, held) => held,
  };
}
