/**
 * How old what comes out of a live feed is when it comes: messages carry the moment of their sending
 * as `ts`, and all processes have one clock.
 */
import { sleep, type Clock } from '../../../devices/clock.ts';
import { readLive } from './live-events.ts';

export interface Freshness {
  /** The oldest that came since the last call, ms; 0 where nothing came. */
  takeOldestMs(): number;
  /** Monotonic instant of the last row that was not fresh when it came; −Infinity before the first. */
  readonly staleUntilMs: number;
  /** Monotonic instant of the last row; −Infinity before the first. */
  readonly lastRowMs: number;
  stop(): Promise<void>;
}

/** What is older when it comes is not fresh. */
const freshMsMax = 2_000;
const retryMs = 200;

/** Follows `/live` of one api for the stations; a stream that breaks is opened again behind its last event. */
export function watchFreshness(api: string, stations: readonly string[], clock: Clock): Freshness {
  const stopping = new AbortController();
  const { signal } = stopping;
  let after = 'now';
  let oldestMs = 0;
  let staleUntilMs = Number.NEGATIVE_INFINITY;
  let lastRowMs = Number.NEGATIVE_INFINITY;

  function take(change: string): void {
    const { observation } = JSON.parse(change) as Change;
    const ageMs = clock.now() - Date.parse(observation.phenomenonTime.split('/').at(-1) ?? '');
    lastRowMs = clock.monotonicMs();
    oldestMs = Math.max(oldestMs, ageMs);
    if (ageMs > freshMsMax) staleUntilMs = lastRowMs;
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      // What broke is opened again: that nothing comes meanwhile is what is measured.
      await readLive(api, { stations, after, signal }, ({ id, data }) => {
        after = id;
        if (data !== '') take(data);
      }).catch(() => undefined);
      if (!signal.aborted) await sleep(clock, retryMs);
    }
  }

  const ended = run();
  return {
    takeOldestMs() {
      const taken = oldestMs;
      oldestMs = 0;
      return taken;
    },
    get staleUntilMs() {
      return staleUntilMs;
    },
    get lastRowMs() {
      return lastRowMs;
    },
    async stop() {
      stopping.abort();
      await ended;
    },
  };
}

interface Change {
  readonly observation: { readonly phenomenonTime: string };
}
