import type { Digit } from './check.ts';

/** Relative difference up to which two results, after conversion, are the same value (design: 1e-9). */
const sameValueRelativeMax = 1e-9;

/** Whether two results are one value: both null, or equal to 1e-9 of the larger. */
export function isSameValue(left: number | null, right: number | null): boolean {
  if (left === null || right === null) return left === right;
  if (left === right) return true;
  const larger = Math.max(Math.abs(left), Math.abs(right));
  return Math.abs(left - right) <= larger * sameValueRelativeMax;
}

/**
 * Whether a value repeats a kept one of its key: the same value, with the same own result time or
 * none of its own (NaN). A reversal to an earlier value therefore needs a result time.
 */
export function isRepeat(
  arriving: { readonly result: number | null; readonly resultAt: number },
  kept: { readonly result: number | null; readonly resultAt: number },
): boolean {
  if (!Number.isNaN(arriving.resultAt) && arriving.resultAt !== kept.resultAt) return false;
  return isSameValue(arriving.result, kept.result);
}

/**
 * 3 where another number of the same key has the same claim to be right (the same own result time,
 * or neither has one), else 1. `others` are the kept values of the key without the judged one.
 */
export function duplicateDigit(
  resultAt: number,
  others: Iterable<{ readonly result: number | null; readonly resultAt: number }>,
): Digit {
  for (const other of others) {
    if (other.result !== null && Object.is(other.resultAt, resultAt)) return 3;
  }
  return 1;
}
