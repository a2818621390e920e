/** Waiting for the server, in steps so short that a stop is heard. */
import { sleep, type Clock } from '../devices/clock.ts';

interface Waiter {
  readonly clock: Clock;
  readonly isStopping: () => boolean;
}

/** Resolves when it is time to look again, `over` when it was long enough. */
export type Waiting = () => Promise<'again' | 'over' | 'stopping'>;

const lookAgainMs = 1_000;
const heardMs = 200;

export function waitWithin({ clock, isStopping }: Waiter, withinMs: number): Waiting {
  const untilMs = clock.monotonicMs() + withinMs;
  return async () => {
    if (isStopping()) return 'stopping';
    const leftMs = untilMs - clock.monotonicMs();
    if (leftMs <= 0) return 'over';
    await sleep(clock, Math.min(lookAgainMs, leftMs));
    return 'again';
  };
}

/** Between two looks at the feed. */
export async function pause(waiter: Waiter & { readonly pollMs: number }): Promise<void> {
  const { clock, pollMs, isStopping } = waiter;
  const untilMs = clock.monotonicMs() + pollMs;
  while (!isStopping() && clock.monotonicMs() < untilMs) {
    await sleep(clock, Math.min(heardMs, Math.max(1, untilMs - clock.monotonicMs())));
  }
}
