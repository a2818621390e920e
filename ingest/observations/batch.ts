import type { ObservationRow } from '../observation.ts';
import type { Position } from '../log/log.ts';

/**
 * One record of the log `observations`: all that one stretch of `readings` caused, and the position
 * consumed. Atomic: a crash repeats nothing and skips nothing.
 */
export interface Batch {
  /** max(previous batch, now): what `asOf` asks. */
  readonly publishedAt: number;
  /** All readings up to and including this position have been settled. */
  readonly consumed: Position;
  readonly totals: BalanceTotals;
  /** The registry version in force behind this batch: where the next one goes on after a start. */
  readonly registryVersion: number;
  /** In order of decision. Rows with `current: false` are history. */
  readonly rows: readonly ObservationRow[];
  readonly quarantined: readonly QuarantineEntry[];
  readonly control: readonly ControlEntry[];
  /** Cluster profile: how far each node's log of readings has come into this partition, by node. */
  readonly sources?: readonly SourceMark[];
  /** Only in a node's own copy of `observations`, where the partitions stand one behind another. */
  readonly place?: BatchPlace;
}

/** The last reading that a node sent to a partition of the topic `readings` and that was consumed. */
export interface SourceMark {
  readonly node: number;
  /** Of that reading in the node's own log. */
  readonly position: Position;
  /** Its number among what the node sent to this partition: 1 for the first, without holes. */
  readonly sequence: number;
}

/** Where a batch of one partition stands in a copy that holds them all. */
export interface BatchPlace {
  readonly partition: number;
  /**
   * Of each partition the last batch that the copy holds when it holds this one; 0 where none. In a
   * partition batches are numbered from 1 without holes, the same on every node.
   */
  readonly positions: readonly Position[];
}

/** Running totals of the two balance laws (interfaces.md §7), first passes only. */
export interface BalanceTotals {
  readonly readingsSettled: number;
  readonly readingsQuarantined: number;
  readonly readingsControl: number;
  readonly measurementsDecoded: number;
  readonly measurementsStored: number;
  readonly measurementsDuplicate: number;
  readonly measurementsRevision: number;
  readonly measurementsQuarantined: number;
  /** Terms of their own: what `replay` and `reprocess` did. */
  readonly replayed: number;
  readonly reprocessed: number;
}

/** Before the first batch. */
export const noTotals: BalanceTotals = {
  readingsSettled: 0,
  readingsQuarantined: 0,
  readingsControl: 0,
  measurementsDecoded: 0,
  measurementsStored: 0,
  measurementsDuplicate: 0,
  measurementsRevision: 0,
  measurementsQuarantined: 0,
  replayed: 0,
  reprocessed: 0,
};

/** A reading, or one channel of it, that could not become an observation. */
export interface QuarantineEntry {
  /** Of the reading in `readings`. */
  readonly position: Position;
  readonly receivedAt: number;
  readonly device: string;
  readonly topic: string;
  /** Null: the whole message. */
  readonly channel: string | null;
  readonly code: string;
  /** Byte offset in the payload, or -1. */
  readonly offset: number;
  readonly detail: string;
  /** `open` when first met; a later entry of the same (position, channel) ends it. */
  readonly state: 'open' | 'replayed' | 'dismissed';
  /** A copy of the message's bytes, so that it outlives the retention of `readings`; null in ends. */
  readonly payload: Uint8Array | null;
}

/** State, birth, last will, markers: settled as control, kept for the operator. */
export interface ControlEntry {
  readonly position: Position;
  readonly receivedAt: number;
  readonly device: string;
  /** `state`, `meta`, `registry`, `attempt`, `decision`, `replay`, `job`. */
  readonly kind: string;
  /** Text of the payload, cut at 1,024 characters. */
  readonly text: string;
}

/** `encodeBatch`/`decodeBatch` live in `batch-codec.ts`. */
export const batchFormatVersion = 1;
/** A batch with its sources before it. */
export const sourcedFormatVersion = 2;
/** A batch of either kind with its place before it. */
export const placedFormatVersion = 3;
