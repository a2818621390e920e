import type { NeighbourCheck } from './check.ts';
import { difference, endOf, valueOf } from './neighbour.ts';

/**
 * QARTOD rate of change against the last sound value, in units per second, strictly greater. Not
 * evaluated where that value is farther away than the gap, so also for the first value of a series.
 */
export const rateOfChange: NeighbourCheck = {
  id: 'rateOfChange',
  lookBackMs: (rules) => (rules.rateOfChange === null ? 0 : rules.gapMaxMs),
  lookAheadMs: () => 0,
  judge(points, at, rules) {
    const rule = rules.rateOfChange;
    if (rule === null) return 2;
    const endAt = endOf(points, at);
    for (let before = at - 1; before >= points.from; before -= 1) {
      const elapsedMs = endAt - endOf(points, before);
      if (elapsedMs > rules.gapMaxMs) return 2;
      if (points.sound[before] !== 1) continue;
      const value = valueOf(points, at);
      const previous = valueOf(points, before);
      const change = Math.abs(difference(value, previous, rules.circular));
      if (change <= rule.changeMin) return 1;
      const rate = change / (elapsedMs / 1_000);
      if (rule.fail !== null && rate > rule.fail) return 4;
      return rate > rule.suspect ? 3 : 1;
    }
    return 2;
  },
};
