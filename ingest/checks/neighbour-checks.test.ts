import { describe, expect, test } from 'vitest';
import type { SeriesRules } from './check.ts';
import { digitAt } from './digits.ts';
import { flatLine } from './flat-line.ts';
import { gap } from './gap.ts';
import { difference } from './neighbour.ts';
import { rateOfChange } from './rate-of-change.ts';
import { judgeSet, plainRules, pointsOf, type Told } from './reference-driver.ts';
import { spike } from './spike.ts';

const nan = Number.NaN;
const minute = 60_000;
const hour = 60 * minute;

function told(values: readonly number[], stepMs = minute): Told[] {
  return values.map((value, at) => ({ endAt: at * stepMs, value }));
}

describe('differences on the circle', () => {
  test.each([
    [10, 350, 20],
    [350, 10, -20],
    [180, 0, 180],
    [0, 180, 180],
    [90, 90, 0],
    [359, 0, -1],
    [725, 0, 5],
  ])('%d − %d is %d', (left, right, expected) => {
    expect(difference(left, right, true)).toBe(expected);
  });

  test('plain numbers are subtracted', () => {
    expect(difference(10, 350, false)).toBe(-340);
  });
});

describe('spike', () => {
  const rules = plainRules({ spike: { suspect: 3, fail: 8, method: 'differential' } });
  const digits = (values: readonly number[], given: SeriesRules = rules) =>
    judgeSet(told(values), given).map((tests) => digitAt(tests, 'spike'));

  test('stands out to one side by more than the thresholds', () => {
    expect(digits([10, 10, 20, 10, 10])).toEqual([2, 1, 4, 1, 2]);
    expect(digits([10, 10, 6, 10, 10])).toEqual([2, 1, 3, 1, 2]);
    expect(digits([10, 14, 18, 22])).toEqual([2, 1, 1, 2]);
    expect(digits([10, 10, 18])).toEqual([2, 1, 2]);
  });

  test('the average method takes the shoulders too', () => {
    const average = plainRules({ spike: { suspect: 3, fail: 8, method: 'average' } });
    expect(digits([10, 10, 20, 10, 10], average)).toEqual([2, 3, 4, 3, 2]);
  });

  test('without a threshold of failure nothing fails', () => {
    const lenient = plainRules({ spike: { suspect: 3, fail: null, method: 'differential' } });
    expect(digits([10, 99, 10], lenient)).toEqual([2, 3, 2]);
  });

  test('a missing or failed neighbour leaves it open', () => {
    expect(digits([1, nan, 9, 1])).toEqual([2, 9, 2, 2]);
    const ranged = { ...rules, sensorRange: { min: 0, max: 100 } };
    expect(digits([1, 999, 9, 1], ranged)).toEqual([2, 4, 2, 2]);
  });

  test('a neighbour beyond the gap is none, one exactly so far away is', () => {
    const at = (...minutes: number[]) =>
      minutes.map((each, place) => ({ endAt: each * minute, value: place === 1 ? 9 : 1 }));
    const digitOf = (series: Told[]) => digitAt(judgeSet(series, rules)[1] ?? '', 'spike');
    expect(digitOf(at(0, 3, 6))).toBe(3);
    expect(digitOf(at(0, 3.1, 6))).toBe(2);
    expect(digitOf(at(0, 3, 6.1))).toBe(2);
  });

  test('north is no spike', () => {
    const circular = { ...rules, circular: true };
    expect(digits([358, 1, 359, 1], circular)).toEqual([2, 1, 1, 2]);
    expect(digits([350, 90, 350], circular)).toEqual([2, 4, 2]);
    expect(digits([358, 1, 359, 1])).toEqual([2, 4, 4, 2]);
  });

  test('a window beyond 48 h is not evaluated', () => {
    const wide = { ...rules, gapMaxMs: 25 * hour };
    expect(digits([10, 20, 10], wide)).toEqual([2, 2, 2]);
    expect(digits([10, 20, 10], { ...rules, gapMaxMs: 24 * hour })).toEqual([2, 4, 2]);
  });
});

describe('rate of change', () => {
  const rules = plainRules({ rateOfChange: { suspect: 0.1, fail: 0.5, changeMin: 0 } });
  const digits = (values: readonly number[], given: SeriesRules = rules) =>
    judgeSet(told(values), given).map((tests) => digitAt(tests, 'rateOfChange'));

  test('is strict, in units per second', () => {
    expect(digits([0, 6, 13, 44])).toEqual([2, 1, 3, 4]);
  });

  test('compares with the last sound value, past missing and failed ones', () => {
    expect(digits([0, nan, 13])).toEqual([2, 9, 3]);
    const ranged = { ...rules, sensorRange: { min: 0, max: 100 } };
    expect(digits([1, 999, 2], ranged)).toEqual([2, 4, 1]);
    expect(digits([1, nan, nan, nan, 99])).toEqual([2, 9, 9, 9, 2]);
  });

  test('a change of at most `changeMin` is never judged', () => {
    const noisy = plainRules({ rateOfChange: { suspect: 0.01, fail: null, changeMin: 2 } });
    expect(digits([0, 2, 4.1, 4.1], noisy)).toEqual([2, 1, 3, 1]);
  });

  test('turns the shorter way round', () => {
    expect(digits([358, 2], { ...rules, circular: true })).toEqual([2, 1]);
  });
});

describe('flat line', () => {
  const flat = {
    tolerance: 0.1,
    suspectMs: 3 * minute,
    failMs: 5 * minute,
    naturalAtMost: null,
    naturalAtLeast: null,
  };
  const rules = plainRules({ flatLine: flat });
  const digits = (values: readonly number[], given: SeriesRules = rules) =>
    judgeSet(told(values), given).map((tests) => digitAt(tests, 'flatLine'));

  test('grows from suspect to fail and ends with the first other value', () => {
    expect(digits([5, 5, 5.1, 5, 5, 5, 6, 5])).toEqual([1, 1, 1, 3, 3, 4, 1, 1]);
  });

  test('the whole run counts, not each step', () => {
    expect(digits([5, 5.1, 5.2, 5.3, 5.4])).toEqual([1, 1, 1, 1, 1]);
  });

  test('missing and failed values inside are passed over', () => {
    const ranged = { ...rules, sensorRange: { min: 0, max: 100 } };
    expect(digits([5, nan, 999, 5], ranged)).toEqual([1, 9, 1, 3]);
  });

  test('a failed value can itself be stuck', () => {
    const ranged = {
      ...rules,
      sensorRange: { min: 0, max: 4 },
      flatLine: { ...flat, tolerance: 9 },
    };
    expect(digits([4, 4, 4, 5], ranged)).toEqual([1, 1, 1, 3]);
  });

  test('natural constants are not evaluated', () => {
    const natural = { ...flat, naturalAtMost: 0, naturalAtLeast: 100 };
    const given = plainRules({ flatLine: natural });
    expect(digits([0, 0, 0, 0], given)).toEqual([2, 2, 2, 2]);
    expect(digits([100, 100, 100, 100], given)).toEqual([2, 2, 2, 2]);
    expect(digits([50, 50, 50, 50], given)).toEqual([1, 1, 1, 3]);
  });

  test('a vane may rest around north', () => {
    const circular = { ...rules, circular: true, flatLine: { ...flat, tolerance: 4 } };
    expect(digits([358, 0, 2, 359], circular)).toEqual([1, 1, 1, 3]);
    expect(digits([358, 0, 3, 359], circular)).toEqual([1, 1, 1, 1]);
  });

  test('a window beyond 48 h is not evaluated', () => {
    const wide = plainRules({ flatLine: { ...flat, failMs: 48 * hour } });
    expect(digits([5, 5, 5, 5], wide)).toEqual([2, 2, 2, 2]);
    expect(flatLine.lookBackMs(wide)).toBe(48 * hour + wide.gapMaxMs);
  });
});

describe('gap', () => {
  test('fails on the first value behind a gap, past nulls that arrived', () => {
    const rules = plainRules();
    const series = [0, 1, 2, 5.1, 6].map((at) => ({
      endAt: at * minute,
      value: at === 2 ? nan : 1,
    }));
    const digits = judgeSet(series, rules).map((tests) => digitAt(tests, 'gap'));
    expect(digits).toEqual([4, 1, 2, 4, 1]);
    const close = judgeSet(
      series.slice(2).map((each) => ({ ...each, endAt: each.endAt / 2 })),
      rules,
    );
    expect(close.map((tests) => digitAt(tests, 'gap'))).toEqual([2, 1, 1]);
  });

  test('is not evaluated where the interval is longer than the gap', () => {
    const rules = plainRules({ intervalMs: 48 * hour, gapMaxMs: 24 * hour });
    expect(gap.judge(pointsOf(told([1, 2]), rules), 1, rules)).toBe(2);
    expect(gap.lookBackMs(rules)).toBe(0);
  });
});

test('a check that is off looks nowhere', () => {
  const rules = plainRules();
  for (const check of [spike, rateOfChange, flatLine]) {
    expect(check.lookBackMs(rules) + check.lookAheadMs(rules)).toBe(0);
    expect(check.judge(pointsOf(told([1, 2, 3]), rules), 1, rules)).toBe(2);
  }
});
