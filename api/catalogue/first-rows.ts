/**
 * Since when there are rows of series: each looked up once and taken as such for a while, so that a
 * catalogue of a whole network costs next to nothing.
 */
import { setImmediate } from 'node:timers/promises';

import type { Clock } from '../../devices/clock.ts';
import type { StoreFollower } from '../../ingest/store/store.ts';

export interface FirstRows {
  /**
   * End of the first row of any of these series, integer milliseconds UTC. Undefined where there is
   * none, and where the view of this node begins at a horizon: what lies before is not looked up.
   */
  firstOf(series: readonly number[]): Promise<number | undefined>;
}

interface Found {
  readonly firstAt: number | undefined;
  readonly foundAtMs: number;
}

const earliestAt = -8.64e15;
const latestAt = 8.64e15;
/** How long looking may keep the thread before others get their turn. */
const turnMs = 4;

export function createFirstRows(options: {
  readonly store: Pick<StoreFollower, 'range' | 'horizon'>;
  readonly clock: Clock;
  readonly keptMs: number;
}): FirstRows {
  const { store, clock, keptMs } = options;
  const found = new Map<number, Found>();

  function lookUp(series: number): number | undefined {
    const known = found.get(series);
    // What had no row may have its first at any time; what has one keeps it but for late data.
    if (known?.firstAt !== undefined && clock.monotonicMs() - known.foundAtMs < keptMs) {
      return known.firstAt;
    }
    const [row] = store.range({
      series,
      fromAt: earliestAt,
      toAt: latestAt,
      order: 'asc',
      limit: 1,
    });
    found.set(series, { firstAt: row?.endAt, foundAtMs: clock.monotonicMs() });
    return row?.endAt;
  }

  return {
    async firstOf(series) {
      if (store.horizon.knownFromAt > -Infinity) return undefined;
      let firstAt: number | undefined;
      let pauseAtMs = clock.monotonicMs() + turnMs;
      for (const one of series) {
        const at = lookUp(one);
        if (at !== undefined && (firstAt === undefined || at < firstAt)) firstAt = at;
        if (clock.monotonicMs() < pauseAtMs) continue;
        await setImmediate();
        pauseAtMs = clock.monotonicMs() + turnMs;
      }
      return firstAt;
    },
  };
}
