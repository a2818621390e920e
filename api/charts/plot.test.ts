import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { createPlot, type Plot, type PlotFrame } from './plot.ts';

const intervalMs = 60_000;

function plotOf(
  values: readonly (number | null)[],
  change: Partial<PlotFrame> = {},
  flag = 1,
): Plot {
  const toAt = values.length * intervalMs;
  const plot = createPlot({ fromAt: 0, toAt, columns: 100, intervalMs, kind: 'line', ...change });
  values.forEach((value, index) => {
    const at = index * intervalMs;
    plot.add({ startAt: at, endAt: at, value, flag: value === null ? 9 : flag });
  });
  return plot.finish();
}

describe('a plot', () => {
  test('loses no spike, however many values a column of pixels has', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -1_000, max: 1_000 }), { minLength: 1, maxLength: 3_000 }),
        fc.integer({ min: 1, max: 200 }),
        (values, columns) => {
          const plot = plotOf(values, { columns });
          const points = plot.runs.flat();
          expect(points.length).toBeLessThanOrEqual(4 * (columns + 1));
          for (let column = 0; column < columns; column++) {
            const inside = ({ at }: { at: number }) =>
              Math.floor((at / (values.length * intervalMs)) * columns) === column;
            const all = values
              .map((value, index) => ({ value, at: index * intervalMs }))
              .filter(inside);
            const drawn = points.filter(inside);
            const extremes = (of: readonly { value: number }[]) => [
              Math.min(...of.map(({ value }) => value)),
              Math.max(...of.map(({ value }) => value)),
              of[0]?.value,
              of.at(-1)?.value,
            ];
            expect(extremes(drawn)).toEqual(extremes(all));
          }
          const times = points.map(({ at }) => at);
          expect(times).toEqual(times.toSorted((a, b) => a - b));
        },
      ),
      { numRuns: 60 },
    );
  });

  test('does not join what is more than an interval and a half apart, where it can be seen', () => {
    const withHole = [1, 2, null, 4, 5];
    expect(plotOf(withHole).runs.map((run) => run.map(({ value }) => value))).toEqual([
      [1, 2],
      [4, 5],
    ]);
    expect(plotOf(withHole, { columns: 3 }).runs).toHaveLength(1);
    expect(plotOf([1, null, null, 4]).runs).toHaveLength(2);
  });

  test('marks suspect values on the line, and failed ones beside it', () => {
    const suspect = plotOf([5, 6, 7], {}, 3);
    expect([suspect.marks.length, suspect.values, suspect.suspect]).toEqual([3, 3, 3]);
    const failed = plotOf([5, 999, 7], {}, 4);
    expect([failed.marks.length, failed.values, failed.failed]).toEqual([3, 0, 3]);
    expect(failed.runs.flat()).toEqual([]);
  });

  test('of bars reaches from 0 to the greatest of each column', () => {
    const plot = plotOf([1, 9, 2, 3, -4, 0], { kind: 'bars', columns: 2 });
    expect(plot.spans.map(({ low, high }) => [low, high])).toEqual([
      [0, 9],
      [-4, 3],
    ]);
  });
});
