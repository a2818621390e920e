import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTail } from '../tail.ts';
import { createWorld, plainRow, type BatchSeed } from '../world.contract.ts';
import type { Dictionary } from '../dictionary.ts';
import type { ObservationRow, Verdict } from '../../observation.ts';
import { createSink, DamagedBytes } from './bytes.ts';
import { decodeBlock, encodeBlock } from './block.ts';
import { bitsOf, createRows, rowOf, type Rows } from './rows.ts';
import { splitNewest, orderOf, dropRepeats } from '../merge.ts';

/** A dictionary in memory alone. */
function createDictionary(): Dictionary {
  const verdicts: Verdict[] = [];
  const texts: string[] = [];
  const id = <Value>(held: Value[], value: Value): number => {
    const found = held.indexOf(value);
    return found >= 0 ? found + 1 : held.push(value);
  };
  return {
    verdictId: (verdict) => id(verdicts, verdict),
    textId: (text) => id(texts, text),
    verdictOf: (at) => verdicts[at - 1],
    textOf: (at) => texts[at - 1],
    reload: () => undefined,
  };
}

const seed = fc.record({
  rows: fc.array(
    fc.record({
      series: fc.constant(0),
      day: fc.constant(0),
      slot: fc.integer({ min: 0, max: 60 }),
      form: fc.nat({ max: 120 }),
      value: fc.nat({ max: 2_000 }),
      kind: fc.constantFrom('value', 'history', 'deletion', 'backfill', 'null'),
    }),
    { maxLength: 120 },
  ),
  entries: fc.constant([]),
  waitMs: fc.nat({ max: 5_000 }),
}) as fc.Arbitrary<BatchSeed>;

/** Rows of a tail, in the columns that blocks are written from. */
function gathered(seeds: readonly BatchSeed[]): Rows {
  const world = createWorld();
  const tail = createTail();
  for (const one of seeds) tail.add(world.end + 1, world.grow(one));
  const rows = createRows(4);
  tail.collect({ series: 0, fromAt: -Infinity, toAt: Infinity, pin: Infinity }, rows);
  return rows;
}

function encoded(rows: Rows, dictionary: Dictionary) {
  const order = orderOf(rows, 0, rows.count);
  const { newest, others } = splitNewest(rows, order.subarray(0, dropRepeats(rows, order)));
  const { points, details } = encodeBlock(createSink(), { rows, newest, others }, dictionary);
  const block = { points: Uint8Array.from(points), details: Uint8Array.from(details) };
  const expected = [...newest, ...others].map((at) => plainRow(rowOf(rows, at)));
  return { block, expected, newest: newest.length };
}

function isReadOrNamed(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch (error) {
    return error instanceof DamagedBytes;
  }
}

describe('a block', () => {
  it('gives every row back, bit by bit and letter by letter', () => {
    fc.assert(
      fc.property(fc.array(seed, { minLength: 1, maxLength: 4 }), (seeds) => {
        const dictionary = createDictionary();
        const { block, expected, newest } = encoded(gathered(seeds), dictionary);
        const rows = createRows(1);
        const counts = decodeBlock(block, rows, dictionary);
        expect(counts).toEqual({ newest, others: expected.length - newest });
        const back = expected.map((_, at) => plainRow(rowOf(rows, at)));
        expect(back).toEqual(expected);
      }),
    );
  });

  it('is read behind the rows that are there', () => {
    const dictionary = createDictionary();
    const one = { series: 0, day: 0, slot: 3, form: 0, value: 5, kind: 'value' } as const;
    const { block, expected } = encoded(
      gathered([{ rows: [one, { ...one, slot: 4 }], entries: [], waitMs: 0 }]),
      dictionary,
    );
    const rows = createRows(1);
    decodeBlock(block, rows, dictionary);
    decodeBlock(block, rows, dictionary);
    const back = Array.from({ length: 4 }, (_, at) => plainRow(rowOf(rows, at)));
    expect(back).toEqual([...expected, ...expected]);
  });

  it('whose bytes are changed or cut is named as damaged or read as other rows, never worse', () => {
    const dictionary = createDictionary();
    const whole = encoded(
      gathered([
        {
          rows: Array.from({ length: 60 }, (_, at) => ({
            series: 0,
            day: 0,
            slot: at,
            form: at % 13,
            value: (at * 7_919) % 300,
            kind: 'value' as const,
          })),
          entries: [],
          waitMs: 0,
        },
      ]),
      dictionary,
    );
    const change = fc.record({
      part: fc.constantFrom('points', 'details'),
      at: fc.nat(),
      value: fc.integer({ min: 0, max: 255 }),
      cut: fc.boolean(),
    });
    fc.assert(
      fc.property(change, ({ part, at, value, cut }) => {
        const bytes = Uint8Array.from(whole.block[part as 'points' | 'details']);
        const place = at % bytes.length;
        bytes[place] = value;
        const block = { ...whole.block, [part]: cut ? bytes.subarray(0, place) : bytes };
        expect(isReadOrNamed(() => decodeBlock(block, createRows(1), dictionary))).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  it('finds the straight line of a unit conversion and gives its every bit back', () => {
    const dictionary = createDictionary();
    const rows = gathered([
      {
        rows: Array.from({ length: 90 }, (_, at) => ({
          series: 0,
          day: 0,
          slot: at,
          form: 0,
          value: 900 + ((at * 31) % 173),
          kind: 'value' as const,
        })),
        entries: [],
        waitMs: 0,
      },
    ]);
    for (const [scale, shift] of [
      [1.9125, 0],
      [5 / 9, -160 / 9],
      [0.01, 0],
    ] as const) {
      for (let at = 0; at < rows.count; at++) {
        rows.result[at] = (rows.sentDigits[at]! / 10) * scale + shift;
      }
      const { block, expected } = encoded(rows, dictionary);
      const back = createRows(1);
      decodeBlock(block, back, dictionary);
      expect(expected.map((_, at) => rowOf(back, at).result)).toEqual(
        expected.map((row: ObservationRow) => row.result),
      );
      expect(block.points.length / rows.count).toBeLessThan(2.5);
    }
  });
});

describe('the bits of a row', () => {
  it('say all of current, class, type and cause', () => {
    const world = createWorld();
    const [row] = world.grow({
      rows: [{ series: 0, day: 0, slot: 1, form: 1, value: 1, kind: 'value' }],
      entries: [],
      waitMs: 0,
    }).rows;
    const seen = new Set<number>();
    for (const type of ['insert', 'correction', 'deletion'] as const) {
      for (const cause of ['value', 'flag', 'rule', 'review', 'erasure'] as const) {
        for (const current of [true, false]) {
          for (const klass of [0, 1] as const) {
            seen.add(bitsOf({ ...row!, type, cause, current, rank: { ...row!.rank, klass } }));
          }
        }
      }
    }
    expect(seen.size).toBe(60);
  });
});
