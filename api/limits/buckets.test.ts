import fc from 'fast-check';
import { expect, test } from 'vitest';

import { createBuckets } from './buckets.ts';

/** Steps of a client: how long after the one before, and how many units are asked for. */
const asked = fc.array(fc.record({ afterMs: fc.nat(700), units: fc.integer({ min: 1, max: 6 }) }), {
  minLength: 1,
  maxLength: 200,
});
const quotas = fc.record({
  units: fc.integer({ min: 6, max: 40 }),
  windowMs: fc.integer({ min: 50, max: 3_000 }),
});

function bucketsAt(now: { ms: number }, entriesMax = 100) {
  let shared = 0;
  const buckets = createBuckets({
    entriesMax,
    nowMs: () => now.ms,
    seed: 7,
    onShared: () => (shared += 1),
  });
  return { buckets, shared: () => shared };
}

interface Use {
  readonly atMs: number;
  readonly units: number;
}

/** Greatest sum in any window that ends at a use. */
function greatestIn(windowMs: number, uses: readonly Use[]): number {
  return Math.max(
    0,
    ...uses.map(({ atMs }) =>
      uses
        .filter((use) => use.atMs <= atMs && use.atMs > atMs - windowMs)
        .reduce((sum, use) => sum + use.units, 0),
    ),
  );
}

test('nobody is admitted for more than a quota and what flows in, in any window, however they ask', () => {
  fc.assert(
    fc.property(quotas, asked, (quota, steps) => {
      const now = { ms: 5 };
      const { buckets } = bucketsAt(now);
      const admitted: Use[] = [];
      for (const { afterMs, units } of steps) {
        now.ms += afterMs;
        if (buckets.take('a', quota, units).isAdmitted) admitted.push({ atMs: now.ms, units });
      }
      expect(greatestIn(quota.windowMs, admitted)).toBeLessThanOrEqual(2 * quota.units);
    }),
  );
});

test('whoever keeps to the quota in every window is never refused', () => {
  fc.assert(
    fc.property(quotas, asked, (quota, steps) => {
      const now = { ms: 5 };
      const { buckets } = bucketsAt(now);
      const kept: Use[] = [];
      for (const { afterMs, units } of steps) {
        now.ms += afterMs;
        const next = [...kept, { atMs: now.ms, units }];
        if (greatestIn(quota.windowMs, next) > quota.units) continue;
        kept.push({ atMs: now.ms, units });
        expect(buckets.take('a', quota, units)).toMatchObject({ isAdmitted: true, waitMs: 0 });
      }
    }),
  );
});

test('who waits as long as was told is admitted, and what is told to be left can be taken', () => {
  fc.assert(
    fc.property(quotas, asked, (quota, steps) => {
      const now = { ms: 5 };
      const { buckets } = bucketsAt(now);
      for (const { afterMs, units } of steps) {
        now.ms += afterMs;
        const standing = buckets.take('a', quota, units);
        if (!standing.isAdmitted) now.ms += standing.waitMs;
        const after = standing.isAdmitted ? standing : buckets.take('a', quota, units);
        expect(after.isAdmitted).toBe(true);
        expect(buckets.take('a', quota, after.left).isAdmitted).toBe(true);
      }
    }),
  );
});

test('a flood of other clients gives nobody a new bucket before the old one is full', () => {
  fc.assert(
    fc.property(quotas, asked, fc.integer({ min: 1, max: 5 }), (quota, steps, entriesMax) => {
      const now = { ms: 5 };
      const { buckets } = bucketsAt(now, entriesMax);
      const admitted: Use[] = [];
      for (const [index, { afterMs, units }] of steps.entries()) {
        now.ms += afterMs;
        for (let other = 0; other < 2 * entriesMax; other++) {
          buckets.take(`${index}.${other}`, quota, 1);
          expect(buckets.size).toBeLessThanOrEqual(entriesMax);
        }
        if (buckets.take('a', quota, units).isAdmitted) admitted.push({ atMs: now.ms, units });
      }
      expect(greatestIn(quota.windowMs, admitted)).toBeLessThanOrEqual(2 * quota.units);
    }),
  );
});

test('full buckets are forgotten, and newcomers share only while all are in use', () => {
  const now = { ms: 0 };
  const { buckets, shared } = bucketsAt(now, 3);
  const quota = { units: 10, windowMs: 1_000 };
  for (const key of ['a', 'b', 'c', 'd']) buckets.take(key, quota, 10);
  expect([buckets.size, shared()]).toEqual([3, 1]);
  expect(buckets.take('d', quota, 1).isAdmitted).toBe(false);
  now.ms = 1_000;
  expect(buckets.take('e', quota, 10).isAdmitted).toBe(true);
  buckets.take('e', quota, 1);
  expect([buckets.size, shared()]).toEqual([1, 2]);
});

test('what was used already is owed, but never more than a quota', () => {
  const now = { ms: 0 };
  const { buckets } = bucketsAt(now);
  const quota = { units: 10, windowMs: 1_000 };
  buckets.charge('a', quota, 15);
  expect(buckets.take('a', quota, 1)).toEqual({ isAdmitted: false, left: 0, waitMs: 600 });
  buckets.charge('a', quota, 1_000_000);
  expect(buckets.take('a', quota, 1).waitMs).toBe(1_100);
});
