import type { Digit, NeighbourCheck, Points, SeriesRules } from './check.ts';
import { difference, endOf, flatLineReachMs, valueOf, windowMsMax } from './neighbour.ts';

/**
 * QARTOD flat line by elapsed time: the unbroken run of sound values that ends at the judged one and
 * stays within the tolerance (largest − smallest ≤ tolerance). A gap breaks the run, a missing or
 * failed value is passed over. Only the judged value gets the digit, not the whole run.
 */
export const flatLine: NeighbourCheck = {
  id: 'flatLine',
  lookBackMs: flatLineReachMs,
  lookAheadMs: () => 0,
  judge(points, at, rules) {
    if (!isFlatJudged(valueOf(points, at), rules)) return 2;
    const run = createFlatRun();
    walkRun(points, at, rules, run);
    return flatDigit(endOf(points, at) - run.startAt, rules);
  },
};

/**
 * The run that ends at the newest judged value, so that a sensor stuck for a day is not walked along
 * at each of its values. It gives exactly what the walk gives: while values stay within the
 * tolerance the run goes on; whatever else happens, it is walked anew.
 */
export interface FlatRun {
  /** End of the last element that the run has seen, whether sound or not. */
  elementAt: number;
  /** End of the run's newest and oldest value. The oldest may be later than the true one. */
  soundAt: number;
  startAt: number;
  /** Extremes; of angles as differences from `base`, else from 0. */
  base: number;
  lowest: number;
  highest: number;
  /** The walk met the first loaded element before it was decided. */
  isCutShort: boolean;
  /** It did so at a value that is not judged: a judged one needs a walk of its own. */
  isPartial: boolean;
}

export function createFlatRun(): FlatRun {
  return {
    elementAt: Number.NaN,
    soundAt: Number.NaN,
    startAt: Number.NaN,
    base: Number.NaN,
    lowest: Number.NaN,
    highest: Number.NaN,
    isCutShort: false,
    isPartial: false,
  };
}

/** Digit of element `at` (never a missing one) by the run of the element before it, which it moves on. */
export function advanceFlat(points: Points, at: number, rules: SeriesRules, run: FlatRun): Digit {
  run.isCutShort = false;
  if (points.sound[at] !== 1) return advanceUnsound(points, at, rules, run);
  const endAt = endOf(points, at);
  const isJudged = isFlatJudged(valueOf(points, at), rules);
  if ((isJudged && run.isPartial) || !continues(points, at, rules, run)) {
    walkRun(points, at, rules, run);
    // Nobody asks how long a natural constant lasts: nothing is loaded for it.
    run.isPartial = run.isCutShort && !isJudged;
    run.isCutShort &&= isJudged;
  }
  run.elementAt = endAt;
  run.soundAt = endAt;
  return isJudged ? flatDigit(endAt - run.startAt, rules) : 2;
}

/**
 * The digit of element `at` where the points do not reach back far enough: the walk goes on along
 * `older`, stretches that end where the one before began. The run of a failed value is its own.
 */
export function judgeFlatBeyond(
  points: Points,
  at: number,
  rules: SeriesRules,
  beyond: { readonly run: FlatRun; readonly older: Iterable<Points> },
): Digit {
  const isSound = points.sound[at] === 1;
  const run = isSound ? beyond.run : createFlatRun();
  const endAt = endOf(points, at);
  walkRun(points, at, rules, run);
  for (const stretch of beyond.older) {
    if (!run.isCutShort) break;
    walkOn(stretch, stretch.to, rules, { run, endAt });
  }
  run.isCutShort = false;
  run.isPartial = false;
  if (isSound) {
    run.elementAt = endAt;
    run.soundAt = endAt;
  }
  return isFlatJudged(valueOf(points, at), rules) ? flatDigit(endAt - run.startAt, rules) : 2;
}

/** Moves the run over a missing element: it is passed over, and nothing is judged. */
export function advanceMissing(points: Points, at: number, run: FlatRun): void {
  run.isCutShort = false;
  run.elementAt = isNextOf(points, at, run) ? endOf(points, at) : Number.NaN;
}

/** A failed value is judged by a walk of its own; to its neighbours it does not exist. */
function advanceUnsound(points: Points, at: number, rules: SeriesRules, run: FlatRun): Digit {
  advanceMissing(points, at, run);
  if (!isFlatJudged(valueOf(points, at), rules)) return 2;
  const own = createFlatRun();
  walkRun(points, at, rules, own);
  run.isCutShort = own.isCutShort;
  return flatDigit(endOf(points, at) - own.startAt, rules);
}

function isNextOf(points: Points, at: number, run: FlatRun): boolean {
  return at > points.from && endOf(points, at - 1) === run.elementAt;
}

/** Takes the value into the run where that is surely what a walk would find. */
function continues(points: Points, at: number, rules: SeriesRules, run: FlatRun): boolean {
  if (!isNextOf(points, at, run) || endOf(points, at) - run.soundAt > rules.gapMaxMs) return false;
  const value = valueOf(points, at);
  if (rules.circular) return value === run.base;
  const lowest = value < run.lowest ? value : run.lowest;
  const highest = value > run.highest ? value : run.highest;
  if (highest - lowest > toleranceOf(rules)) return false;
  run.lowest = lowest;
  run.highest = highest;
  return true;
}

/** Walks back from element `at` until the run breaks or has lasted long enough for any digit. */
function walkRun(points: Points, at: number, rules: SeriesRules, run: FlatRun): void {
  const value = valueOf(points, at);
  run.startAt = endOf(points, at);
  run.base = rules.circular ? value : 0;
  run.lowest = rules.circular ? 0 : value;
  run.highest = run.lowest;
  walkOn(points, at, rules, { run, endAt: run.startAt });
}

/**
 * Goes on with a walk that was cut short: along the elements before `at`, all older than what it has
 * seen, of a run that ends at `endAt`.
 */
function walkOn(
  points: Points,
  at: number,
  rules: SeriesRules,
  { run, endAt }: { readonly run: FlatRun; readonly endAt: number },
): void {
  const tolerance = toleranceOf(rules);
  const enoughMs = enoughMsOf(rules);
  let { lowest, highest, startAt } = run;
  let before = at - 1;
  for (; before >= points.from; before -= 1) {
    if (points.sound[before] !== 1) continue;
    const beforeAt = endOf(points, before);
    if (startAt - beforeAt > rules.gapMaxMs) break;
    const away = difference(valueOf(points, before), run.base, rules.circular);
    const down = away < lowest ? away : lowest;
    const up = away > highest ? away : highest;
    if (up - down > tolerance) break;
    lowest = down;
    highest = up;
    startAt = beforeAt;
    if (endAt - startAt >= enoughMs) break;
  }
  run.startAt = startAt;
  run.lowest = lowest;
  run.highest = highest;
  run.isCutShort = before < points.from;
}

/** Whether the rules judge this value: not where a constant is natural, nor beyond 48 h. */
function isFlatJudged(value: number, rules: SeriesRules): boolean {
  const rule = rules.flatLine;
  if (rule === null || flatLineReachMs(rules) > windowMsMax) return false;
  if (rule.naturalAtMost !== null && value <= rule.naturalAtMost) return false;
  return rule.naturalAtLeast === null || value < rule.naturalAtLeast;
}

function flatDigit(flatMs: number, rules: SeriesRules): Digit {
  const rule = rules.flatLine;
  if (rule === null) return 2;
  if (rule.failMs !== null && flatMs >= rule.failMs) return 4;
  return flatMs >= rule.suspectMs ? 3 : 1;
}

function enoughMsOf(rules: SeriesRules): number {
  return Math.max(rules.flatLine?.suspectMs ?? 0, rules.flatLine?.failMs ?? 0);
}

/** With room for binary fractions: 1.1 − 1.0 is a little more than 0.1. */
export function toleranceOf(rules: SeriesRules): number {
  return (rules.flatLine?.tolerance ?? 0) * (1 + 1e-9);
}
