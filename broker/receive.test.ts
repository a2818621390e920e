import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { LogWriter } from '../ingest/log/log.ts';
import type { Reading } from '../ingest/reading.ts';
import { createMemoryLog } from './mqtt/rig.ts';
import { createReceiver, type Lane } from './receive.ts';

function readingOf(text: string): Reading {
  const payload = Buffer.from(text);
  return { kind: 'message', door: 'mqtt', receivedAt: 1, device: 'one', topic: 'a/b', payload };
}

interface Settled {
  readonly token: number;
  readonly failed: boolean;
}

function openLane(log: LogWriter, times = { now: 0 }) {
  const settled: Settled[] = [];
  const receiver = createReceiver({ log, monotonicMs: () => times.now });
  const lane = receiver.lane((token, error) => settled.push({ token, failed: error !== null }));
  return { lane, settled, receiver };
}

/** A log whose `done`s a test calls by hand, in any order. */
function createScrambledLog() {
  const done: ((error: Error | null) => void)[] = [];
  const log: LogWriter = {
    ...createMemoryLog(),
    append: (_size, _fill, callback) => void done.push((error) => callback(error, 1)),
  };
  return { log, done };
}

describe('a lane', () => {
  test('settles nothing before the log is done', () => {
    const log = createMemoryLog();
    log.mode = 'hold';
    const { lane, settled } = openLane(log);
    lane.receive(readingOf('a'), 1);
    lane.receive(readingOf('b'), 2);
    expect(settled).toEqual([]);
    expect(lane.pending).toBe(2);
    log.release(1);
    expect(settled).toEqual([{ token: 1, failed: false }]);
    log.release();
    expect(settled.map(({ token }) => token)).toEqual([1, 2]);
    expect(log.readings.map(({ payload }) => String(payload))).toEqual(['a', 'b']);
  });

  test('settles in the order of arrival, whatever the order of the log', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 30 }).chain((count) =>
          fc.shuffledSubarray(
            Array.from({ length: count }, (_, index) => index),
            { minLength: count },
          ),
        ),
        fc.func(fc.boolean()),
        (order, fails) => {
          const { log, done } = createScrambledLog();
          const { lane, settled } = openLane(log);
          order.forEach((_, index) => lane.receive(readingOf('x'), index));
          const finished = new Set<number>();
          for (const index of order) {
            done[index]!(fails(index) ? new Error('no') : null);
            finished.add(index);
            // Exactly the unbroken head of what the log has finished is settled.
            let head = 0;
            while (finished.has(head)) head += 1;
            expect(settled.map(({ token }) => token)).toEqual(
              Array.from({ length: head }, (_, token) => token),
            );
          }
          expect(settled.map(({ failed }) => failed)).toEqual(
            order.map((_, index) => fails(index)),
          );
          expect(lane.pending).toBe(0);
        },
      ),
    );
  });

  test('says what failed, and settles the rest', () => {
    const { log, done } = createScrambledLog();
    const { lane, settled } = openLane(log);
    lane.receive(readingOf('a'), 1);
    lane.receive(readingOf('b'), 2);
    done[0]!(new Error('disk'));
    done[1]!(null);
    expect(settled).toEqual([
      { token: 1, failed: true },
      { token: 2, failed: false },
    ]);
  });

  test('gives what is kept already its place in the order', () => {
    const log = createMemoryLog();
    log.mode = 'hold';
    const { lane, settled } = openLane(log);
    lane.receive(readingOf('a'), 1);
    lane.pass(2);
    expect(settled).toEqual([]);
    log.release();
    expect(settled.map(({ token }) => token)).toEqual([1, 2]);
    lane.pass(3);
    expect(settled.at(-1)).toEqual({ token: 3, failed: false });
  });

  test('a token that is handed in while another settles comes after it', () => {
    const settled: number[] = [];
    const receiver = createReceiver({ log: createMemoryLog(), monotonicMs: () => 0 });
    const lane: Lane = receiver.lane((token) => {
      if (token === 1) lane.pass(2);
      settled.push(token);
    });
    lane.pass(1);
    expect(settled).toEqual([1, 2]);
  });

  test('tells since when its oldest waits', () => {
    const log = createMemoryLog();
    log.mode = 'hold';
    const times = { now: 100 };
    const { lane, receiver } = openLane(log, times);
    expect(lane.waitingSinceMs).toBe(Infinity);
    lane.receive(readingOf('a'), 1);
    times.now = 200;
    lane.receive(readingOf('b'), 2);
    expect(lane.waitingSinceMs).toBe(100);
    log.release(1);
    expect(lane.waitingSinceMs).toBe(200);
    log.saturated = true;
    expect(receiver.saturated).toBe(true);
  });

  test('two lanes do not wait for each other', () => {
    const { log, done } = createScrambledLog();
    const one = openLane(log);
    const two = openLane(log);
    one.lane.receive(readingOf('a'), 1);
    two.lane.receive(readingOf('b'), 1);
    done[1]!(null);
    expect([one.settled.length, two.settled.length]).toEqual([0, 1]);
  });

  test('an error thrown by the door does not hide later tokens', () => {
    const { log, done } = createScrambledLog();
    const settled: number[] = [];
    const receiver = createReceiver({ log, monotonicMs: () => 0 });
    const lane = receiver.lane((token) => {
      settled.push(token);
      if (token === 1) throw new Error('door');
    });
    lane.receive(readingOf('a'), 1);
    lane.receive(readingOf('b'), 2);
    expect(() => done[0]!(null)).toThrow('door');
    done[1]!(null);
    expect(settled).toEqual([1, 2]);
  });
});
