import type { NeighbourCheck } from './check.ts';
import { endOf } from './neighbour.ts';

/**
 * QARTOD time gap: 4 on the first value after a gap, a series' very first value included. A null is
 * no gap: the station was there. It informs and does not count by default. Not evaluated where the
 * interval itself is longer than the gap that can be seen.
 */
export const gap: NeighbourCheck = {
  id: 'gap',
  lookBackMs: (rules) => (rules.gapMaxMs < rules.intervalMs ? 0 : rules.gapMaxMs),
  lookAheadMs: () => 0,
  judge(points, at, rules) {
    if (rules.gapMaxMs < rules.intervalMs) return 2;
    if (at <= points.from) return 4;
    const awayMs = endOf(points, at) - endOf(points, at - 1);
    return awayMs > rules.gapMaxMs ? 4 : 1;
  },
};
