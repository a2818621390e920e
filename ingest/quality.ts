/** Flags, tests and qualifiers: the closed sets (quality.md §1.1 and §8). */

/** QARTOD primary flags. */
export const flags = { good: 1, notEvaluated: 2, suspect: 3, fail: 4, missing: 9 } as const;
export type Flag = (typeof flags)[keyof typeof flags];

/** The place of each test's digit in `tests`; places are never reused. */
export const testIds = [
  'syntax',
  'location',
  'time',
  'duplicate',
  'sensorRange',
  'climatology',
  'spike',
  'rateOfChange',
  'flatLine',
  'attenuated',
  'gap',
  'multivariate',
  'buddy',
  'seasonal',
  'deviceStatus',
  'drift',
] as const;
export type TestId = (typeof testIds)[number];

/** Bit n of a qualifier mask is the n-th of these; places are never reused. */
export const qualifiers = [
  'CALIB',
  'MAINT',
  'FAULT',
  'POWER',
  'BDL',
  'EST',
  'GAPFILL',
  'CORRECTED',
  'DRIFT',
  'RESET',
  'SWAP',
  'LATE',
  'BACKFILL',
  'CLOCK',
  'MANUAL',
] as const;
export type Qualifier = (typeof qualifiers)[number];

/** Why a result is null: the closed set of `reason`. */
export const reasons = [
  /** The device sent nothing, null or NaN for it. */
  'MISSING',
  /** The device sent its own code for "no value" (−9999, −999 …). */
  'SENTINEL',
  /** A lawful erasure. */
  'ERASED',
  /** The device's own status says that the value is not a measurement. */
  'DEVICE_STATUS',
] as const;
export type Reason = (typeof reasons)[number];

export function maskOf(names: readonly Qualifier[]): number {
  return names.reduce((mask, name) => mask | (1 << qualifiers.indexOf(name)), 0);
}

export function namesOf(mask: number): Qualifier[] {
  return qualifiers.filter((_, place) => (mask & (1 << place)) !== 0);
}

/** The digits of `tests` as far as a row is made of them: whether a test was evaluated is no news. */
export function settledTests(tests: string): string {
  return tests.replaceAll('2', '1');
}
