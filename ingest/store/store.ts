import type { ObservationKey, ObservationRow } from '../observation.ts';
import type {
  Batch,
  BalanceTotals,
  ControlEntry,
  QuarantineEntry,
  SourceMark,
} from '../observations/batch.ts';
import type { Position } from '../log/log.ts';
import type { StoreHorizon, ViewHorizon } from './horizon.ts';
import type { Publication } from './tail-publications.ts';

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

/** Every kept row of a series, page by page: for checks, digests and exports. */
export interface KeptQuery {
  readonly series: number;
  /** Continue strictly behind this key. */
  readonly after?: ObservationKey;
  /** Keys that end before it: none means all. */
  readonly toAt?: number;
  /** Rows of one key are never parted: the last key's all come along. */
  readonly limit: number;
  readonly asOf?: Position;
}

export interface HourRollup {
  readonly series: number;
  /** End of the hour, UTC ms (hour-ending). */
  readonly hourAt: number;
  /** Rows with flag 1, 2 or 3 and a result; the other fields down to `instants` are about these. */
  readonly count: number;
  readonly sum: number;
  /** `min`, `max`, `first` and `last` are NaN where count is 0. */
  readonly min: number;
  readonly max: number;
  /** Sums of sine and cosine for circular properties (degrees on the circle). */
  readonly sumSin: number;
  readonly sumCos: number;
  readonly first: number;
  readonly last: number;
  /** For completeness, as `coverage.ts` says it. */
  readonly coveredMs: number;
  readonly instants: number;
  readonly suspect: number;
  readonly failed: number;
  readonly missing: number;
}

/**
 * The view over `observations`, as a reader sees it: what the database holds and the tail behind it,
 * merged by (key, revision). Every answer is true at one position, which it states.
 */
export interface StoreReader {
  /** All batches up to this position, and no later one, are in the answers. */
  readonly position: Position;
  readonly totals: BalanceTotals;
  /**
   * Newest current row by phenomenon time; rows with the qualifier BACKFILL and deletions do not
   * count. Undefined where there is none.
   */
  latest(series: number): ObservationRow | undefined;
  /**
   * Current rows (or as of a position) of one series, by (endAt, startAt, heightMm); what was deleted
   * is not among them. STORE_POSITION_AHEAD for a position that is not in the answers yet.
   */
  range(query: RangeQuery): readonly ObservationRow[];
  /** Every kept row of a key: current first (a deletion too), then by rank descending. */
  revisions(key: ObservationKey): readonly ObservationRow[];
  /** Every kept row of a series, key by key in order, each key as `revisions` gives it. */
  kept(query: KeptQuery): readonly ObservationRow[];
  /** Every series that has rows, ascending. */
  series(): readonly number[];
  /** Hours with any row whose end is in (fromAt, toAt], ascending. */
  hours(series: number, fromAt: number, toAt: number): readonly HourRollup[];
  /** Newest reading first. Entries of one reading are never parted: the last one's all come along. */
  quarantine(options: {
    readonly beforePosition?: Position;
    readonly limit: number;
    readonly state?: QuarantineEntry['state'];
    readonly device?: string;
  }): readonly QuarantineEntry[];
  control(options: { readonly device: string; readonly limit: number }): readonly ControlEntry[];
  /** Last batch published at or before this time: how `asOf` becomes a position; 0 where none. */
  positionAt(publishedAt: number): Position;
  /** The same for one partition of a copy: in another one time may run otherwise. */
  publishedBy(publishedAt: number, partition: number): Publication | undefined;
  /** Last batch of a partition whose number there is not above this one. */
  numberedUpTo(number: Position, partition: number): Publication | undefined;
}

/** Follows `observations`: the caller feeds batches in order. */
export interface StoreFollower extends StoreReader {
  /** Adds a durable batch to the tail. A position already held is ignored. */
  apply(position: Position, batch: Batch): void;
  /** Bytes that the tail holds. */
  readonly tailBytes: number;
  /** The tail is at its bound: whoever follows waits until `refresh` has trimmed it. */
  readonly saturated: boolean;
  /**
   * Trims the tail behind what the database holds, and goes on to the database's position where that
   * is ahead: only this and `apply` ever move `position`. The writer writes a slice instead, where a
   * flush is wanted.
   */
  refresh(): void;
  /** Before which it may lack rows: as of the last `refresh`. */
  readonly horizon: ViewHorizon;
  close(): void;
}

/** Ingest's side: the one writer of the view's database. */
export interface StoreWriter extends StoreFollower {
  /** Of the last batch held; 0 before the first: where ingest goes on after a start. */
  readonly consumed: Position;
  readonly publishedAt: number;
  readonly registryVersion: number;
  /** Cluster profile: of the last batch held. */
  readonly sources: readonly SourceMark[] | undefined;
  /** The tail is half full or old: time to flush. */
  readonly wantsFlush: boolean;
  /** The flush is pressing: it no longer waits for a rest in the other work. */
  readonly pressesFlush: boolean;
  /**
   * Writes part of what the tail held when this flush began, for at most about `sliceMs`; true when
   * that flush is whole. Batches that came in meanwhile are for the next one.
   */
  flushSlice(sliceMs: number): boolean;
  /** Greatest end of any row of the series ever kept, −Infinity where none: what is newer is new. */
  newestAt(series: number): number;
  readonly horizon: StoreHorizon;
}
