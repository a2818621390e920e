import type { Points, SeriesRules } from './check.ts';
import { neighbourChecks } from './judge.ts';
import { difference, endOf, flatLineReachMs, valueOf, windowMsMax } from './neighbour.ts';
import { toleranceOf } from './flat-line.ts';

/** How far in time a judgement looks. Neighbours exactly so far away still count. */
export interface RuleWindow {
  readonly lookBackMs: number;
  readonly lookAheadMs: number;
  /** Look-back of all tests but the flat line, which asks for more when it needs it (`Sequence`). */
  readonly nearMs: number;
}

/**
 * The window of a rule set over all its tests. A value at t is judged by the values in
 * [t − lookBack, t + lookAhead]; a value that comes, changes or goes at t touches the verdicts in
 * [t − lookAhead, t + lookBack] at most (`affectedFrom`, `affectedTo`: exactly). A test whose own
 * window is beyond 48 h is not evaluated and asks for nothing.
 */
export function windowOf(rules: SeriesRules): RuleWindow {
  let lookBackMs = 0;
  let lookAheadMs = 0;
  for (const check of neighbourChecks) {
    const back = check.lookBackMs(rules);
    const ahead = check.lookAheadMs(rules);
    if (back + ahead > windowMsMax) continue;
    lookBackMs = Math.max(lookBackMs, back);
    lookAheadMs = Math.max(lookAheadMs, ahead);
  }
  return { lookBackMs, lookAheadMs, nearMs: Math.min(lookBackMs, rules.gapMaxMs) };
}

/** Index of the first element whose verdict can change when element `at` came or changed. */
export function affectedFrom(points: Points, at: number, rules: SeriesRules): number {
  return rules.spike !== null && at > points.from ? at - 1 : at;
}

/**
 * Index of the last element whose verdict can change when element `at` came or changed: its
 * successor (spike, gap), the next sound value (rate of change), and the values up to which a run
 * within the flat line's tolerance goes on. In-order arrival: `at` itself.
 */
export function affectedTo(points: Points, at: number, rules: SeriesRules): number {
  const next = at + 1;
  if (next >= points.to) return at;
  return Math.max(next, rateTo(points, at, rules), flatTo(points, at, rules));
}

function rateTo(points: Points, at: number, rules: SeriesRules): number {
  if (rules.rateOfChange === null) return at;
  const untilAt = endOf(points, at) + rules.gapMaxMs;
  for (let after = at + 1; after < points.to; after += 1) {
    if (endOf(points, after) > untilAt) return after - 1;
    if (points.sound[after] === 1) return after;
  }
  return points.to - 1;
}

function flatTo(points: Points, at: number, rules: SeriesRules): number {
  const reachMs = flatLineReachMs(rules);
  if (rules.flatLine === null || reachMs > windowMsMax) return at;
  let soundAt = endOf(points, at);
  const untilAt = soundAt + reachMs;
  let base = Number.NaN;
  let lowest = 0;
  let highest = 0;
  for (let after = at + 1; after < points.to; after += 1) {
    const afterAt = endOf(points, after);
    if (afterAt > untilAt) return after - 1;
    if (points.sound[after] !== 1) continue;
    const value = valueOf(points, after);
    if (Number.isNaN(base)) base = value;
    const away = difference(value, base, rules.circular);
    if (away < lowest) lowest = away;
    else if (away > highest) highest = away;
    // From here on no run reaches back to the changed value.
    if (afterAt - soundAt > rules.gapMaxMs) return after;
    if (highest - lowest > toleranceOf(rules) * (1 + 1e-9)) return after;
    soundAt = afterAt;
  }
  return points.to - 1;
}
