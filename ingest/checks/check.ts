import type { Aggregation } from '../../devices/model.ts';
import type { TestId } from '../quality.ts';

/** QARTOD digit of one test. */
export type Digit = 1 | 2 | 3 | 4 | 9;

/**
 * Values of one series at one height, in order of `endAt` without repeats. A check reads elements
 * `from` (inclusive) to `to` (exclusive) and no others; the window is at least as wide as the
 * check's look-back and look-ahead around the judged element, as far as there are values.
 */
export interface Points {
  readonly endAt: Float64Array;
  /** NaN for a missing result. */
  readonly value: Float64Array;
  /** 1 where the value is finite and no stateless test gave 4: only such neighbours are compared with. */
  readonly sound: Uint8Array;
  readonly from: number;
  readonly to: number;
}

/** What a test needs to know of a series, compiled once per rule set. */
export interface SeriesRules {
  readonly intervalMs: number;
  readonly aggregation: Aggregation;
  readonly circular: boolean;
  readonly sensorRange: { readonly min: number; readonly max: number } | null;
  readonly userRange: { readonly min: number; readonly max: number } | null;
  /** Per month of the station's local year (12 entries) or null. */
  readonly climatology: readonly { readonly min: number; readonly max: number }[] | null;
  readonly spike: {
    readonly suspect: number;
    readonly fail: number | null;
    readonly method: 'average' | 'differential';
  } | null;
  /**
   * Units per second. A change of at most `changeMin` units is never judged: it keeps a sensor's
   * noise from looking steep where two values lie closer together than the interval.
   */
  readonly rateOfChange: {
    readonly suspect: number;
    readonly fail: number | null;
    readonly changeMin: number;
  } | null;
  /**
   * At most `naturalAtMost`, or at least `naturalAtLeast`, a constant value is natural (calm wind,
   * darkness, saturated air): such a value is not evaluated.
   */
  readonly flatLine: {
    readonly tolerance: number;
    readonly suspectMs: number;
    readonly failMs: number | null;
    readonly naturalAtMost: number | null;
    readonly naturalAtLeast: number | null;
  } | null;
  /** A neighbour farther away than this is no neighbour. */
  readonly gapMaxMs: number;
  /** Tests whose digit takes part in the flag; the others inform. */
  readonly counting: readonly TestId[];
  readonly timeZone: string;
  /** Month (0 to 11) of an instant in the station's local year; not part of the hash. */
  readonly monthOf: (at: number) => number;
  /** First 8 hex digits of SHA-256 over the canonical JSON of the rest, functions left out. */
  readonly hash: string;
}

/**
 * A check that compares with neighbours. It reads neighbours' values and their soundness, never
 * their flags, so that the verdict is a function of the set of observations (design.md §6).
 */
export interface NeighbourCheck {
  readonly id: TestId;
  /** Farthest neighbour before the judged element that can matter, in time. */
  lookBackMs(rules: SeriesRules): number;
  lookAheadMs(rules: SeriesRules): number;
  /** Digit of element `at`; never called for a missing value. Keeps no state. */
  judge(points: Points, at: number, rules: SeriesRules): Digit;
}

/** A check of a value by itself. */
export interface ValueCheck {
  readonly id: TestId;
  judge(value: number, endAt: number, rules: SeriesRules): Digit;
}
