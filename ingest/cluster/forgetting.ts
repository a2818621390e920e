/**
 * Lets a view go of what lies before its horizon, round by round: first what lay before it in the
 * round before, then the horizon moves on. Only rows of batches that InfluxDB holds wholly ever go.
 */
import { sleep, type Clock } from '../../devices/clock.ts';
import type { Position } from '../log/log.ts';
import { wholeDayFrom } from '../store/horizon.ts';
import type { StoreWriter } from '../store/store.ts';

export interface ForgettingEvents {
  forgotten(fields: { readonly knownFromAt: number; readonly days: number }): void;
  forgettingFailed(error: unknown): void;
}

export interface ForgettingOptions {
  readonly store: Pick<StoreWriter, 'horizon' | 'publishedBy' | 'numberedUpTo'>;
  readonly clock: Clock;
  /** How far back the view reaches at least. */
  readonly lengthMs: number;
  readonly sliceMs: number;
  readonly roundMs?: number;
  /** By partition of the view, the last batch that is wholly in InfluxDB, as of now. */
  readonly noted: () => Promise<readonly Position[]>;
  /** Of a copy: its own log need not hold what lies before this position either. */
  readonly trim?: (before: Position) => Promise<void>;
  readonly events: ForgettingEvents;
}

/** Longer than a reader of the view needs to learn that its horizon has moved. */
const roundMsStandard = 600_000;

export function repeatForgetting(options: ForgettingOptions): { close(): Promise<void> } {
  const { clock, events, roundMs = roundMsStandard } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  let forgottenAt = Number.NEGATIVE_INFINITY;
  let wake = (): void => undefined;

  async function forget(): Promise<void> {
    const { knownFromAt, floors } = options.store.horizon;
    if (knownFromAt <= forgottenAt) return;
    const storedUpTo = positionOf(options.store, floors);
    const forgetter = options.store.horizon.forget({ beforeAt: knownFromAt, storedUpTo });
    while (!signal.aborted && !forgetter.slice(options.sliceMs)) await sleep(clock, 0);
    if (signal.aborted) return;
    forgottenAt = knownFromAt;
    if (forgetter.dropped > 0) events.forgotten({ knownFromAt, days: forgetter.dropped });
  }

  async function move(): Promise<void> {
    const { horizon } = options.store;
    const at = clock.now() - options.lengthMs;
    const knownFromAt = wholeDayFrom(at);
    if (knownFromAt <= horizon.knownFromAt) return;
    const floors = await options.noted();
    // A partition of which nothing is stored yet has nothing that could go.
    if (positionOf(options.store, floors) > 0) horizon.move({ knownFromAt, floors });
    await options.trim?.(trimmable(options.store, at));
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      await new Promise<void>((resolve) => {
        wake = resolve;
        clock.schedule(roundMs, resolve);
      });
      if (signal.aborted) return;
      try {
        await forget();
        await move();
      } catch (error) {
        events.forgettingFailed(error);
      }
    }
  }

  const running = run();
  return {
    async close() {
      stopping.abort();
      wake();
      await running;
    },
  };
}

type Publications = Pick<StoreWriter, 'publishedBy' | 'numberedUpTo'>;

/** The last position of the view's own log up to which no batch is behind these of its partition. */
function positionOf(store: Publications, numbers: readonly Position[]): Position {
  let position = Number.MAX_SAFE_INTEGER;
  for (const [partition, last] of numbers.entries()) {
    position = Math.min(position, positionBehind(store, partition, last) - 1);
  }
  return position;
}

/** Where a partition goes on behind a batch. */
function positionBehind(store: Publications, partition: number, number: Position): Position {
  const newest = store.publishedBy(Number.MAX_SAFE_INTEGER, partition);
  if (newest === undefined || newest.number <= number) return Number.MAX_SAFE_INTEGER;
  const next = store.numberedUpTo(number + 1, partition);
  return next !== undefined && next.number > number ? next.position : 1;
}

/** Before it stand only records that were published before `at`, and that the file holds. */
function trimmable(store: ForgettingOptions['store'], at: number): Position {
  const { floors } = store.horizon;
  let position = store.horizon.flushedTo() + 1;
  for (const partition of floors.keys()) {
    const last = store.publishedBy(at, partition);
    position = Math.min(position, positionBehind(store, partition, last?.number ?? 0));
  }
  return position;
}
