import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SeriesRules } from './check.ts';
import * as compat from './compat/neighbour-tests.ts';
import { digitAt } from './digits.ts';
import type { TestId } from '../quality.ts';
import { judgeSet, plainRules, type Told } from './reference-driver.ts';

const nan = Number.NaN;
const minute = 60_000;

function told(values: readonly number[], stepMs = minute): Told[] {
  return values.map((value, at) => ({ endAt: at * stepMs, value }));
}

function digitsOf(test: TestId, series: readonly Told[], rules: SeriesRules): number[] {
  return judgeSet(series, rules).map((tests) => digitAt(tests, test));
}

const rate = (suspect: number, fail: number | null = null) =>
  plainRules({ rateOfChange: { suspect, fail, changeMin: 0 } });
const flat = (tolerance: number, suspectMs: number, failMs: number | null = null) =>
  plainRules({
    flatLine: { tolerance, suspectMs, failMs, naturalAtMost: null, naturalAtLeast: null },
  });

describe('the six deviations from ioos_qc', () => {
  test('1: steps in time of less than a second are kept', () => {
    const series = told([0, 0.1], 900);
    expect(compat.rateOfChange([0, 0.1], [0, 900], { suspect: 5 })).toEqual([1, 3]);
    expect(digitsOf('rateOfChange', series, rate(5))).toEqual([2, 1]);
    expect(digitsOf('rateOfChange', told([0, 1.5], 1_800), rate(1))).toEqual([2, 1]);
  });

  test('2: equal times are resolved before any check, so no rate is infinite', () => {
    // Points hold each end once (the port's promise); the value that counts is the only one seen.
    expect(compat.rateOfChange([0, 0.1, 0.1], [0, 60_000, 60_000], { suspect: 5 })[2]).toBe(1);
    expect(compat.rateOfChange([0, 9, 0.1], [0, 60_000, 60_000], { suspect: 5 })[2]).toBe(3);
    expect(digitsOf('rateOfChange', told([0, 0.1]), rate(5))).toEqual([2, 1]);
  });

  test('3: a value after a gap longer than the greatest is not evaluated', () => {
    const series = [0, 1, 2, 5.1, 6.1].map((at) => ({ endAt: at * minute, value: at }));
    const times = series.map(({ endAt }) => endAt);
    const values = series.map(({ value }) => value);
    expect(compat.rateOfChange(values, times, { suspect: 5 })).toEqual([1, 1, 1, 1, 1]);
    expect(digitsOf('rateOfChange', series, rate(5))).toEqual([2, 1, 1, 2, 1]);
  });

  test('4: a flat line is measured in elapsed time, and a gap resets it', () => {
    const ends = [0, 1, 2, 3, 64, 65, 66];
    const series = ends.map((at) => ({ endAt: at * minute, value: 5 }));
    const counted = { suspectSeconds: 180, failSeconds: 1e6, tolerance: 0.1, intervalSeconds: 60 };
    const times = series.map(({ endAt }) => endAt);
    expect(
      compat.flatLine(
        series.map(() => 5),
        times,
        counted,
      ),
    ).toEqual([1, 1, 1, 3, 3, 3, 3]);
    expect(digitsOf('flatLine', series, flat(0.1, 3 * minute))).toEqual([1, 1, 1, 3, 1, 1, 1]);
  });

  test('5: a missing value is always 9', () => {
    const rules = plainRules({
      ...flat(0.1, minute),
      sensorRange: { min: 0, max: 9 },
      spike: { suspect: 1, fail: null, method: 'average' },
      climatology: Array.from({ length: 12 }, () => ({ min: 0, max: 9 })),
      rateOfChange: { suspect: 1, fail: null, changeMin: 0 },
    });
    const tests = judgeSet(told([nan]), rules)[0] ?? '';
    for (const test of [
      'sensorRange',
      'climatology',
      'spike',
      'rateOfChange',
      'flatLine',
    ] as const) {
      expect(digitAt(tests, test)).toBe(9);
    }
    expect(compat.flatLine([nan], [0], { suspectSeconds: 1, failSeconds: 1 })).toEqual([1]);
  });

  test('6: the tolerance of a flat line is compared with ≤', () => {
    const counted = { suspectSeconds: 120, failSeconds: 1e6, intervalSeconds: 60 };
    const times = [0, minute, 2 * minute];
    expect(compat.flatLine([5, 5, 5], times, { ...counted, tolerance: 0 })).toEqual([1, 1, 1]);
    expect(digitsOf('flatLine', told([5, 5, 5]), flat(0, 2 * minute))).toEqual([1, 1, 3]);
    expect(digitsOf('flatLine', told([1, 1.1, 1]), flat(0.1, 2 * minute))).toEqual([1, 1, 3]);
  });
});

describe('where no deviation applies the digits are those of ioos_qc', () => {
  const values = fc.array(fc.integer({ min: -30, max: 30 }), { minLength: 3, maxLength: 40 });
  const times = (count: number) => Array.from({ length: count }, (_, at) => at * minute);

  test.each(['average', 'differential'] as const)('spike, %s', (method) => {
    const rules = plainRules({ spike: { suspect: 5.5, fail: 20.5, method } });
    fc.assert(
      fc.property(values, (drawn) => {
        const expected = compat.spike(drawn, { suspect: 5.5, fail: 20.5, method });
        expect(digitsOf('spike', told(drawn), rules)).toEqual(expected);
      }),
    );
  });

  test('rate of change, behind the first value', () => {
    fc.assert(
      fc.property(values, (drawn) => {
        const expected = compat.rateOfChange(drawn, times(drawn.length), {
          suspect: 0.1,
          fail: 0.3,
        });
        const digits = digitsOf('rateOfChange', told(drawn), rate(0.1, 0.3));
        expect(digits.slice(1)).toEqual(expected.slice(1));
      }),
    );
  });

  test('flat line', () => {
    const narrow = fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 3, maxLength: 40 });
    const rules = flat(1.5, 4 * minute, 7 * minute);
    fc.assert(
      fc.property(narrow, (drawn) => {
        const thresholds = { suspectSeconds: 240, failSeconds: 420, tolerance: 1.5 };
        const expected = compat.flatLine(drawn, times(drawn.length), thresholds);
        expect(digitsOf('flatLine', told(drawn), rules)).toEqual(expected);
      }),
    );
  });
});
