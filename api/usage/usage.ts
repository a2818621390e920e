/**
 * Figures of usage without personal data: how often the open part of each network's dataset was asked
 * for on a UTC day, by resource and format, with the rows and bytes given. Counted in memory, bounded,
 * and written a few at a time between other work. A request counts on the day on which it ended. A
 * crash loses what was not written: at most `flushMs` of it. Each node counts for itself.
 *
 * A request about several datasets counts for each; its rows and bytes are divided among them by the
 * datastreams selected of each.
 */
import { setImmediate } from 'node:timers/promises';

import type { Scheduled } from '../../devices/clock.ts';
import { openDatabase } from '../../devices/database.ts';
import type { Taken } from '../access/meter.ts';
import type { ApiContext } from '../context.ts';
import { viewerOf } from '../viewer.ts';
import { divide, sharesOf } from './shares.ts';
import { createUsageStore, type UsageFigure, type UsageStore } from './store.ts';
import { createTally, type Pending, type Tally } from './tally.ts';

export interface Usage extends Pick<UsageStore, 'read'> {
  /** Costs an addition. */
  note(taken: Taken): void;
  /** Writes what is pending. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

const flushMs = 5_000;
const turnMs = 8;
/** Written in one go: about 3 ms. */
const figuresPerTurn = 200;
const busyTimeoutMs = 5_000;
const dayMs = 86_400_000;

/** The table must be there: `openKept` makes it. */
export function openUsage(
  context: ApiContext & { readonly judgedNow: () => number },
  keptPath: string,
): Usage {
  const { clock, config, events, judgedNow } = context;
  const database = openDatabase(keptPath, { busyTimeoutMs, synchronous: 'normal' });
  const store = createUsageStore(database);
  const tally = createTally(config.usagePendingMax);
  let dropped = 0;
  let flushing: Promise<void> = Promise.resolve();
  let waiting: Scheduled | null = null;
  let isClosed = false;

  async function write(): Promise<void> {
    const today = dayOf(clock.now());
    await writePending({ ...context, tally, store, today });
    store.deleteBefore(dayOf(judgedNow() - config.usageDays * dayMs));
    if (dropped > 0) events.usageDropped(dropped);
    dropped = 0;
  }

  function flush(): Promise<void> {
    waiting?.cancel();
    waiting = null;
    flushing = flushing.then(write).catch((error: unknown) => events.usageNotWritten(error));
    return flushing;
  }

  return {
    note(taken) {
      if (taken.status >= 400) return;
      if (isClosed || !tally.add(taken)) dropped += 1;
      if (!isClosed) waiting ??= clock.schedule(flushMs, () => void flush());
    },
    flush,
    read: store.read,
    async close() {
      isClosed = true;
      await flush();
      database.close();
    },
  };
}

interface Writing extends Pick<
  ApiContext,
  'clock' | 'events' | 'networks' | 'registry' | 'select'
> {
  readonly tally: Tally;
  readonly store: UsageStore;
  readonly today: string;
}

async function writePending(writing: Writing): Promise<void> {
  const { clock, tally, store, events } = writing;
  const figures = new Map<string, UsageFigure>();
  let untilMs = clock.monotonicMs() + turnMs;
  for (const pending of tally.take()) {
    try {
      for (const figure of figuresOf(writing, pending)) {
        const key = `${figure.dataset} ${figure.resource} ${figure.format}`;
        figures.set(key, plus(figures.get(key), figure));
      }
    } catch (error) {
      // One question that cannot be read any more must not take the others with it.
      events.usageNotWritten(error);
    }
    if (clock.monotonicMs() < untilMs) continue;
    await setImmediate();
    untilMs = clock.monotonicMs() + turnMs;
  }
  const all = [...figures.values()];
  for (let index = 0; index < all.length; index += figuresPerTurn) {
    const part = all.slice(index, index + figuresPerTurn);
    try {
      store.add(part);
    } catch (error) {
      events.usageDropped(part.reduce((sum, { requests }) => sum + requests, 0));
      events.usageNotWritten(error);
    }
    await setImmediate();
  }
}

function* figuresOf(
  { networks, registry, select, today }: Writing,
  { subject, cells }: Pending,
): Generator<UsageFigure> {
  const open = networks.viewOf(viewerOf(registry, undefined));
  const shares = sharesOf(subject, open, select);
  for (const [cell, { requests, rows, bytes }] of cells) {
    const [resource = '', format = ''] = cell.split(' ');
    const rowsOf = divide(rows, shares);
    const bytesOf = divide(bytes, shares);
    for (const dataset of shares.keys()) {
      yield {
        day: today,
        dataset,
        resource,
        format,
        requests,
        rows: rowsOf.get(dataset) ?? 0,
        bytes: bytesOf.get(dataset) ?? 0,
      };
    }
  }
}

function plus(one: UsageFigure | undefined, other: UsageFigure): UsageFigure {
  if (one === undefined) return other;
  return {
    ...other,
    requests: one.requests + other.requests,
    rows: one.rows + other.rows,
    bytes: one.bytes + other.bytes,
  };
}

/** The day of an instant, UTC. */
function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}
