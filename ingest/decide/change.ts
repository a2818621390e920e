import { judgedCodes } from '../checks/digits.ts';
import type { Judge } from '../checks/judge.ts';
import { qualifiersOfMeta, reasonOfMeta } from './point-meta.ts';
import type { SeriesState } from './series.ts';

/**
 * Whether a verdict that went from one code to another makes a row: the flag differs, or a digit
 * went to or from 3, 4 or 9. A digit that settles from 2 to 1 makes none (interfaces.md §6).
 */
export function makesRow(state: SeriesState, before: number, after: number, meta: number): boolean {
  if (state.quietFrom === before && state.quietTo === after) return false;
  if (isLoud(before, after) || flagChanges(state.judge, before, after, meta)) return true;
  state.quietFrom = before;
  state.quietTo = after;
  return false;
}

/** The given digits of a code. */
export function givenOfCode(code: number): number {
  return Math.floor(code / judgedCodes);
}

function isLoud(before: number, after: number): boolean {
  let left = before;
  let right = after;
  while (left > 0 || right > 0) {
    const old = left % 5;
    const now = right % 5;
    if (old !== now && !(isQuietDigit(old) && isQuietDigit(now))) return true;
    left = (left - old) / 5;
    right = (right - now) / 5;
  }
  return false;
}

/** A 1 or a 2; a 9 stands as 0 in a code. */
function isQuietDigit(digit: number): boolean {
  return digit === 1 || digit === 2;
}

function flagChanges(judge: Judge, before: number, after: number, meta: number): boolean {
  const qualifiers = qualifiersOfMeta(meta);
  const reason = reasonOfMeta(meta);
  return (
    judge.verdict(before, qualifiers, reason).flag !== judge.verdict(after, qualifiers, reason).flag
  );
}
