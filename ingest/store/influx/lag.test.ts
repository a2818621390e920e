import { expect, it } from 'vitest';
import { createLag, type Reading } from './lag.ts';

/** Batches at 0, 2 and 4, each with its marker behind it. */
const end = 6;

function lagOf(stored: number, reading: Partial<Reading> = {}): number {
  const lag = createLag();
  lag.open(0, stored);
  return lag.behind(() => ({ end, taken: stored, passed: undefined, ...reading }));
}

it('counts batches, not the markers behind them', () => {
  expect([0, 1, 3, 5].map((stored) => lagOf(stored))).toEqual([3, 2, 1, 0]);
});

it('is nothing where what is left was read and holds no batch', () => {
  const aborted = { end: 9, passed: 9 };
  expect(lagOf(5, aborted)).toBe(0);
  expect(lagOf(5, { ...aborted, passed: undefined })).toBeGreaterThan(0);
  // What was read last is on its way, not stored.
  expect(lagOf(3, { ...aborted, taken: 5 })).toBeGreaterThan(0);
});

it('learns from Kafka how much has come while nothing is read', () => {
  const lag = createLag();
  lag.open(0, 1);
  lag.learnEnds([{ start: 0, end: 21 }]);
  expect(lag.behind(() => undefined)).toBe(10);
  lag.store(new Map([[0, { offset: 21, position: 11 }]]));
  expect(lag.behind(() => undefined)).toBe(0);
  lag.close(0);
  expect(lag.behind(() => undefined)).toBe(0);
});
