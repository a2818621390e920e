/** Long work on a thread that answers others meanwhile. */
import { setImmediate } from 'node:timers/promises';

import type { Clock } from './clock.ts';

/** How long it keeps the thread at once. One step more may be begun. */
const sliceMs = 4;

/** Runs the steps to their end, others between slices of them; `worked` is told the ms of each slice. */
export async function inSlices<Result>(
  steps: Generator<undefined, Result>,
  clock: Pick<Clock, 'monotonicMs'>,
  worked: (ms: number) => void,
): Promise<Result> {
  for (;;) {
    const startMs = clock.monotonicMs();
    let step = steps.next();
    while (step.done !== true && clock.monotonicMs() - startMs < sliceMs) step = steps.next();
    worked(clock.monotonicMs() - startMs);
    if (step.done === true) return step.value;
    await setImmediate();
  }
}

/** At once, where nobody waits meanwhile. */
export function runAll<Result>(steps: Generator<undefined, Result>): Result {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}
