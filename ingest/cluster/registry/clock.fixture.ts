import { openSystemClock } from '../../../devices/clock-system.ts';
import type { Clock } from '../../../devices/clock.ts';

/** A second of it lasts 50 ms: pauses and time-outs are as they are, a test is not. */
export function createFastClock(): Clock {
  const system = openSystemClock();
  const times = 20;
  return {
    now: () => system.now(),
    monotonicMs: () => system.monotonicMs() * times,
    schedule: (delayMs, run) => system.schedule(delayMs / times, run),
  };
}
