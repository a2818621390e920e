import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import type { ObservationRow } from '../../ingest/observation.ts';
import {
  fittingFunction,
  needsOf,
  plainFunctions,
  readFunctions,
  valueOf,
  type FunctionName,
} from './functions.ts';
import { steadyIntervals } from './intervals.ts';
import { addRow, createWindowSum, usualFlags, type WindowSum } from './sum.ts';
import { timeOf } from './wind-partner.ts';

const plain = {
  datastream: { property: 'air-temperature', aggregation: 'mean' },
  isCircular: false,
} as const;
const angle = {
  datastream: { property: 'wind-direction', aggregation: 'instant' },
  isCircular: true,
} as const;
const speed = {
  datastream: { property: 'wind-speed', aggregation: 'instant' },
  isCircular: false,
} as const;

const radiansOf = (degrees: number) => (degrees * Math.PI) / 180;

function rowOf(result: number | null, index: number): ObservationRow {
  const at = index * 60_000;
  return {
    endAt: at,
    startAt: at,
    heightMm: NaN,
    result,
    verdict: { flag: result === null ? 9 : 1 },
  } as unknown as ObservationRow;
}

/** The values, one a minute, as the rows of one window; `others` of the other half of the wind. */
function sumOf(
  values: readonly (number | null)[],
  isCircular = false,
  others?: readonly (number | null)[],
): WindowSum {
  const sum = createWindowSum();
  const rows = values.map(rowOf);
  const results = new Map(
    rows.flatMap((row, index) => {
      const other = others?.[index];
      return other === undefined || other === null ? [] : [[timeOf(row), other] as const];
    }),
  );
  const rules = {
    flags: usualFlags,
    intervals: steadyIntervals(60_000),
    isCircular,
    order: 'asc',
    needs: { deviation: true, values: true, vector: true },
    partner: { quantity: isCircular ? 'speed' : 'direction', results },
  } as const;
  for (const row of rows) addRow(sum, row, rules);
  return sum;
}

describe('values of a window', () => {
  test('without rows are null, and the count is 0', () => {
    const sum = createWindowSum();
    for (const name of [...plainFunctions, 'sd', 'p50', 'vectorSpeed'] as const) {
      expect(valueOf(name, { ...plain, sum })).toBe(name === 'count' ? 0 : null);
    }
  });

  test('of angles that cancel out have no mean, and angles have no least or greatest', () => {
    const sum = sumOf([0, 180], true);
    for (const name of ['mean', 'min', 'max', 'sum', 'p50'] as const) {
      expect(valueOf(name, { ...angle, sum })).toBeNull();
    }
  });

  test('of angles around north have their mean there', () => {
    expect(valueOf('mean', { ...angle, sum: sumOf([350, 10, 355], true) })).toBeCloseTo(358.33, 1);
  });
});

describe('percentiles', () => {
  const valuesAt = (values: readonly number[], ...names: FunctionName[]) =>
    names.map((name) => valueOf(name, { ...plain, sum: sumOf(values) }));

  test('are those of the worked example of definition 7: R quantile(1:10), type 7', () => {
    const oneToTen = [3, 9, 1, 10, 5, 2, 7, 4, 8, 6];
    const [p10, p25, p50, p75, p90] = valuesAt(oneToTen, 'p10', 'p25', 'p50', 'p75', 'p90');
    expect(p10).toBeCloseTo(1.9, 12);
    expect([p25, p50, p75]).toEqual([3.25, 5.5, 7.75]);
    expect(p90).toBeCloseTo(9.1, 12);
  });

  test('are those of the documentation of Excel PERCENTILE.INC: {1,3,2,4}, 0.3 gives 1.9', () => {
    expect(valuesAt([1, 3, 2, 4], 'p30')[0]).toBeCloseTo(1.9, 12);
  });

  test('of one value are it, and of equal values are these', () => {
    expect(valuesAt([7], 'p01', 'p99')).toEqual([7, 7]);
    expect(valuesAt([2, 2, 2, 2], 'p05', 'p95')).toEqual([2, 2]);
  });

  test('are those of all values sorted, also of more than one run of them', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 30_000 }),
        fc.integer({ min: 1, max: 400 }),
        fc.integer({ min: 1, max: 99 }),
        (count, distinct, percent) => {
          const values = Array.from({ length: count }, (_, index) => (index * 7_919) % distinct);
          const sorted = values.toSorted((a, b) => a - b);
          const place = ((count - 1) * percent) / 100;
          const low = sorted[Math.floor(place)] ?? NaN;
          const high = sorted[Math.ceil(place)] ?? NaN;
          const name = `p${String(percent).padStart(2, '0')}` as FunctionName;
          const [value] = valuesAt(values, name);
          expect(value).toBeCloseTo(low + (place - Math.floor(place)) * (high - low), 9);
        },
      ),
      { numRuns: 40 },
    );
  });
});

describe('standard deviation', () => {
  test('is that of a sample: of 2, 4, 4, 4, 5, 5, 7, 9 √(32/7)', () => {
    const sum = sumOf([2, 4, 4, 4, 5, 5, 7, 9]);
    expect(valueOf('sd', { ...plain, sum })).toBeCloseTo(Math.sqrt(32 / 7), 12);
    expect(valueOf('sd', { ...plain, sum: sumOf([3]) })).toBeNull();
  });

  test('loses nothing where values are great and differences small', () => {
    const sum = sumOf([1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16]);
    expect(valueOf('sd', { ...plain, sum })).toBeCloseTo(Math.sqrt(30), 9);
  });

  test('of angles is about that of a line where they spread little, and 103.9° all around', () => {
    const sum = sumOf([358, 359, 0, 1, 2], true);
    // Yamartino is of the population, n and not n − 1.
    expect(valueOf('sd', { ...angle, sum })).toBeCloseTo(Math.SQRT2, 2);
    const around = sumOf([0, 90, 180, 270], true);
    expect(valueOf('sd', { ...angle, sum: around })).toBeCloseTo(90 * (2 / Math.sqrt(3)), 6);
  });
});

describe('the resultant wind', () => {
  type Values = readonly (number | null)[];
  const directionOf = (directions: Values, speeds: Values) =>
    valueOf('vectorDirection', { ...angle, sum: sumOf(directions, true, speeds) });
  const speedOf = (directions: Values, speeds: Values) =>
    valueOf('vectorSpeed', { ...speed, sum: sumOf(speeds, false, directions) });

  test('is weighted by the speed: 350° at 5 m/s and 10° at 1 m/s come from 353.3°', () => {
    expect(directionOf([350, 10], [5, 1])).toBeCloseTo(353.296, 3);
    expect(directionOf([350, 10], [5, 5])).toBeCloseTo(360, 9);
  });

  test('has the length of the mean vector: opposite winds of one speed are calm together', () => {
    expect(speedOf([90, 270], [4, 4])).toBeCloseTo(0, 12);
    expect(directionOf([90, 270], [4, 4])).toBeNull();
    expect(speedOf([0, 90], [3, 4])).toBeCloseTo(2.5, 12);
    expect(directionOf([0, 90], [3, 4])).toBeCloseTo((Math.atan2(4, 3) * 180) / Math.PI, 9);
  });

  test('from the north comes from 360°, and a calm from nowhere', () => {
    expect(directionOf([0], [3])).toBe(360);
    expect(directionOf([120], [0])).toBeNull();
    expect(speedOf([120], [0])).toBe(0);
  });

  /** EPA-454/R-99-005, 6.2.13 to 6.2.16: N is of all observations, and a calm adds nothing to the sums. */
  test('has its calms in the mean, with and without a direction: 4, 0, 0 and 4 m/s are 2 m/s', () => {
    const directions = [90, null, 0, 90];
    const speeds = [4, 0, 0, 4];
    expect(speedOf(directions, speeds)).toBeCloseTo(2, 12);
    expect(directionOf(directions, speeds)).toBeCloseTo(90, 12);
    const counts = [
      valueOf('vectorCount', { ...speed, sum: sumOf(speeds, false, directions) }),
      valueOf('vectorCount', { ...angle, sum: sumOf(directions, true, speeds) }),
    ];
    expect(counts).toEqual([4, 4]);
    expect(speedOf([null, null], [0, 0])).toBe(0);
    expect(directionOf([null, null], [0, 0])).toBeNull();
    // A wind of which nobody knows where it came from is in no vector.
    expect(speedOf([90, null], [4, 3])).toBeCloseTo(4, 12);
    expect(speedOf([90, 90], [4, null])).toBeCloseTo(4, 12);
  });

  test('is of the rows that have both, and says of how many', () => {
    const sum = sumOf([10, 20, 30], true, [2, 2]);
    expect(valueOf('vectorCount', { ...angle, sum })).toBe(2);
    expect(valueOf('vectorDirection', { ...angle, sum })).toBeCloseTo(15, 9);
    expect(valueOf('count', { ...angle, sum })).toBe(3);
  });

  test('is never longer than the mean of the speeds', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 360 }), fc.integer({ min: 0, max: 600 })), {
          minLength: 1,
        }),
        (winds) => {
          const directions = winds.map(([direction]) => direction);
          const speeds = winds.map(([, tenths]) => tenths / 10);
          const mean = speeds.reduce((total, each) => total + each, 0) / speeds.length;
          expect(speedOf(directions, speeds)).toBeLessThanOrEqual(mean + 1e-9);
          const direction = directionOf(directions, speeds) ?? 360;
          const east = winds.reduce((total, [at, v]) => total + v * Math.sin(radiansOf(at)), 0);
          expect(Math.sign(Math.sin(radiansOf(direction))) * east).toBeGreaterThanOrEqual(-1e-6);
        },
      ),
    );
  });
});

test('what fits is the sum of amounts, the extreme of extremes, else the mean', () => {
  const fitting = (
    aggregation: 'sum' | 'max' | 'min' | 'counter' | 'instant' | 'mean',
    id: string,
  ) => fittingFunction({ aggregation }, { id });
  expect(fitting('sum', 'rainfall')).toBe('sum');
  expect(fitting('instant', 'rainfall')).toBe('sum');
  expect(fitting('counter', 'rainfall')).toBe('last');
  expect(fitting('max', 'wind-gust')).toBe('max');
  expect(fitting('min', 'air-temperature')).toBe('min');
  expect(fitting('instant', 'wind-direction')).toBe('mean');
});

test('names of functions are read, and others are refused by the name of the parameter', () => {
  expect(readFunctions('p05,sd, mean')).toEqual(['p05', 'sd', 'mean']);
  expect(needsOf(readFunctions('p05,mean'))).toEqual({
    deviation: false,
    values: true,
    vector: false,
  });
  for (const text of ['p00', 'p5', 'p100', 'median', 'p1e']) {
    expect(() => readFunctions(text)).toThrow(
      expect.objectContaining({ code: 'API_PARAMETER_INVALID' }),
    );
  }
});
