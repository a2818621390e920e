import { setImmediate } from 'node:timers/promises';

import type { Clock } from '../../devices/clock.ts';

/** How long work beside the answers may keep the thread before they get their turn. */
const turnMs = 6;

/** Called between small steps of long work: lets others go on when it has had the thread for so long. */
export function createTurns(clock: Pick<Clock, 'monotonicMs'>): () => Promise<void> {
  let untilMs = clock.monotonicMs() + turnMs;
  return async () => {
    if (clock.monotonicMs() < untilMs) return;
    await setImmediate();
    untilMs = clock.monotonicMs() + turnMs;
  };
}
