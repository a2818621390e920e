/**
 * Time as a parameter. Nothing below a `main.ts` reads the machine's clock: a run is then a function
 * of its inputs and its seed, and a test can move time by hand.
 */
export interface Clock {
  /** Wall clock, integer milliseconds UTC. May jump in both directions. */
  now(): number;
  /** Milliseconds since an arbitrary start; never goes back. For time-outs and leases. */
  monotonicMs(): number;
  /** Calls `run` once after `delayMs` of monotonic time; cancelling twice is harmless. */
  schedule(delayMs: number, run: () => void): Scheduled;
}

export interface Scheduled {
  cancel(): void;
}

/** Resolves after `delayMs` of the clock's monotonic time. */
export function sleep(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.schedule(delayMs, resolve);
  });
}
