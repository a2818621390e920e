import type { ObservationKey, ObservationRow } from '../observation.ts';
import type { Batch, BalanceTotals, ControlEntry, QuarantineEntry } from '../observations/batch.ts';
import type { Position } from '../log/log.ts';

/** A place in the change feed: the n-th current row (from 0) of a batch of `observations`. */
export interface ChangePlace {
  readonly position: Position;
  readonly index: number;
}

export interface RangeQuery {
  readonly series: number;
  /** On the end of phenomenonTime: from inclusive, to exclusive. */
  readonly fromAt: number;
  readonly toAt: number;
  readonly order: 'asc' | 'desc';
  /** Show what was published at this position of `observations`; none means now. */
  readonly asOf?: Position;
  /** Continue strictly behind this key, in `order`. */
  readonly after?: ObservationKey;
  readonly limit: number;
}

export interface HourRollup {
  readonly series: number;
  /** End of the hour, UTC ms (hour-ending). */
  readonly hourAt: number;
  /** Rows with flag 1, 2 or 3 and a result. */
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  /** Sums of sine and cosine for circular properties (degrees on the circle). */
  readonly sumSin: number;
  readonly sumCos: number;
  readonly first: number;
  readonly last: number;
  /** Milliseconds of the hour that the rows cover, for completeness. */
  readonly coveredMs: number;
  readonly suspect: number;
  readonly failed: number;
  readonly missing: number;
}

/**
 * The view over `observations`, as a reader sees it: what the database holds and the tail behind it,
 * merged by (key, revision). Every answer is true at one position, which it states.
 */
export interface StoreReader {
  /** All batches up to this position are in the answers. */
  readonly position: Position;
  readonly totals: BalanceTotals;
  /** Newest current row by phenomenon time that is not backfill-only; undefined where none. */
  latest(series: number): ObservationRow | undefined;
  /** Current rows (or as of a position) of one series, by (endAt, startAt, heightMm). */
  range(query: RangeQuery): readonly ObservationRow[];
  /** Every kept row of a key: current first, then by rank descending. */
  revisions(key: ObservationKey): readonly ObservationRow[];
  /** Hours with any row whose end is in (fromAt, toAt], ascending. */
  hours(series: number, fromAt: number, toAt: number): readonly HourRollup[];
  quarantine(options: {
    readonly beforePosition?: Position;
    readonly limit: number;
    readonly state?: QuarantineEntry['state'];
    readonly device?: string;
  }): readonly QuarantineEntry[];
  control(options: { readonly device: string; readonly limit: number }): readonly ControlEntry[];
  /** Last batch published at or before this time: how `asOf` becomes a position. */
  positionAt(publishedAt: number): Position;
}

/** Follows `observations`: the caller feeds batches in order. */
export interface StoreFollower extends StoreReader {
  /** Adds a durable batch to the tail. A position already held is ignored. */
  apply(position: Position, batch: Batch): void;
  close(): void;
}

/** Ingest's side: the one writer of the view's database. */
export interface StoreWriter extends StoreFollower {
  /** Bytes that the tail holds: above half of its bound the owner flushes, at the bound it waits. */
  readonly tailBytes: number;
  /** Writes part of the tail out for at most `sliceMs`; true when nothing is left to write. */
  flushSlice(sliceMs: number): boolean;
}
