/** Those who wait for one thing to happen, each until then or until its signal aborts. */
export interface Waiters {
  wait(signal?: AbortSignal): Promise<void>;
  wake(): void;
}

export function createWaiters(): Waiters {
  const waiting = new Set<() => void>();
  return {
    wait: (signal) =>
      new Promise((resolve) => {
        // Whoever gives up is forgotten at once: what is idle for long would gather them all.
        const done = (): void => {
          waiting.delete(done);
          signal?.removeEventListener('abort', done);
          resolve();
        };
        waiting.add(done);
        signal?.addEventListener('abort', done);
      }),
    wake() {
      for (const done of waiting) done();
    },
  };
}
