import { expect, test } from 'vitest';

import { judge, type FloodFigures } from './promises.ts';
import { runFlood } from './run.ts';

test('readers are served while stations report, and nothing of it is lost', async () => {
  const { figures } = await runFlood({
    readers: 60,
    seconds: 3,
    rampSeconds: 1,
    devices: 30,
    rate: 30,
    seed: 1,
    isStrict: false,
    tell: () => undefined,
  });
  expect(figures.broken).toEqual([]);
  expect(figures.readers.readers).toBe(60);
  expect(figures.readers.served).toBeGreaterThanOrEqual(60);
  expect(figures.readers.following).toBe(6);
});

const shares = { p50Ms: 1, p99Ms: 4, count: 100 };
const right: FloodFigures = {
  seed: 1,
  readersWanted: 10,
  readers: {
    readers: 10,
    served: 20,
    notModified: 5,
    told: 3,
    failed: 0,
    following: 1,
    events: 9,
    bytes: 900,
    problems: {},
    p50Ms: 2,
    p99Ms: 9,
  },
  answeredPerSecond: 4,
  quiet: shares,
  flood: { ...shares, p99Ms: 8 },
  operators: { ...shares, failed: 0 },
  unacknowledged: 0,
  balanceExact: true,
  residentMegabytes: { before: 300, after: 400, peak: 420 },
};

test.each<[string, Partial<FloodFigures>]>([
  ['a reader that failed', { readers: { ...right.readers, failed: 1 } }],
  ['an operator that was not answered', { operators: { ...right.operators, failed: 1 } }],
  ['a message without acknowledgement', { unacknowledged: 1 }],
  ['a balance that is not exact', { balanceExact: false }],
])('%s breaks a promise', (_what, change) => {
  expect(judge(right)).toEqual({ broken: [], missed: [] });
  expect(judge({ ...right, ...change }).broken).toHaveLength(1);
});

test.each<[string, Partial<FloodFigures>]>([
  ['devices that wait three times as long', { flood: { ...shares, p99Ms: 12 } }],
  ['operators that wait', { operators: { ...shares, p99Ms: 1_001, failed: 0 } }],
  ['fewer readers than asked for', { readersWanted: 11 }],
  ['a server that grows', { residentMegabytes: { before: 300, after: 813, peak: 900 } }],
])('%s miss an aim', (_what, change) => {
  const verdict = judge({ ...right, ...change });
  expect([verdict.broken.length, verdict.missed.length]).toEqual([0, 1]);
});
