import { describe, expect, it, onTestFinished } from 'vitest';
import { createManualClock } from '../../devices/clock-manual.ts';
import type { DurableEnd, LogReader, LogRecord, Position } from '../log/log.ts';
import { encodeBatch } from '../observations/batch-codec.ts';
import { followObservations } from './follow.ts';
import { askAll } from './asking.contract.ts';
import { createViewFolder } from './view.fixture.ts';
import { createWorld, type World } from './world.contract.ts';

/** A log in memory: `publish` makes the world's batches durable up to a position. */
function createLog(world: World): {
  readonly reader: LogReader;
  readonly durableEnd: DurableEnd;
  publish(position: Position): void;
  spoil(position: Position): void;
} {
  let end = 0;
  let next = 1;
  let spoilt = -1;
  const waiting = new Set<() => void>();
  return {
    publish(position) {
      end = position;
      for (const wake of waiting) wake();
      waiting.clear();
    },
    spoil(position) {
      spoilt = position;
    },
    durableEnd: {
      get: () => end,
      waitBeyond: (position, signal) =>
        new Promise((resolve) => {
          if (end > position || signal?.aborted === true) resolve();
          waiting.add(resolve);
          signal?.addEventListener('abort', () => resolve(), { once: true });
        }),
    },
    reader: {
      get next() {
        return next;
      },
      read() {
        const records: LogRecord[] = [];
        for (; next <= end && records.length < 3; next++) {
          if (next === spoilt) return Promise.reject(new Error('LOG_RECORD_DAMAGED'));
          const body = Buffer.from(encodeBatch(world.batches.get(next)!));
          records.push({ position: next, body, rewritten: false });
        }
        return Promise.resolve(records);
      },
      seek(position) {
        next = position;
      },
      skipDamaged: () => Promise.reject(new Error('never asked')),
      close: () => Promise.resolve(),
    },
  };
}

function grownWorld(count: number): World {
  const world = createWorld();
  for (let at = 0; at < count; at++) {
    const seed = { day: at % 2, slot: at % 40, form: 0, value: at, kind: 'value' } as const;
    world.grow({ rows: [{ series: at % 3, ...seed }], entries: [], waitMs: 10 });
  }
  return world;
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) {
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
  }
}

describe('following observations', () => {
  it('begins behind what the store holds, and goes on as batches become durable', async () => {
    const folder = createViewFolder();
    onTestFinished(() => folder.remove());
    const world = grownWorld(20);
    const log = createLog(world);
    const writer = folder.openWriter(0);
    for (let at = 1; at <= 5; at++) writer.apply(at, world.batches.get(at)!);
    while (!writer.flushSlice(4));
    const store = folder.openFollower();
    const seen: Position[] = [];
    const end = new AbortController();
    const following = followObservations({
      reader: log.reader,
      durableEnd: log.durableEnd,
      store,
      bytesMax: 1_000,
      clock: createManualClock(0),
      onBatch: (position, batch) => {
        expect(store.position).toBe(position);
        expect(batch.rows).toHaveLength(1);
        seen.push(position);
      },
      signal: end.signal,
    });
    log.publish(9);
    await until(() => store.position === 9);
    askAll(store, world, 1);
    log.publish(20);
    await until(() => store.position === 20);
    end.abort();
    await following;
    expect(seen).toEqual([6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20]);
    askAll(store, world, 2);
    store.close();
    writer.close();
  });

  it('rejects with what the log says of a damaged record, and skips nothing', async () => {
    const folder = createViewFolder();
    onTestFinished(() => folder.remove());
    const log = createLog(grownWorld(9));
    const store = folder.openWriter(0);
    log.spoil(5);
    log.publish(9);
    const { reader, durableEnd } = log;
    const { signal } = new AbortController();
    const clock = createManualClock(0);
    const options = { reader, durableEnd, store, bytesMax: 1_000, clock, signal };
    await expect(followObservations(options)).rejects.toThrow('LOG_RECORD_DAMAGED');
    expect(store.position).toBe(3);
    store.close();
  });

  it('waits while the tail is full, until a flush has made room', async () => {
    const world = grownWorld(9);
    const log = createLog(world);
    log.publish(9);
    const clock = createManualClock(0);
    const applied: Position[] = [];
    let full = false;
    let refreshed = 0;
    const end = new AbortController();
    const following = followObservations({
      reader: log.reader,
      durableEnd: log.durableEnd,
      clock,
      bytesMax: 1_000,
      signal: end.signal,
      store: {
        get position() {
          return applied.at(-1) ?? 0;
        },
        get saturated() {
          return full;
        },
        apply(position) {
          applied.push(position);
          if (position === 4) full = true;
        },
        refresh() {
          refreshed++;
          if (refreshed === 3) full = false;
        },
      },
    });
    await until(() => applied.length === 4);
    await until(() => refreshed === 1);
    expect(applied).toEqual([1, 2, 3, 4]);
    clock.advance(20);
    await until(() => refreshed === 2);
    expect(applied).toHaveLength(4);
    clock.advance(20);
    await until(() => applied.length === 9);
    end.abort();
    await following;
  });

  it('ends at once where it is told to before it begins, or between batches', async () => {
    const world = grownWorld(9);
    const log = createLog(world);
    log.publish(9);
    const folder = createViewFolder();
    onTestFinished(() => folder.remove());
    const store = folder.openWriter(0);
    const end = new AbortController();
    const { reader, durableEnd } = log;
    const clock = createManualClock(0);
    const options = { reader, durableEnd, store, bytesMax: 1_000, clock, signal: end.signal };
    await followObservations({
      ...options,
      onBatch: (position) => {
        if (position === 2) end.abort();
      },
    });
    expect(store.position).toBe(2);
    await followObservations(options);
    expect(store.position).toBe(2);
    store.close();
  });
});
