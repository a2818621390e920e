import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createManualClock } from '../../devices/clock-manual.ts';
import { createDurableEnd } from '../log/durable-end.ts';
import type { Position } from '../log/log.ts';
import { keep, openLog, readingOf, temporaryFolder } from './folder.fixture.ts';
import { readingsCalls, repeatRetention } from './readings-calls.ts';

test('while retention is held nothing is deleted, and what was settled meanwhile is told behind it', async () => {
  const told: Position[] = [];
  const log = await openLog(join(temporaryFolder(), 'readings'), 'readings');
  const calls = readingsCalls(
    {
      durableEnd: log.durableEnd,
      rewrite: (rewrite) => log.rewrite(rewrite),
      retain: async (position) => void told.push(position),
    },
    createDurableEnd(),
  );
  await calls.consumed(3);
  await calls.holdRetention(true);
  await calls.holdRetention(true);
  await calls.consumed(7);
  await calls.holdRetention(false);
  expect(told).toEqual([3]);
  await calls.holdRetention(false);
  expect(told).toEqual([3, 7]);
  // Told late, an earlier position takes nothing back.
  await calls.consumed(5);
  expect(told).toEqual([3, 7, 7]);
  await log.close();
});

test('the end of the follower is told no farther than that of its source', async () => {
  const log = await openLog(join(temporaryFolder(), 'readings'), 'readings');
  await keep(log, readingOf(1));
  const observations = createDurableEnd();
  observations.advance(1);
  expect(readingsCalls(log, observations).durableEnds()).toEqual({ observations: 1, readings: 1 });
  await log.close();
});

test('retention comes round though nothing is settled, waits while held, and survives a failure', async () => {
  const clock = createManualClock(0);
  const told: Position[] = [];
  const failures: unknown[] = [];
  const log = await openLog(join(temporaryFolder(), 'readings'), 'readings');
  const calls = readingsCalls(
    {
      durableEnd: log.durableEnd,
      rewrite: (rewrite) => log.rewrite(rewrite),
      async retain(position) {
        told.push(position);
        if (told.length === 1) throw new Error('disk');
      },
    },
    createDurableEnd(),
  );
  const rounds = repeatRetention(clock, calls.retain, (error) => failures.push(error));
  const pass = async (): Promise<void> => {
    clock.advance(5_000);
    await new Promise((resolve) => setImmediate(resolve));
  };
  await pass();
  await calls.holdRetention(true);
  await pass();
  expect([told.length, failures.length]).toEqual([1, 1]);
  await calls.holdRetention(false);
  await pass();
  expect(told).toHaveLength(2);
  rounds.stop();
  await pass();
  expect(told).toHaveLength(2);
  await log.close();
});
