import type { SharedDurableEnd } from '../../../ingest/log/durable-end.ts';
import type { Position } from '../../../ingest/log/log.ts';

/**
 * A durable end for one thread: who waits is woken in the order of waiting, in the turn of the
 * commit. The shared one is woken by the system, at an instant that no seed decides.
 */
export function createLocalDurableEnd(): SharedDurableEnd {
  let end: Position = 0;
  let generation = 0;
  let waiting: { readonly position: Position; readonly wake: () => void }[] = [];
  return {
    get: () => end,
    generation: () => generation,
    renew: () => void (generation += 1),
    advance(position) {
      end = position;
      const ready = waiting.filter((waiter) => waiter.position < position);
      waiting = waiting.filter((waiter) => waiter.position >= position);
      for (const waiter of ready) waiter.wake();
    },
    waitBeyond(position, signal) {
      if (end > position || signal?.aborted === true) return Promise.resolve();
      return new Promise((resolve) => {
        const waiter = { position, wake: resolve };
        waiting.push(waiter);
        signal?.addEventListener(
          'abort',
          () => {
            waiting = waiting.filter((each) => each !== waiter);
            resolve();
          },
          { once: true },
        );
      });
    },
  };
}
