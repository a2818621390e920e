import { describe, expect, it, vi } from 'vitest';
import { createManualClock } from '../devices/clock-manual.ts';
import { ingestConfigSchema } from './config.ts';
import { followReadings, type FollowParts } from './follow.ts';
import type { LogRecord } from './log/log.ts';

const rests = 3_000;

/** Counts who waits for it: a race leaves one behind in each that it loses. */
interface Latch {
  readonly waiting: () => number;
  readonly promise: Promise<void>;
  readonly open: () => void;
  readonly fail: (error: Error) => void;
}

function createLatch(): Latch {
  const { promise, resolve: open, reject: fail } = Promise.withResolvers<void>();
  const then = vi.spyOn(promise, 'then');
  return { promise, open, fail, waiting: () => then.mock.calls.length };
}

/** A room of ports that do nothing but wait; what it takes is counted and set aside. */
function openRoom() {
  const clock = createManualClock(0);
  const stopping = new AbortController();
  const arrivals: Latch[] = [];
  const idles: Latch[] = [];
  const log: LogRecord[] = [];
  const room = { taken: 0, isBusy: false, commits: [] as number[] };
  let next = 1;
  const parts = {
    clock,
    config: ingestConfigSchema.parse({}),
    readings: {
      get next() {
        return next;
      },
      seek: (position: number) => void (next = position),
      read: async () => {
        const given = log.slice(next - 1);
        next += given.length;
        return given;
      },
    },
    readingsEnd: {
      get: () => log.length,
      waitBeyond(_position: number, signal: AbortSignal) {
        const latch = createLatch();
        arrivals.push(latch);
        signal.addEventListener('abort', latch.open);
        return latch.promise;
      },
    },
    settler: { setAside: () => void room.taken++ },
    originals: { forget: () => undefined },
    committer: {
      get isBusy() {
        return room.isBusy;
      },
      refusal: undefined,
      nextAtMs: 0,
      commit(consumed: number) {
        room.commits.push(consumed);
        room.isBusy = true;
      },
      idle() {
        const latch = createLatch();
        idles.push(latch);
        if (!room.isBusy) latch.open();
        return latch.promise;
      },
    },
    pending: { current: { rows: [] } },
    store: { pressesFlush: false, saturated: false, wantsFlush: false },
    attempts: { carefulLeft: 0, begin: async () => undefined },
    sources: undefined,
    prepare: undefined,
    adopt: undefined,
    events: {},
    signal: stopping.signal,
  } as unknown as FollowParts;
  return {
    parts,
    room,
    arrivals,
    idles,
    following: followReadings(parts, 0),
    append() {
      const position = log.length + 1;
      log.push({ position, body: Buffer.alloc(1), rewritten: true });
      arrivals.at(-1)?.open();
    },
    committed() {
      room.isBusy = false;
      for (const { open } of idles) open();
    },
    stop: () => stopping.abort(),
    settle: async () => {
      for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    },
    async pass(seconds: number) {
      for (let second = 0; second < seconds; second++) {
        clock.advance(1_000);
        for (let turn = 0; turn < 10; turn++) await Promise.resolve();
      }
    },
  };
}

const waitingAt = (latches: readonly Latch[]): number =>
  latches.reduce((sum, { waiting }) => sum + waiting(), 0);

describe('a room that rests', () => {
  it('waits once for the next reading, however long none comes', async () => {
    const world = openRoom();
    await world.pass(rests);
    expect([world.arrivals.length, waitingAt(world.arrivals)]).toEqual([1, 1]);
    world.append();
    await world.settle();
    expect([world.room.taken, world.room.commits]).toEqual([1, [1]]);
    await world.pass(rests);
    expect([world.arrivals.length, waitingAt(world.arrivals)]).toEqual([2, 2]);
    world.committed();
    world.stop();
    await world.following;
  });

  it('waits once for a commit that Kafka or the disk holds up, and goes on behind it', async () => {
    const world = openRoom();
    await world.settle();
    world.append();
    await world.settle();
    world.append();
    await world.pass(rests);
    expect(world.room.commits).toEqual([1]);
    expect([world.idles.length, waitingAt(world.idles)]).toEqual([1, 1]);
    world.committed();
    await world.settle();
    expect(world.room.commits).toEqual([1, 2]);
    world.committed();
    world.stop();
    await world.following;
  });

  it('ends with what the commit failed with', async () => {
    const world = openRoom();
    await world.settle();
    world.append();
    await world.settle();
    world.append();
    await world.pass(3);
    const failure = new Error('no batch is kept any more');
    world.idles[0]!.fail(failure);
    await expect(world.following).rejects.toBe(failure);
  });
});
