import { sleep, type Clock } from '../../devices/clock.ts';

const lookMs = 20;

/** Resolves as soon as it is so; false where it is not so within `waitMs`. */
export async function comesTrue(
  clock: Clock,
  waitMs: number,
  isTrue: () => boolean,
): Promise<boolean> {
  const giveUpAtMs = clock.monotonicMs() + waitMs;
  while (!isTrue()) {
    if (clock.monotonicMs() > giveUpAtMs) return false;
    await sleep(clock, lookMs);
  }
  return true;
}
