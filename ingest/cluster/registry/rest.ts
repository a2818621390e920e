import type { Clock } from '../../../devices/clock.ts';

/** Waiting that can be cut short, by one loop. */
export interface Rest {
  /** Runs `wait` with a signal that is given after `delayMs` (never, if undefined) or by `end`. */
  during(wait: (signal: AbortSignal) => Promise<void>, delayMs?: number): Promise<void>;
  pause(delayMs: number): Promise<void>;
  /** Ends the rest that is on. */
  end(): void;
}

export function createRest(clock: Clock): Rest {
  let resting = new AbortController();

  async function during(
    wait: (signal: AbortSignal) => Promise<void>,
    delayMs?: number,
  ): Promise<void> {
    const own = new AbortController();
    resting = own;
    const over = delayMs === undefined ? undefined : clock.schedule(delayMs, () => own.abort());
    await wait(own.signal);
    over?.cancel();
  }

  return {
    during,
    pause: (delayMs) =>
      during(
        (signal) =>
          new Promise((resolve) => {
            signal.addEventListener('abort', () => resolve(), { once: true });
          }),
        delayMs,
      ),
    end: () => resting.abort(),
  };
}
