import type { Points, SeriesRules } from './check.ts';

/** Look-back and look-ahead of one test together; a rule that asks more is not evaluated. */
export const windowMsMax = 48 * 3_600_000;

/** `left` − `right`; of angles the shorter way round, in (−180, 180]. */
export function difference(left: number, right: number, circular: boolean): number {
  const plain = left - right;
  if (!circular) return plain;
  const turned = plain % 360;
  if (turned > 180) return turned - 360;
  return turned <= -180 ? turned + 360 : turned;
}

/** Farthest look-back of the flat line: its window, and the one value before the window's start. */
export function flatLineReachMs(rules: SeriesRules): number {
  const rule = rules.flatLine;
  return rule === null ? 0 : Math.max(rule.suspectMs, rule.failMs ?? 0) + rules.gapMaxMs;
}

/** End of element `place`, or NaN where there is none. */
export function endOf(points: Points, place: number): number {
  return points.endAt[place] ?? Number.NaN;
}

/** Value of element `place`; NaN where it is missing. */
export function valueOf(points: Points, place: number): number {
  return points.value[place] ?? Number.NaN;
}
