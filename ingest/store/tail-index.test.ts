import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRows } from './columns/rows.ts';
import { addEntry, createSeriesIndex, dropBefore, visitEntries } from './tail-index.ts';
import { createTail } from './tail.ts';

function visited(index: ReturnType<typeof createSeriesIndex>, from: number, to: number): number[] {
  const found: number[] = [];
  visitEntries(index, from, to, (row) => found.push(row));
  return found;
}

describe('the index of a series in the tail', () => {
  it('finds the rows that a walk over all of them finds, also after the oldest have gone', () => {
    const ends = fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 60, maxLength: 300 });
    const bound = fc.integer({ min: 0, max: 301 });
    fc.assert(
      fc.property(ends, bound, bound, fc.nat(320), (endAt, from, to, first) => {
        const index = createSeriesIndex();
        for (const [row, end] of endAt.entries()) addEntry(index, row * 3, end);
        const expected = (least: number) =>
          endAt.flatMap((end, row) =>
            row * 3 >= least && end >= from && end < to ? [row * 3] : [],
          );
        expect(visited(index, from, to)).toEqual(expected(0));
        dropBefore(index, first);
        expect(visited(index, from, to)).toEqual(expected(first));
      }),
    );
  });

  it('goes on behind rows that were dropped, with the bounds of what is left', () => {
    const index = createSeriesIndex();
    for (let row = 0; row < 200; row++) addEntry(index, row, row);
    dropBefore(index, 150);
    for (let row = 200; row < 400; row++) addEntry(index, row, 400 - row);
    const rows = Array.from({ length: 250 }, (_, at) => at + 150);
    const endOf = (row: number) => (row < 200 ? row : 400 - row);
    for (const [from, to] of [
      [0, 1_000],
      [0, 100],
      [150, 151],
      // Exactly the greatest end of the first group.
      [200, 201],
      [199, 201],
    ] as const) {
      const expected = rows.filter((row) => endOf(row) >= from && endOf(row) < to);
      expect(visited(index, from, to)).toEqual(expected);
    }
  });
});

describe('the tail', () => {
  it('takes no memory for series that are asked for and have no rows', () => {
    const tail = createTail();
    const rows = createRows(1);
    const before = tail.bytes;
    for (let series = 0; series < 100; series++) {
      tail.collect({ series, fromAt: 0, toAt: 1, pin: 1 }, rows);
    }
    expect([rows.count, tail.bytes]).toEqual([0, before]);
  });
});
