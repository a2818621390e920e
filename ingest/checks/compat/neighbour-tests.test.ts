import { describe, expect, test } from 'vitest';
import { attenuatedSignal, flatLine, rateOfChange, spike } from './neighbour-tests.ts';

const nan = Number.NaN;
const quarterHours = (count: number) =>
  Array.from({ length: count }, (_, at) => Date.UTC(2015, 0, 1) + at * 900_000);
const seconds = (...times: number[]) => times.map((time) => time * 1_000);

describe('spike', () => {
  test('average flags the shoulders too, differential only the peak', () => {
    const values = [10, 10, 20, 10, 10];
    expect(spike(values, { suspect: 3, fail: 8 })).toEqual([2, 3, 4, 3, 2]);
    expect(spike(values, { suspect: 3, fail: 8, method: 'differential' })).toEqual([2, 1, 4, 1, 2]);
  });

  test('first and last are not evaluated', () => {
    const values = [10, 12, 999.99, 13, 15, 40, 9, 9];
    expect(spike(values, { suspect: 25, fail: 50 })).toEqual([2, 4, 4, 4, 1, 3, 1, 2]);
    const below = values.map((value) => -value);
    expect(spike(below, { suspect: 25, fail: 50 })).toEqual([2, 4, 4, 4, 1, 3, 1, 2]);
  });

  test('a threshold must be exceeded', () => {
    expect(spike([0, 3, 0], { suspect: 3, fail: 8 })).toEqual([2, 1, 2]);
    expect(spike([0, 8, 0], { suspect: 3, fail: 8 })).toEqual([2, 3, 2]);
  });

  test('a threshold of 0 is ignored', () => {
    expect(spike([0, 5, 0], { suspect: 0, fail: 8 })).toEqual([2, 1, 2]);
    expect(spike([0, 9, 0], { suspect: 3, fail: 0 })).toEqual([2, 3, 2]);
  });

  test('a missing neighbour is not evaluated, a missing value is 9', () => {
    const values = [1, 1, nan, 1, 9, 1];
    expect(spike(values, { suspect: 3, fail: 20 })).toEqual([2, 2, 9, 2, 3, 2]);
  });

  test('a real level series has one suspect', () => {
    const values = [
      -0.189, -0.0792, -0.0122, 0.0457, 0.0671, 0.0213, -0.0488, -0.1463, -0.2438, -0.3261, -0.3871,
      -0.4054, -0.3932, -0.3383, -0.2804, -0.2347, -0.2134, -0.2347, -0.2926, -0.3597, -0.442,
      -0.509, 0, -0.5944, -0.57, -0.4267, -0.2926, -0.1585, -0.0945, -0.0762,
    ];
    const digits = spike(values, { suspect: 0.5, fail: 1 });
    expect(digits.map((digit, at) => (digit === 3 ? at : -1)).filter((at) => at >= 0)).toEqual([
      22,
    ]);
  });
});

describe('rate of change', () => {
  const suspect = 5 / 15 / 60;

  test('steps of more than five units a quarter of an hour are suspect', () => {
    const values = [
      2, 10, 2.1, 3, 4, 5, 7, 10, 0, 2, 2.2, 2, 1, 2, 3, 90, 91, 92, 93, 1, 2, 3, 4, 5,
    ];
    expect(rateOfChange(values, quarterHours(24), { suspect })).toEqual([
      1, 3, 3, 1, 1, 1, 1, 1, 3, 1, 1, 1, 1, 1, 1, 3, 1, 1, 1, 3, 1, 1, 1, 1,
    ]);
  });

  test('the first value and one after a missing value pass', () => {
    const values = [2, 10, 2, 3, nan, nan, 70, 71];
    expect(rateOfChange(values, quarterHours(8), { suspect })).toEqual([1, 3, 3, 1, 9, 9, 1, 1]);
  });

  test('a second threshold fails', () => {
    expect(rateOfChange([0, 2, 20], seconds(0, 1, 2), { suspect: 1, fail: 10 })).toEqual([1, 3, 4]);
  });

  test('the step in time is cut to whole seconds', () => {
    expect(rateOfChange([0, 0.1], seconds(0, 0.9), { suspect: 5 })).toEqual([1, 3]);
    expect(rateOfChange([0, 1.5], seconds(0, 1.8), { suspect: 1 })).toEqual([1, 3]);
  });

  test('equal times are an infinite rate', () => {
    expect(rateOfChange([0, 0.1], seconds(5, 5), { suspect: 5 })).toEqual([1, 3]);
  });
});

describe('flat line', () => {
  const thresholds = { suspectSeconds: 3_000, failSeconds: 4_800, tolerance: 0.01 };

  test('only the end of the window is flagged', () => {
    const values = [1, 2, 2.0001, 2, 2.0001, 2, 2.0001, 2, 4, 5, 3, 3.0001, 3.0005, 3.00001];
    const digits = [1, 1, 1, 1, 3, 3, 4, 4, 1, 1, 1, 1, 1, 3];
    expect(flatLine(values, quarterHours(14), thresholds)).toEqual(digits);
    const negative = values.map((value) => -value);
    expect(flatLine(negative, quarterHours(14), thresholds)).toEqual(digits);
  });

  test('missing values inside the window are passed over', () => {
    const values = [1, nan, nan, 2, 2.0001, 2, 2.0001, 2, 4, nan, 3, nan, nan, 3.00001];
    expect(flatLine(values, quarterHours(14), thresholds)).toEqual([
      1, 9, 9, 1, 3, 3, 4, 4, 1, 9, 1, 9, 9, 3,
    ]);
  });

  test.each([
    [[], []],
    [[5], [1]],
    [
      [5, 5],
      [1, 1],
    ],
    [
      [5, 5, 5],
      [1, 1, 1],
    ],
    [
      [5, 5, 5, 5],
      [1, 1, 1, 3],
    ],
    [
      [5, 5, 5, 5, 5, 5],
      [1, 1, 1, 3, 3, 4],
    ],
  ])('a short series %j', (values, digits) => {
    const times = seconds(...values.map((_, at) => at));
    const short = { suspectSeconds: 3, failSeconds: 5, tolerance: 0.1 };
    expect(flatLine(values, times, short)).toEqual(digits);
  });

  test('a spike restarts the window', () => {
    const values = [1, 1, 1, 1, 1, 6, 5, 4, 3, 2];
    const times = seconds(1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
    const wide = { suspectSeconds: 3, failSeconds: 6, tolerance: 4 };
    expect(flatLine(values, times, wide)).toEqual([1, 1, 1, 3, 3, 1, 1, 1, 3, 3]);
  });

  test('tolerance 0, the default, never flags', () => {
    const values = [5, 5, 5, 5, 5, 5];
    const never = { suspectSeconds: 1, failSeconds: 2 };
    expect(flatLine(values, seconds(0, 1, 2, 3, 4, 5), never)).toEqual([1, 1, 1, 1, 1, 1]);
  });

  test('an hour without data inside does not break it, since windows are counts', () => {
    const values = [5, 5, 5, 5, 5];
    const times = seconds(0, 60, 120, 3_720, 3_780);
    const counted = { suspectSeconds: 240, failSeconds: 100_000, tolerance: 0.1 };
    expect(flatLine(values, times, counted)).toEqual([1, 1, 1, 1, 3]);
  });

  test('the nominal interval takes the place of the median where it is said', () => {
    const counted = { suspectSeconds: 2, failSeconds: 9, tolerance: 0.1, intervalSeconds: 1 };
    expect(flatLine([5, 5, 5], seconds(0, 60, 120), counted)).toEqual([1, 1, 3]);
  });
});

describe('attenuated signal', () => {
  const times = seconds(0, 1, 2, 3, 4);

  test('without a least count the first values fail at once', () => {
    const thresholds = { suspect: 3, fail: 1, periodSeconds: 2 };
    expect(attenuatedSignal([0, 10, 0, nan, 0], times, thresholds)).toEqual([4, 1, 1, 9, 4]);
  });

  test('too few values are not evaluated', () => {
    const thresholds = { suspect: 3, fail: 1, periodSeconds: 2, observationsMin: 2 };
    expect(attenuatedSignal([0, 10, 10, 12, 17], times, thresholds)).toEqual([2, 1, 4, 3, 3]);
  });

  test('the range can be measured instead', () => {
    const thresholds = {
      suspect: 3,
      fail: 1,
      periodSeconds: 2,
      observationsMin: 2,
      measure: 'range',
    } as const;
    expect(attenuatedSignal([0, 10, 10, 12, 17], times, thresholds)).toEqual([2, 1, 4, 3, 1]);
  });
});
