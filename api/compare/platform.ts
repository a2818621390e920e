/**
 * A platform as far as two are compared: what it holds, asked for in one order. Two implementations:
 * `open-platform.ts` asks the open API, as anybody can, `held-platform.ts` a view and its registry.
 */
import type { ObservationKey } from '../../ingest/observation.ts';
import type { DigestRow } from '../../ingest/store/digest.ts';

export interface Platform {
  /** As the person who compares named it. */
  readonly name: string;
  /** Those that may be compared, by id. */
  datastreams(): Promise<readonly ComparedDatastream[]>;
  /** Every observation of a datastream that has a current row, by its key. */
  keys(datastream: ComparedDatastream): AsyncIterable<ComparedKey>;
  /** Windows that have a row, by their end. */
  windows(
    datastream: ComparedDatastream,
    window: ComparedWindowName,
  ): AsyncIterable<ComparedWindow>;
  /** By id of the datastream, the id of its newest observation. */
  latest(): Promise<ReadonlyMap<string, string>>;
  /** Where it stands: another text says that it has changed. */
  position(): Promise<string>;
}

export const comparedWindows = ['PT1H', 'P1D'] as const;
export type ComparedWindowName = (typeof comparedWindows)[number];

export interface ComparedDatastream {
  readonly id: string;
  readonly unit: string;
}

export interface ComparedKey extends Omit<ObservationKey, 'series'> {
  /** Of the observation. */
  readonly id: string;
  /** Everything kept of it, the current row first. */
  readonly rows: readonly DigestRow[];
  /** False: its time is the moment of its receipt (qualifier CLOCK), since its message had none to believe. */
  readonly isTimed: boolean;
}

export interface ComparedWindow {
  readonly startAt: number;
  readonly endAt: number;
  /** All that the platform says of it, as one text. */
  readonly text: string;
}
