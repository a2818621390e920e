/**
 * The access log of keys, in `feeds.db`: a row a request, delivery or part of a stream, kept for `accessLogDays`,
 * and sums of each key, day and resource, kept for `accessMeteringDays`. Requests are gathered in
 * memory, bounded, and written a few at a time between other work; what is over the bound is counted,
 * not kept. What goes on is asked for what it was given every `accessLogEveryMs`, when the log is read, and at
 * the end. A loss of power may lose the last seconds (`synchronous=NORMAL`); a crash of the process what was
 * not written, and of streams what was not asked for.
 */
import { setImmediate } from 'node:timers/promises';

import type { Clock, Scheduled } from '../../devices/clock.ts';
import { openDatabase } from '../../devices/database.ts';
import type { ApiConfig } from '../config.ts';
import type { ApiEvents } from '../events.ts';
import { createDatasetFinder } from './datasets-touched.ts';
import { createLogStore, dayOf, type LogStore } from './log-store.ts';
import type { Metered } from './meter.ts';
import { createRounds, type Rounds } from './rounds.ts';

export interface AccessLogOptions {
  readonly keptPath: string;
  readonly clock: Clock;
  readonly config: ApiConfig;
  readonly events: ApiEvents;
  /** By which rows are old. */
  readonly judgedNow: () => number;
}

export interface AccessLog extends Pick<LogStore, 'requests' | 'metering'> {
  /** Costs no more than a push. */
  note(metered: Metered): void;
  /** What is not in the log because there was no room for it. */
  drop(requests: number): void;
  /** Whoever has something going on notes what it was given whenever it is called. */
  readonly addSource: Rounds['add'];
  /** Has every source note what it has, and writes what is pending. */
  gather(): Promise<void>;
  close(): Promise<void>;
}

const flushMs = 1_000;
/** Rows written in one go: about 3 ms. */
const rowsPerTurn = 200;
const turnMs = 8;
const busyTimeoutMs = 5_000;
const dayMs = 86_400_000;

/** The tables must be there: `openKept` makes them. */
export function openAccessLog(options: AccessLogOptions): AccessLog {
  const { clock, config, events } = options;
  const database = openDatabase(options.keptPath, { busyTimeoutMs, synchronous: 'normal' });
  const store = createLogStore(database);
  const pending: Metered[] = [];
  let dropped = 0;
  let flushing: Promise<void> = Promise.resolve();
  let waiting: Scheduled | null = null;
  let isClosed = false;
  const rounds = createRounds({
    clock,
    everyMs: config.accessLogEveryMs,
    failed: (error) => events.accessNotGathered(error),
  });

  async function writePending(): Promise<void> {
    const datasetsOf = createDatasetFinder();
    while (pending.length > 0) {
      const batch = pending.splice(0, rowsPerTurn);
      try {
        store.write(batch, await datasetsOfAll(clock, batch, datasetsOf));
        events.accessNoted(batch.length);
      } catch (error) {
        dropped += batch.length;
        events.accessNotWritten(error);
      }
      await setImmediate();
    }
    const now = options.judgedNow();
    store.deleteBefore(
      now - config.accessLogDays * dayMs,
      dayOf(now - config.accessMeteringDays * dayMs),
    );
    if (dropped > 0) events.accessDropped(dropped);
    dropped = 0;
  }

  function flush(): Promise<void> {
    waiting?.cancel();
    waiting = null;
    flushing = flushing
      .then(writePending)
      .catch((error: unknown) => events.accessNotWritten(error));
    return flushing;
  }

  return {
    note(metered) {
      if (isClosed || pending.length >= config.accessLogPendingMax) dropped += 1;
      else pending.push(metered);
      if (!isClosed) waiting ??= clock.schedule(flushMs, () => void flush());
    },
    drop(requests) {
      dropped += requests;
    },
    addSource: rounds.add,
    async gather() {
      await rounds.go();
      await flush();
    },
    requests: store.requests,
    metering: store.metering,
    async close() {
      await rounds.close();
      isClosed = true;
      await flush();
      database.close();
    },
  };
}

/** A filter may look at the whole network: others get their turn between two. */
async function datasetsOfAll(
  clock: Clock,
  batch: readonly Metered[],
  datasetsOf: (metered: Metered) => readonly string[],
): Promise<readonly (readonly string[])[]> {
  const found: (readonly string[])[] = [];
  let untilMs = clock.monotonicMs() + turnMs;
  for (const metered of batch) {
    found.push(metered.status >= 400 ? [] : datasetsOf(metered));
    if (clock.monotonicMs() < untilMs) continue;
    await setImmediate();
    untilMs = clock.monotonicMs() + turnMs;
  }
  return found;
}
