import fc from 'fast-check';
import { expect, test } from 'vitest';

import { windowNames } from '../windows/window.ts';
import { costOf, suggestionsFor, type CostQuestion } from './query-cost.ts';

const hourMs = 3_600_000;
const yearMs = 365 * 24 * hourMs;
const nowAt = Date.UTC(2026, 0, 1);
const everAt = -62_135_596_800_000;

const span = fc.record({
  intervalMs: fc.constantFrom(1_000, 60_000, 300_000, hourMs),
  firstAt: fc.integer({ min: nowAt - 5 * yearMs, max: nowAt }),
  lastAt: fc.constant(nowAt),
  publishedAt: fc.integer({ min: nowAt - 5 * yearMs, max: nowAt }),
  weight: fc.constantFrom(1, 7.5, 50),
});
const pinnedAt = (at: number) => ({ at, isBefore: (published: number) => published > at });
const questions: fc.Arbitrary<CostQuestion> = fc
  .record({
    series: fc.array(span, { minLength: 1, maxLength: 20 }),
    fromAt: fc.integer({ min: nowAt - 6 * yearMs, max: nowAt }),
    toAt: fc.constant(nowAt),
    limit: fc.integer({ min: 1, max: 1_000_000 }),
    isFiltered: fc.boolean(),
    window: fc.constantFrom(undefined, ...windowNames),
    order: fc.constantFrom('asc', 'desc'),
    asOfAt: fc.option(fc.integer({ min: nowAt - 6 * yearMs, max: nowAt })),
  })
  .map(({ window, asOfAt, ...rest }) => ({
    ...rest,
    ...(window === undefined ? {} : { window }),
    ...(asOfAt === null ? {} : { pinned: pinnedAt(asOfAt) }),
  }));

test('following any suggestion makes a question cheap enough', () => {
  fc.assert(
    fc.property(questions, fc.integer({ min: 2_000, max: 500_000 }), (question, costMax) => {
      if (costOf(question) <= costMax) return;
      for (const suggestion of suggestionsFor(question, costMax)) {
        const cost = costOf(suggestion.question);
        expect([suggestion.parameter, cost <= costMax ? 'within' : cost]).toEqual([
          suggestion.parameter,
          'within',
        ]);
      }
    }),
    { numRuns: 300 },
  );
});

test('asking for fewer items or series never costs more', () => {
  fc.assert(
    fc.property(questions, fc.double({ min: 0, max: 1, noNaN: true }), (question, share) => {
      const { limit, series } = question;
      const cost = costOf(question);
      expect(costOf({ ...question, limit: Math.floor(limit * share) })).toBeLessThanOrEqual(cost);
      const fewer = series.slice(0, Math.ceil(series.length * share));
      expect(costOf({ ...question, series: fewer })).toBeLessThanOrEqual(cost);
    }),
  );
});

test('a hundred years without data cost nothing, and a page no more than its rows', () => {
  const series = [{ intervalMs: 60_000, firstAt: nowAt - yearMs, lastAt: nowAt, weight: 10_000 }];
  const rows = { series, fromAt: everAt, toAt: nowAt, limit: 1_000, isFiltered: false };
  expect(costOf({ ...rows, toAt: nowAt - 2 * yearMs })).toBe(0);
  expect(
    costOf({ ...rows, series: [{ ...series[0]!, firstAt: Infinity, lastAt: -Infinity }] }),
  ).toBe(0);
  expect(costOf(rows)).toBeLessThan(10_000);
  expect(costOf({ ...rows, isFiltered: true })).toBeGreaterThan(1e9);
});

test('rows that were not there yet are counted: they are gone through, and no page is full of them', () => {
  const series = [
    { intervalMs: 60_000, firstAt: nowAt - yearMs, lastAt: nowAt, publishedAt: nowAt, weight: 100 },
  ];
  const page = { series, fromAt: everAt, toAt: nowAt, limit: 1_000, isFiltered: false } as const;
  const before = pinnedAt(nowAt - 1);
  expect(costOf({ ...page, pinned: pinnedAt(nowAt) })).toBeLessThan(10_000);
  expect(costOf({ ...page, pinned: before })).toBeGreaterThan(1e6);
  expect(costOf({ ...page, pinned: before, window: 'P1D' })).toBeGreaterThan(1e6);
  const early = [{ ...series[0]!, publishedAt: nowAt - yearMs }];
  const monthsAgo = pinnedAt(nowAt - yearMs / 2);
  const newest = { ...page, series: early, pinned: monthsAgo };
  expect(costOf({ ...newest, order: 'desc' })).toBeGreaterThan(
    3 * costOf({ ...newest, order: 'asc' }),
  );
});

test('ten thousand series between whose rows the span lies cost as many questions, not as one page', () => {
  const series = [{ intervalMs: 60_000, firstAt: nowAt - yearMs, lastAt: nowAt, weight: 10_000 }];
  const asked = { series, toAt: nowAt, limit: 100, isFiltered: false };
  expect(costOf({ ...asked, fromAt: nowAt - hourMs })).toBeGreaterThan(100_000);
});
