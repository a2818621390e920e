import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createSink,
  createSource,
  DamagedBytes,
  readDouble,
  readSigned,
  readText,
  readVarint,
  reserveScratch,
  takeBytes,
  writeDouble,
  writeSigned,
  writeText,
  writeVarint,
} from './bytes.ts';
import { readIntegers, writeIntegers } from './integers.ts';
import { readNumbers, writeNumbers } from './numbers.ts';
import { timeFormOf, timeForms, timeTextOf } from './sent-time.ts';

const wholeMax = 1e15;

function integersThere(values: readonly number[]): { back: number[]; bytes: number } {
  const sink = createSink();
  reserveScratch(sink, values.length);
  writeIntegers(sink, Float64Array.from(values), values.length);
  const source = createSource(takeBytes(sink));
  const into = new Float64Array(values.length + 2);
  readIntegers(source, into, 1, values.length);
  expect(source.at).toBe(sink.length);
  return { back: [...into.subarray(1, values.length + 1)], bytes: sink.length };
}

function numbersThere(values: readonly number[]): { back: number[]; bytes: number } {
  const sink = createSink();
  reserveScratch(sink, values.length);
  writeNumbers(sink, Float64Array.from(values), values.length);
  const source = createSource(takeBytes(sink));
  const into = new Float64Array(values.length + 2);
  readNumbers(source, into, 1, values.length);
  expect(source.at).toBe(sink.length);
  return { back: [...into.subarray(1, values.length + 1)], bytes: sink.length };
}

describe('bytes', () => {
  it('come back as they were written', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(
            fc.maxSafeNat(),
            fc.integer({ min: -(2 ** 51), max: 2 ** 51 }),
            fc.double(),
            fc.string({ unit: 'grapheme' }),
          ),
          { maxLength: 2_000 },
        ),
        (rows) => {
          const sink = createSink();
          for (const [varint, signed, double, text] of rows) {
            writeVarint(sink, varint);
            writeSigned(sink, signed);
            writeDouble(sink, double);
            writeText(sink, text);
          }
          const source = createSource(takeBytes(sink));
          for (const [varint, signed, double, text] of rows) {
            expect(readVarint(source)).toBe(varint);
            expect(readSigned(source)).toBe(signed);
            expect(readDouble(source)).toBe(double);
            expect(readText(source)).toBe(text);
          }
        },
      ),
    );
  });

  it('that end too early are named as damaged', () => {
    expect(() => readVarint(createSource(Uint8Array.of(200)))).toThrow(DamagedBytes);
    expect(() => readVarint(createSource(new Uint8Array(12).fill(255)))).toThrow(DamagedBytes);
    expect(() => readDouble(createSource(Uint8Array.of(1, 2)))).toThrow(DamagedBytes);
    expect(() => readText(createSource(Uint8Array.of(9, 65)))).toThrow(DamagedBytes);
  });
});

describe('a column of whole numbers', () => {
  const whole = fc.integer({ min: -wholeMax, max: wholeMax });
  it('comes back exactly, whatever the numbers', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(whole, fc.integer({ min: -3, max: 3 }))), (values) => {
        expect(integersThere(values).back).toEqual(values.map((value) => value + 0));
      }),
    );
  });

  it('comes back exactly where it runs on with noise, steps, runs and outliers', () => {
    const piece = fc.record({
      start: whole,
      step: fc.integer({ min: -400_000, max: 400_000 }),
      noise: fc.constantFrom(0, 1, 30, 5_000, 2 ** 30),
      count: fc.integer({ min: 1, max: 300 }),
      outlier: fc.option(whole),
    });
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 4 }), fc.nat(), (pieces, seed) => {
        let state = seed;
        const values: number[] = [];
        for (const { start, step, noise, count, outlier } of pieces) {
          for (let at = 0; at < count; at++) {
            state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
            values.push(Math.trunc(start / 2) + at * step + (noise === 0 ? 0 : state % noise));
          }
          if (outlier !== null) values.push(outlier);
        }
        expect(integersThere(values).back).toEqual(values.map((value) => value + 0));
      }),
    );
  });

  it('takes few bytes where it is constant, a line, runs or small noise', () => {
    const many = Array.from({ length: 1_000 }, (_, at) => at);
    expect(integersThere(many.map(() => 7)).bytes).toBeLessThan(4);
    expect(integersThere(many.map((at) => 1.7e12 + at * 300_000)).bytes).toBeLessThan(14);
    expect(integersThere(many.map((at) => (at < 400 ? 1 : 2))).bytes).toBeLessThan(12);
    expect(integersThere(many.map((at) => 5_000 + ((at * 7_919) % 16))).bytes).toBeLessThan(520);
  });

  it('that is damaged is named, and never read beyond its rows', () => {
    const into = new Float64Array(8);
    for (const bytes of [
      [9],
      [2, 9, 4, 0],
      [3, 0, 60, 0],
      [3, 0, 4, 9, 200, 1],
      [3, 0, 24, 0, 1],
    ]) {
      expect(() => readIntegers(createSource(Uint8Array.from(bytes)), into, 0, 8)).toThrow(
        DamagedBytes,
      );
    }
  });
});

describe('a column of doubles', () => {
  it('comes back bit by bit, NaN meaning none', () => {
    const decimal = fc
      .tuple(fc.integer({ min: -1_000_000, max: 1_000_000 }), fc.integer({ min: 0, max: 5 }))
      .map(([digits, decimals]) => digits / 10 ** decimals);
    const value = fc.oneof(decimal, fc.constantFrom(Number.NaN, -0, 0), fc.double());
    fc.assert(
      fc.property(fc.array(value, { maxLength: 200 }), (values) => {
        expect(numbersThere(values).back).toEqual(values);
      }),
    );
  });

  it('keeps decimals with a few strangers among them short', () => {
    const values = Array.from({ length: 800 }, (_, at) =>
      at % 100 === 50 ? Math.PI * at : Math.round(2_000 + 50 * Math.sin(at)) / 100,
    );
    const { back, bytes } = numbersThere(values);
    expect(back).toEqual(values);
    expect(bytes / values.length).toBeLessThan(1.4);
  });

  it('that is damaged is named', () => {
    const into = new Float64Array(4);
    for (const bytes of [[1, 40, 0, 0], [1, 0, 0, 0, 1, 9, 0, 0], [5, 0x99], []]) {
      expect(() => readNumbers(createSource(Uint8Array.from(bytes)), into, 0, 4)).toThrow(
        DamagedBytes,
      );
    }
  });
});

describe('the form of a sent time', () => {
  it('gives the very text back, whatever it was', () => {
    const endAt = fc.integer({ min: Date.UTC(1850, 0, 1), max: Date.UTC(2150, 0, 1) });
    const text = (at: number, minutes: number, form: number): string => {
      const iso = new Date(at + minutes * 60_000).toISOString();
      const hours = String(Math.floor(Math.abs(minutes) / 60)).padStart(2, '0');
      const rest = String(Math.abs(minutes) % 60).padStart(2, '0');
      const zone = `${minutes < 0 ? '-' : '+'}${hours}:${rest}`;
      const forms = [
        String(at),
        String(Math.floor(at / 1_000)),
        iso,
        iso.replace('Z', zone),
        iso.slice(0, 19) + zone,
        iso.slice(0, 19).replace('T', ' '),
        iso.slice(0, 16),
        `${iso.slice(0, 21)}Z`,
        `${iso.slice(0, 22)}${zone}`,
        `${iso.slice(0, 19)}.1234Z`,
        iso.toLowerCase(),
      ];
      return forms[form % forms.length]!;
    };
    fc.assert(
      fc.property(endAt, fc.integer({ min: -900, max: 900 }), fc.nat(40), (at, minutes, form) => {
        const rounded = form % 2 === 0 ? Math.floor(at / 60_000) * 60_000 : at;
        const sent = text(rounded, minutes, form);
        const found = timeFormOf(sent, rounded);
        expect(found === timeForms.literal ? sent : timeTextOf(found, rounded)).toBe(sent);
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    ['2024-02-29T23:59:59+07:00', 7 * 60],
    ['2024-02-29T16:59:59Z', 0],
    ['2024-02-29 23:59', 7 * 60],
    ['2024-02-29T16:59:59.250Z', 0],
  ])('knows %s', (sent, minutes) => {
    const civil = sent.replace(' ', 'T').replace(/Z|\+07:00$/, '');
    const endAt = Date.parse(`${civil}Z`) - minutes * 60_000;
    const form = timeFormOf(sent, endAt);
    expect(form).toBeGreaterThanOrEqual(timeForms.civil);
    expect(timeTextOf(form, endAt)).toBe(sent);
  });

  it.each([
    '2023-02-29T00:00:00Z',
    '2024-13-01T00:00:00Z',
    '2024-01-01T24:00:00Z',
    '2024-01-01T00:00:60Z',
    '2024-01-01T00:00:00.Z',
    '2024-01-01T00:00:00+07',
    '2024/01/01 00:00:00',
    '2024-01-01T00:00:00-00:00',
    '20240101000000',
    'now',
    '',
  ])('keeps %j as it is', (sent) => {
    expect(timeFormOf(sent, Date.UTC(2024, 0, 1))).toBe(timeForms.literal);
  });

  it('of no text is none', () => {
    expect(timeTextOf(timeFormOf(null, 5), 5)).toBeNull();
  });
});
