import type { Flag, Reason } from './quality.ts';

/** What an observation is known by (design.md §6). `heightMm` is NaN where it has none of its own. */
export interface ObservationKey {
  /** Internal number of the datastream. */
  readonly series: number;
  /** End of the phenomenon time, or the instant. Integer ms UTC. */
  readonly endAt: number;
  /** Start of the phenomenon time; equal to `endAt` for an instant. */
  readonly startAt: number;
  readonly heightMm: number;
}

/**
 * Which value of a key counts: the greatest rank. Compared field by field, first to last.
 * `klass` is 0 for a null without its own result time, else 1; `at` is the own result time, else
 * receivedAt; `node` the broker node; `position` the reading's place in that node's log.
 */
export interface Rank {
  readonly klass: 0 | 1;
  readonly at: number;
  readonly node: number;
  readonly position: number;
}

export function compareRank(a: Rank, b: Rank): number {
  return a.klass - b.klass || a.at - b.at || a.node - b.node || a.position - b.position;
}

export const changeTypes = ['insert', 'correction', 'deletion'] as const;
export type ChangeType = (typeof changeTypes)[number];
/** `reprocess` is shown as `rule` (`observations/withdrawn.ts`). */
export const changeCauses = ['value', 'flag', 'rule', 'review', 'erasure', 'reprocess'] as const;
export type ChangeCause = (typeof changeCauses)[number];

/** The measurement as sent, kept for ever beside what was made of it. */
export interface Raw {
  /** Channel, as the device named it. */
  readonly name: string;
  /** Text exactly as sent; null for a JSON null or an absent value. */
  readonly value: string | null;
  readonly unit: string | null;
  /** The time's text exactly as sent; null where the message carried none. */
  readonly time: string | null;
  /**
   * Where `sentDecimals` ≥ 0, `value` is `sentNumber.toFixed(sentDecimals)` and is made only when
   * asked for: whoever writes many rows writes these two instead. -1 or absent: `value` is the text.
   */
  readonly sentNumber?: number;
  readonly sentDecimals?: number;
}

/** The platform's judgement of a value. Interned: few distinct verdicts exist in a network. */
export interface Verdict {
  readonly flag: Flag;
  /** 16 digits, one a test, in the order of `testIds`. */
  readonly tests: string;
  /** Bit mask over `qualifiers`. */
  readonly qualifiers: number;
  /** Always present when the result is null. */
  readonly reason: Reason | null;
  /** Hash of the rule set that judged, 8 hex digits. */
  readonly rules: string;
}

/** One decided value of one observation: a row of the change feed, or of history. */
export interface ObservationRow extends ObservationKey {
  /**
   * From 0, growing by one with every row of the key that is or was current. Rows that were
   * superseded on arrival count by themselves, downwards: -1 for the key's first. So a row is known
   * by key and revision.
   */
  readonly revision: number;
  /**
   * False: superseded on arrival (a greater rank was already kept). Kept and readable, not in the
   * feed, and its revision is negative: it never was current.
   */
  readonly current: boolean;
  readonly type: ChangeType;
  readonly cause: ChangeCause;
  /** In the canonical unit of the property; null always has flag 9 and a reason. */
  readonly result: number | null;
  readonly verdict: Verdict;
  /** The device's own result time; NaN where it gave none. */
  readonly resultAt: number;
  readonly receivedAt: number;
  /** When the platform first showed this row; one value for a batch (design.md §6). */
  readonly publishedAt: number;
  readonly rank: Rank;
  readonly device: string;
  readonly raw: Raw;
  /** Only where the message carried no time: 32 bits of the payload's hash, for promise 3; else -1. */
  readonly payloadHash: number;
  /** Of a moving platform: NaN where none. */
  readonly latitude: number;
  readonly longitude: number;
}
