/**
 * How a row is laid out in a batch. Rows follow each other in groups: a group is what one message
 * says of one instant (device, place in `readings`, times, position), written once. Inside a group a
 * row is a profile, the difference of its series number to the row before, and its value. A profile
 * is everything that rows of the same channel usually share (raw name and unit, length of the
 * interval, verdict, revision …), written where it first occurs and named by its number after that.
 */
import type { ChangeCause, ChangeType, Verdict } from '../observation.ts';

/** What a row's value consists of, beside its profile. */
export const valueModes = {
  /** Decimal text whose number is the result: one integer. */
  decimal: 0,
  /** Decimal text, and a result that a conversion made of it. */
  decimalConverted: 1,
  /** Decimal text without a result, for example a sentinel. */
  decimalMissing: 2,
  /** Any text and a result. */
  text: 3,
  textMissing: 4,
  /** No text and a result. */
  none: 5,
  /** Neither text nor result. */
  noneMissing: 6,
} as const;

/** Rows that agree in all of this share one profile. */
export interface Profile {
  readonly name: string;
  readonly unit: string | null;
  /** `endAt − startAt`. */
  readonly spanMs: number;
  readonly verdict: Verdict;
  readonly mode: number;
  readonly decimals: number;
  readonly type: ChangeType;
  readonly cause: ChangeCause;
  readonly revision: number;
  readonly current: boolean;
  readonly klass: 0 | 1;
}

/** Bits of a group's first byte. Its second holds the kind of time text and the row count (1–15). */
export const groupBits = {
  /** Device, position and receivedAt are those of the group before. */
  sameMessage: 1,
  resultAt: 2,
  place: 4,
  height: 8,
  payloadHash: 16,
  /** The rank is not (own result time, else receivedAt; node 0). */
  rank: 32,
  /** receivedAt or endAt are not integers of 51 bits: kept as doubles. */
  oddTimes: 64,
} as const;

/** Bits of a profile's first byte: what it shares with the profile defined before it. */
export const profileBits = {
  unit: 1,
  span: 2,
  judgement: 4,
  mode: 8,
  shape: 16,
  rules: 32,
  /** Not shared and no integer of 51 bits: kept as a double. */
  oddSpan: 64,
  /** A rule set not met before in this batch, of 8 hex digits: four bytes follow. */
  newRules: 128,
} as const;

/** Integers of at most this size go through `writeSigned` without loss, as do their differences. */
export const timeMax = 2 ** 51;

/** The digits of a verdict's tests, packed four bits each when they are 16 decimal digits. */
export const testsPattern = /^[0-9]{16}$/;
export const rulesPattern = /^[0-9a-f]{8}$/;
