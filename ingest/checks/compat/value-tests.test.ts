import { describe, expect, test } from 'vitest';
import { climatology, grossRange, location, validRange } from './value-tests.ts';

const nan = Number.NaN;

describe('gross range', () => {
  test('bounds are inclusive and a missing value is 9', () => {
    const values = [0, 1, 4, 5, 8, nan, -0.0001];
    expect(grossRange(values, [0, 5], [1, 4])).toEqual([3, 1, 1, 3, 4, 9, 4]);
  });

  test('an infinite value fails and is not missing', () => {
    const values = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    expect(grossRange(values, [0, 5])).toEqual([4, 4]);
  });

  test('spans are sorted before use', () => {
    expect(grossRange([0, 2, 6], [5, 0], [4, 1])).toEqual([3, 1, 4]);
  });

  test('a suspect span outside the fail span is refused', () => {
    expect(() => grossRange([1], [0, 5], [-1, 4])).toThrow(RangeError);
    expect(() => grossRange([1], [0, 5], [1, 6])).toThrow(RangeError);
  });
});

describe('valid range', () => {
  test('the end is exclusive by default', () => {
    expect(validRange([0, 5, 2, nan], [0, 5])).toEqual([1, 4, 1, 9]);
  });

  test('both ends can be chosen', () => {
    expect(validRange([0, 5], [0, 5], { start: false, end: true })).toEqual([4, 1]);
  });
});

describe('climatology', () => {
  const day = (text: string) => Date.parse(`${text}T00:00:00Z`);
  const members = [
    { timeSpan: [day('2011-01-01'), day('2011-07-01')], valueSpan: [10, 20] },
    { timeSpan: [day('2011-07-01'), day('2012-01-01')], valueSpan: [30, 40] },
    { timeSpan: [day('2012-01-01'), day('2013-01-01')], valueSpan: [40, 50] },
    { timeSpan: [day('2012-01-01'), day('2013-01-01')], valueSpan: [50, 60], depthSpan: [0, 10] },
    { timeSpan: [day('2012-01-01'), day('2013-01-01')], valueSpan: [70, 80], depthSpan: [10, 100] },
  ] as const;

  test('outside its member is suspect, without a member not evaluated', () => {
    const times = ['2011-01-02', '2011-01-02', '2011-01-02', '2015-01-02'].map(day);
    expect(climatology(members, [9, 11, 21, 21], times)).toEqual([3, 1, 3, 2]);
  });

  test('members with depths judge values with depths only', () => {
    const times = Array.from({ length: 6 }, () => day('2012-01-02'));
    const depths = [2, 90, nan, nan, 11, 101];
    expect(climatology(members, [51, 71, 42, 39, 59, 79], times, depths)).toEqual([
      1, 1, 1, 3, 3, 2,
    ]);
  });

  test('spans of time are inclusive and a later member overwrites', () => {
    expect(climatology(members, [15, 35], [day('2011-07-01'), day('2011-07-01')])).toEqual([3, 1]);
  });

  test('a fail span fails before the value span is asked', () => {
    const member = { timeSpan: [0, 10], valueSpan: [2, 3], failSpan: [1, 4] } as const;
    expect(climatology([member], [0, 1, 2, 5], [5, 5, 5, 5])).toEqual([4, 3, 1, 4]);
  });

  test('a missing value is 9 inside a member and outside', () => {
    expect(climatology(members, [nan, nan], [day('2011-01-02'), day('2015-01-02')])).toEqual([
      9, 9,
    ]);
  });

  test.each([
    ['month', 2],
    ['week', 9],
    ['dayofyear', 60],
    ['dayofweek', 3],
    ['quarter', 1],
    ['year', 2024],
  ] as const)('29 February 2024, a Thursday, has %s %i', (period, number) => {
    const at = [day('2024-02-29')];
    const member = { timeSpan: [number, number], valueSpan: [0, 1], period } as const;
    expect(climatology([member], [0.5], at)).toEqual([1]);
    const other = { ...member, timeSpan: [number + 1, number + 1] } as const;
    expect(climatology([other], [0.5], at)).toEqual([2]);
  });
});

describe('location', () => {
  test('outside or half a position fails, none is missing, the null island passes', () => {
    const longitudes = [180, -180.01, 0, nan, nan, 10];
    const latitudes = [90, 0, 0, nan, 10, -90.5];
    expect(location(longitudes, latitudes)).toEqual([1, 4, 1, 9, 4, 4]);
  });

  test('a box narrows it', () => {
    expect(location([100, 110], [10, 10], [102, 8, 110, 24])).toEqual([4, 1]);
  });
});
