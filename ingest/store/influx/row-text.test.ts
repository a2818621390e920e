import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changeCauses, changeTypes, type ObservationRow } from '../../observation.ts';
import { decodeBatch, encodeBatch } from '../../observations/batch-codec.ts';
import { reasons, type Flag } from '../../quality.ts';
import { createWorld, plainRow } from '../world.contract.ts';
import { createRowReader, textOfRow } from './row-text.ts';

const text = fc.string({ unit: 'grapheme', maxLength: 12 });
const hostile = fc.oneof(
  text,
  fc.constantFrom('', '%', '%41', 'a|b', '"', '\\', '\n\r\t\0', "'", '=2', '|', 'é\u0085'),
);
const instant = fc.integer({ min: -9e12, max: 9e12 });
const orNaN = (numbers: fc.Arbitrary<number>): fc.Arbitrary<number> =>
  fc.oneof(fc.constant(Number.NaN), numbers);

const row = fc.record({
  series: fc.constant(7),
  endAt: instant,
  startAt: instant,
  heightMm: orNaN(fc.double({ noNaN: true, noDefaultInfinity: true })),
  revision: fc.integer({ min: -1_000_000, max: 2_000_000 }),
  current: fc.boolean(),
  type: fc.constantFrom(...changeTypes),
  cause: fc.constantFrom(...changeCauses),
  result: fc.oneof(
    fc.constant(null),
    fc.constantFrom(0, -0, 1e-300, 5e-324, Number.POSITIVE_INFINITY),
    fc.double({ noNaN: true }),
  ),
  verdict: fc.record({
    flag: fc.constantFrom<Flag>(1, 2, 3, 4, 9),
    tests: hostile,
    qualifiers: fc.nat({ max: 32_767 }),
    reason: fc.constantFrom(null, ...reasons),
    rules: hostile,
  }),
  resultAt: orNaN(instant),
  receivedAt: instant,
  publishedAt: instant,
  rank: fc.record({
    klass: fc.constantFrom<0 | 1>(0, 1),
    at: instant,
    node: fc.nat({ max: 65_535 }),
    position: fc.nat({ max: 2 ** 49 }),
  }),
  device: hostile,
  raw: fc.record({
    name: hostile,
    value: fc.oneof(fc.constant(null), hostile),
    unit: fc.oneof(fc.constant(null), hostile),
    time: fc.oneof(fc.constant(null), hostile),
  }),
  payloadHash: fc.oneof(fc.constant(-1), fc.nat({ max: 0xffffffff })),
  latitude: orNaN(fc.double({ min: -90, max: 90, noNaN: true })),
  longitude: orNaN(fc.double({ min: -180, max: 180, noNaN: true })),
});

describe('a row as text', () => {
  const reader = createRowReader();

  it('comes back to the letter and to the bit', () => {
    fc.assert(
      fc.property(
        row,
        fc.nat({ max: 1_023 }),
        fc.nat({ max: 2 ** 49 }),
        (sent, partition, batch) => {
          const written = textOfRow(sent, { partition, batch });
          expect(written).not.toMatch(/["\\\n]/);
          const told = reader.read(written, sent);
          expect(told).toEqual({ row: sent, partition, batch });
          expect(Object.is(told.row.result, sent.result)).toBe(true);
        },
      ),
    );
  });

  it('comes back as a batch gives it, decimals and times of usual forms too', () => {
    const world = createWorld();
    for (let at = 0; at < 300; at++) {
      const kind = at % 3 === 2 ? 'history' : 'value';
      const seed = {
        series: at % 3,
        day: at % 2,
        slot: at % 40,
        form: at % 120,
        value: at * 7,
        kind,
      };
      world.grow({ rows: [seed as never], entries: [], waitMs: at });
    }
    const decoded = [...world.batches.values()].flatMap(
      (batch) => decodeBatch(1, encodeBatch(batch)).rows,
    );
    const told = decoded.map((one) => reader.read(textOfRow(one, { partition: 0, batch: 1 }), one));
    expect(told.map((one) => plainRow(one.row))).toEqual(decoded.map(plainRow));
  });

  it('shares verdicts between the rows that have the same, however many there are', () => {
    const written = (rules: number): string => {
      const made = madeRow({ rules: String(rules) });
      return textOfRow(made, { partition: 0, batch: 1 });
    };
    const first = reader.read(written(1), madeRow({})).row;
    expect(reader.read(written(1), madeRow({})).row.verdict).toBe(first.verdict);
    for (let rules = 0; rules < 10_001; rules++) reader.read(written(rules), madeRow({}));
    const again = reader.read(written(1), madeRow({})).row;
    expect(again.verdict).toEqual(first.verdict);
    expect(again.verdict).not.toBe(first.verdict);
  });

  it.each(['', 'hello', '2|3|0', `2${'|'.repeat(26)}`, `1${'|'.repeat(25)}`])(
    'is refused where it is none: %s',
    (broken) => {
      expect(() => reader.read(broken, { series: 1, endAt: 2 })).toThrow(
        expect.objectContaining({ code: 'INFLUX_ROW' }),
      );
    },
  );
});

function madeRow({ rules = '0badc0de' }: { readonly rules?: string }): ObservationRow {
  const world = createWorld();
  const seed = { series: 7, day: 0, slot: 0, form: 0, value: 1, kind: 'value' } as const;
  const [made] = world.grow({ rows: [seed], entries: [], waitMs: 0 }).rows;
  return { ...made!, verdict: { ...made!.verdict, rules } };
}
