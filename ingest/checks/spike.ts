import type { NeighbourCheck, Points, SeriesRules } from './check.ts';
import { difference, endOf, valueOf, windowMsMax } from './neighbour.ts';

/**
 * QARTOD spike: the value against the one just before and the one just after it. Not evaluated
 * without both (missing, failed, or farther away than the gap): the newest value has digit 2 until
 * the next one arrives. Thresholds are strict; angles are compared on the circle.
 */
export const spike: NeighbourCheck = {
  id: 'spike',
  lookBackMs: (rules) => (rules.spike === null ? 0 : rules.gapMaxMs),
  lookAheadMs: (rules) => (rules.spike === null ? 0 : rules.gapMaxMs),
  judge(points, at, rules) {
    const rule = rules.spike;
    if (rule === null || rules.gapMaxMs * 2 > windowMsMax) return 2;
    const before = at - 1;
    const after = at + 1;
    if (before < points.from || after >= points.to) return 2;
    if (!isNear(points, at, before, rules) || !isNear(points, at, after, rules)) return 2;
    const value = valueOf(points, at);
    const risen = difference(value, valueOf(points, before), rules.circular);
    const fallen = difference(value, valueOf(points, after), rules.circular);
    const height =
      rule.method === 'average' ? Math.abs((risen + fallen) / 2) : bothWays(risen, fallen);
    if (rule.fail !== null && height > rule.fail) return 4;
    return height > rule.suspect ? 3 : 1;
  },
};

/** Whether a neighbour can be compared with: it is sound, and no gap lies between. */
function isNear(points: Points, at: number, neighbour: number, rules: SeriesRules): boolean {
  if (points.sound[neighbour] !== 1) return false;
  return Math.abs(endOf(points, at) - endOf(points, neighbour)) <= rules.gapMaxMs;
}

/** The smaller of both steps where the value stands out to one side, else 0. */
function bothWays(risen: number, fallen: number): number {
  if (risen > 0 ? fallen <= 0 : fallen >= 0 || risen === 0) return 0;
  return Math.min(Math.abs(risen), Math.abs(fallen));
}
