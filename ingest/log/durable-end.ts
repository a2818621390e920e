import type { DurableEnd, Position } from './log.ts';

/**
 * The durable end as its owner sees it, and what readers need besides: the generation grows whenever
 * files that a reader may hold open stopped being the truth (a rewrite, a segment given up).
 */
export interface SharedDurableEnd extends DurableEnd {
  /** Moves the end forward and wakes who waits. Only the log's owner calls it. */
  advance(position: Position): void;
  generation(): number;
  renew(): void;
}

/** Bytes of the buffer that `createDurableEnd` needs. */
export const durableEndBytes = 16;

const endIndex = 0;
const generationIndex = 1;

/**
 * A durable end that threads share: each thread makes its own over the same buffer. Without a buffer
 * it serves one thread.
 */
export function createDurableEnd(
  sharedBuffer: SharedArrayBuffer = new SharedArrayBuffer(durableEndBytes),
): SharedDurableEnd {
  const words = new BigInt64Array(sharedBuffer, 0, 2);
  const waiting = new Set<Waiter>();
  let asleep = false;

  const get = (): Position => Number(Atomics.load(words, endIndex));

  function wake(): void {
    const end = get();
    for (const waiter of waiting) {
      if (end > waiter.position) waiter.end();
    }
    if (waiting.size > 0) sleep();
  }

  /**
   * One system waiter a thread, however many wait in it: an aborted wait then leaves none behind. It
   * does not keep the thread alive by itself.
   */
  function sleep(): void {
    if (asleep) return;
    const seen = Atomics.load(words, endIndex);
    const result = Atomics.waitAsync(words, endIndex, seen);
    if (!result.async) return queueMicrotask(wake);
    asleep = true;
    void result.value.then(() => {
      asleep = false;
      wake();
    });
  }

  function waitBeyond(position: Position, signal?: AbortSignal): Promise<void> {
    if (get() > position || signal?.aborted === true) return Promise.resolve();
    return new Promise((resolve) => {
      const waiter: Waiter = {
        position,
        end: () => {
          waiting.delete(waiter);
          signal?.removeEventListener('abort', waiter.end);
          resolve();
        },
      };
      waiting.add(waiter);
      signal?.addEventListener('abort', waiter.end, { once: true });
      // The end may have moved between the look above and here.
      wake();
    });
  }

  return {
    get,
    waitBeyond,
    advance(position) {
      Atomics.store(words, endIndex, BigInt(position));
      Atomics.notify(words, endIndex);
    },
    generation: () => Number(Atomics.load(words, generationIndex)),
    renew: () => void Atomics.add(words, generationIndex, 1n),
  };
}

interface Waiter {
  readonly position: Position;
  readonly end: () => void;
}
