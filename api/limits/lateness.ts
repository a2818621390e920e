/**
 * How late the thread is: milliseconds since a timer should have run. While many requests are waiting
 * in one turn of the event loop, the timer is overdue and each of them can see by how much; once they
 * are through, the timer runs and the next turn begins on time.
 */
import type { Clock } from '../../devices/clock.ts';

export interface Lateness {
  ms(): number;
  close(): void;
}

const tickMs = 20;

export function watchLateness(clock: Clock): Lateness {
  let dueAtMs = clock.monotonicMs() + tickMs;
  const tick = (): void => {
    dueAtMs = clock.monotonicMs() + tickMs;
    scheduled = clock.schedule(tickMs, tick);
  };
  let scheduled = clock.schedule(tickMs, tick);
  return {
    ms: () => Math.max(0, clock.monotonicMs() - dueAtMs),
    close: () => scheduled.cancel(),
  };
}
