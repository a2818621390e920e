import { openSystemClock } from '../devices/clock-system.ts';
import type { Clock } from '../devices/clock.ts';

export interface SettableClock extends Clock {
  setNow(at: number): void;
}

/** The machine's timers, and a wall clock that goes on from where it was set. */
export function createSettableClock(startAt: number): SettableClock {
  const system = openSystemClock();
  let setTo = startAt;
  let setAtMs = system.monotonicMs();
  return {
    now: () => Math.floor(setTo + system.monotonicMs() - setAtMs),
    monotonicMs: () => system.monotonicMs(),
    schedule: (delayMs, run) => system.schedule(delayMs, run),
    setNow(at) {
      setTo = at;
      setAtMs = system.monotonicMs();
    },
  };
}
