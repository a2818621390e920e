import { ucum } from '@atomic-ehr/ucum';
import { encode, Tagged } from 'cborg';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { codecConfigSchema } from './config.ts';
import type { Decoded } from './codec.ts';
import { createSenmlCborCodec } from './senml-cbor.ts';
import { createSenmlJsonCodec } from './senml-json.ts';
import { ucumOfSenmlUnit } from './senml-units.ts';

const limits = codecConfigSchema.parse({});
const jsonCodec = createSenmlJsonCodec();
const cborCodec = createSenmlCborCodec();

const labels: Readonly<Record<string, number>> = {
  bver: -1,
  bn: -2,
  bt: -3,
  bu: -4,
  bv: -5,
  bs: -6,
  n: 0,
  u: 1,
  v: 2,
  vs: 3,
  vb: 4,
  s: 5,
  t: 6,
  ut: 7,
  vd: 8,
};

function fromJson(pack: unknown, bounds = {}): Decoded {
  const payload = Buffer.from(typeof pack === 'string' ? pack : JSON.stringify(pack));
  return jsonCodec.decode({ topic: '', payload }, { ...limits, ...bounds });
}

function fromBytes(payload: Uint8Array, bounds = {}): Decoded {
  return cborCodec.decode({ topic: '', payload }, { ...limits, ...bounds });
}

function toCbor(pack: readonly object[]): Uint8Array {
  return encode(
    pack.map(
      (record) =>
        new Map(Object.entries(record).map(([key, value]) => [labels[key] ?? key, value])),
    ),
  );
}

const codesOf = (decoded: Decoded) => decoded.faults.map(({ code }) => code);
const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

describe('a pack', () => {
  test('means the same in JSON and in CBOR', () => {
    const number = fc.oneof(
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }).filter((value) => !Object.is(value, -0)),
    );
    const record = fc.record(
      {
        bn: fc.string({ maxLength: 4 }),
        bt: fc.integer({ min: 0, max: 2_000_000_000 }),
        bu: fc.constantFrom('Cel', '%RH'),
        bv: number,
        n: fc.string({ maxLength: 4 }),
        u: fc.constantFrom('m', 'km/h'),
        t: fc.integer({ min: -100, max: 100 }),
        v: number,
        s: number,
        vs: fc.string(),
        vb: fc.boolean(),
      },
      { requiredKeys: [] },
    );
    const meaning = ({ measurements, faults }: Decoded) => ({
      measurements: measurements.map(({ channel, value, unit, endAt }) => [
        channel,
        value,
        unit,
        endAt,
      ]),
      faults: faults.map(({ code, channel }) => [code, channel]),
    });
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 6 }), (pack) => {
        const isPlain = !JSON.stringify(pack).includes('\uFFFD');
        fc.pre(isPlain);
        expect(meaning(fromBytes(toCbor(pack)))).toEqual(meaning(fromJson(pack)));
      }),
      { numRuns: 1_000 },
    );
  });

  test('takes base fields from the record that sets them on', () => {
    const { measurements } = fromJson([
      { bn: 'a:', bt: 1_700_000_000, bu: 'Cel' },
      { n: 'x', v: 1 },
      { n: 'y', v: 2, u: 'K', t: 1.5 },
      { bn: 'b:', bt: 1_700_000_100, n: 'x', v: 3 },
    ]);
    expect(measurements.map(({ channel, unit, endAt }) => [channel, unit, endAt])).toEqual([
      ['a:x', 'Cel', 1_700_000_000_000],
      ['a:y', 'K', 1_700_000_001_500],
      ['b:x', 'Cel', 1_700_000_100_000],
    ]);
  });

  test('needs a name, which the base name alone can be', () => {
    expect(fromJson([{ bn: 'urn:x', v: 1 }]).measurements[0]?.channel).toBe('urn:x');
    expect(codesOf(fromJson([{ v: 1 }]))).toEqual(['CODEC_FIELD']);
  });

  test('takes a base value for the value where a record has none', () => {
    const { measurements, faults } = fromJson([{ bn: 'a', bv: 20.5, n: '', t: 0 }]);
    expect(measurements).toMatchObject([{ channel: 'a', value: 20.5 }]);
    expect(faults).toEqual([]);
    expect(codesOf(fromJson([{ n: 'a', ut: 5 }]))).toEqual(['CODEC_VALUE_KIND']);
  });

  test('gives an integrated value its own channel, beside the value', () => {
    const { measurements } = fromJson([{ bs: 1, n: 'p', u: 'W', v: 2, s: 0.5 }]);
    expect(measurements.map(({ channel, value, unit }) => [channel, value, unit])).toEqual([
      ['p', 2, 'W'],
      ['p#sum', 1.5, 'W.s'],
    ]);
    expect(fromJson([{ n: 'p', s: 1 }]).measurements[0]?.unit).toBeNull();
  });

  test('has a time from 2^28 s on, and none below it', () => {
    const at = (t: number) => fromJson([{ n: 'a', v: 1, t }]).measurements[0]!;
    expect(at(2 ** 28)).toMatchObject({ endAt: 268_435_456_000, timeText: '268435456' });
    expect(at(2 ** 28 - 1)).toMatchObject({ endAt: Number.NaN, timeText: '268435455' });
    expect(at(-3.5)).toMatchObject({ endAt: Number.NaN, timeText: '-3.5' });
    expect(at(0)).toMatchObject({ endAt: Number.NaN, timeText: null });
    expect(codesOf(fromJson([{ n: 'a', v: 1, t: 1e300 }]))).toEqual(['CODEC_TIME']);
    expect(codesOf(fromJson('[{"n":"a","v":1,"t":nan}]'))).toEqual([]);
  });

  test('has a version: one, and a known one', () => {
    const codes = (...versions: unknown[]) =>
      codesOf(fromJson(versions.map((bver, t) => ({ bver, n: 'a', v: 1, t: 1e9 + t }))));
    expect(codes(10)).toEqual([]);
    expect(codes(5, 5)).toEqual([]);
    expect(codes(26)).toEqual([]);
    for (const bver of [0, -1, 11, 1.5, 42]) expect(codes(bver)).toEqual(['CODEC_VERSION']);
    expect(codes(10, 26)).toEqual(['CODEC_VERSION']);
  });

  test.each([
    [{ n: 5, v: 1 }],
    [{ n: 'a', v: 'x' }],
    [{ n: 'a', v: [1] }],
    [{ n: 'a', v: { w: 1 } }],
    [{ n: 'a', v: true }],
    [{ n: 'a', v: 1, u: 7 }],
    [{ n: 'a', v: 1, t: '5' }],
    [{ n: 'a', v: 1, must_: 1 }],
  ])('with %j is refused for that field', (record) => {
    expect(codesOf(fromJson([record]))).toEqual(['CODEC_FIELD']);
  });

  test('passes over labels that need not be understood', () => {
    expect(fromJson([{ n: 'a', v: 1, note: { deep: [1] } }]).measurements).toHaveLength(1);
    expect(fromBytes(toCbor([{ n: 'a', v: 1, note: [1, 'x'] }])).measurements).toHaveLength(1);
    expect(
      fromBytes(
        encode([
          new Map<unknown, unknown>([
            [0, 'a'],
            [2, 1],
            [99, 5],
          ]),
        ]),
      ).faults,
    ).toEqual([]);
  });

  test('is bounded in its records', () => {
    const pack = Array.from({ length: 5 }, (_, t) => ({ n: 'a', v: 1, t: 1e9 + t }));
    for (const decode of [
      (bounds: object) => fromJson(pack, bounds),
      (bounds: object) => fromBytes(toCbor(pack), bounds),
    ]) {
      expect(decode({ measurementsMax: 5 }).measurements).toHaveLength(5);
      expect(codesOf(decode({ measurementsMax: 4 }))).toEqual(['CODEC_TOO_MANY']);
      expect(codesOf(decode({ measurementsMax: 2 }))).toEqual(['CODEC_TOO_MANY']);
    }
  });
});

describe('SenML as JSON', () => {
  test.each([
    ['{"n":"a","v":1}', 0],
    ['[1]', 1],
    ['[{"n":"a","v":1}', 16],
    ['[{"n":"a","v":1}]]', 17],
    ['[{"n":"a" "v":1}]', 10],
  ])('%s is refused at byte %i', (payload, offset) => {
    expect(fromJson(payload).faults).toMatchObject([{ code: 'CODEC_SYNTAX', offset }]);
  });

  test('keeps the text of a number, and takes null as a missing value', () => {
    const { measurements } = fromJson('[{"n":"a","v":1.50},{"n":"b","v":null},{"n":"c","v":1e2}]');
    expect(measurements.map(({ value, decimals, text }) => [value, decimals, text])).toEqual([
      [1.5, 2, null],
      [null, -1, null],
      [100, -1, '1e2'],
    ]);
  });

  test('refuses a label that occurs twice', () => {
    expect(codesOf(fromJson('[{"n":"a","v":1,"v":2}]'))).toEqual(['CODEC_FIELD_REPEATED']);
  });
});

describe('SenML as CBOR', () => {
  const valueOf = (value: unknown) => {
    const { measurements } = fromBytes(toCbor([{ n: 'a', v: value }]));
    return measurements.flatMap(({ value: number, decimals, text }) => [number, decimals, text]);
  };

  test('takes integers, floats and decimal fractions, each with its shortest text', () => {
    expect(valueOf(7)).toEqual([7, 0, null]);
    expect(valueOf(-0.25)).toEqual([-0.25, 2, null]);
    expect(valueOf(1 / 3)).toEqual([1 / 3, -1, String(1 / 3)]);
    expect(valueOf(2n ** 60n)).toEqual([2 ** 60, -1, String(2n ** 60n)]);
    expect(valueOf(Number.NaN)).toEqual([null, -1, 'NaN']);
    expect(valueOf(Number.POSITIVE_INFINITY)).toEqual([null, -1, 'Infinity']);
    expect(valueOf(null)).toEqual([null, -1, null]);
    expect(valueOf(undefined)).toEqual([null, -1, null]);
  });

  test.each([
    [-2, 27_315, [273.15, 2, null]],
    [-3, -5, [-0.005, 3, null]],
    [0, 42, [42, 0, null]],
    [2, 5, [500, -1, '5e2']],
    [-30, 5, [5e-30, -1, '5e-30']],
    [400, 1, [null, -1, '1e400']],
    [-4, 2n ** 60n, [115292150460684.7, -1, '115292150460684.6976']],
  ])(
    'takes the decimal fraction with exponent %i and mantissa %s',
    (exponent, mantissa, expected) => {
      expect(valueOf(new Tagged(4, [exponent, mantissa]))).toEqual(expected);
    },
  );

  test.each([[[1]], [[1, 2, 3]], [[0.5, 1]], [[1, 'x']], ['x']])(
    'refuses the decimal fraction %j',
    (content) => {
      expect(codesOf(fromBytes(toCbor([{ n: 'a', v: new Tagged(4, content) }])))).toEqual([
        'CODEC_SYNTAX',
      ]);
    },
  );

  test('takes labels as texts, but one of them only once', () => {
    const pack = (...entries: [unknown, unknown][]) => encode([new Map(entries)]);
    expect(fromBytes(pack(['n', 'a'], ['v', 1])).measurements).toHaveLength(1);
    expect(codesOf(fromBytes(pack(['n', 'a'], ['v', 1], [2, 1])))).toEqual([
      'CODEC_FIELD_REPEATED',
    ]);
  });

  test('gives the byte at which a faulty record begins', () => {
    const bytes = toCbor([
      { n: 'a', v: 1 },
      { n: 'b', vs: 'x' },
    ]);
    expect(fromBytes(bytes).faults).toMatchObject([{ channel: 'b', offset: 7 }]);
  });

  test.each([
    ['a0', 'a map instead of an array'],
    ['81 01', 'a record that is no map'],
    ['82 a0', 'fewer records than announced'],
    ['81 a2 00 61 61', 'fewer labels than announced'],
    ['81 a1 00', 'a label without its value'],
    ['81 a1 00 61 61 00', 'bytes after the pack'],
    ['9f a1 00 61 61', 'no break at the end'],
    ['ff', 'a break alone'],
    ['81 ff', 'a break in an array of a length'],
    ['81 bf 00 ff ff', 'a break in the place of a value'],
    ['81 a1 00 62 c3 28', 'a text that is not UTF-8'],
    ['81 a1 00 c6 61 61', 'a tag that is not known'],
    ['81 a1 00 1c', 'a reserved length'],
    ['81 a2 00 61 61 02 9b ff ff ff ff ff ff ff ff', 'a length beyond all bounds'],
  ])('%s is refused: %s', (bytes) => {
    const decoded = fromBytes(hex(bytes));
    expect(decoded.measurements).toEqual([]);
    expect(codesOf(decoded)).toEqual(['CODEC_SYNTAX']);
  });

  test('is bounded in depth, whatever opens a level', () => {
    const nested = (levels: number) =>
      Buffer.concat([hex('81 a3 00 61 61 02 01 18 63'), Buffer.alloc(levels, 0x81), hex('00')]);
    expect(codesOf(fromBytes(nested(6)))).toEqual([]);
    expect(fromBytes(nested(7)).faults).toMatchObject([{ code: 'CODEC_TOO_DEEP', offset: 15 }]);
    expect(codesOf(fromBytes(Buffer.alloc(50, 0xc4)))).toEqual(['CODEC_TOO_DEEP']);
    expect(codesOf(fromBytes(Buffer.alloc(50, 0x9f)))).toEqual(['CODEC_TOO_DEEP']);
  });

  test('is bounded in what stands inside a record', () => {
    const array = Buffer.concat([hex('81 a3 00 61 61 02 01 18 63 99 ff ff'), Buffer.alloc(65_535)]);
    expect(codesOf(fromBytes(array))).toEqual(['CODEC_TOO_MANY']);
  });
});

describe('units of SenML', () => {
  const registered =
    'm kg g s A K cd mol Hz rad sr N Pa J W C V F Ohm S Wb T H Cel lm lx Bq Gy Sv kat m2 m3 l m/s m/s2 ' +
    'm3/s l/s W/m2 cd/m2 bit bit/s lat lon pH dB dBW Bspl count / % %RH %EL EL 1/s 1/min beat/min ' +
    'beats S/m B VA VAs var vars J/m kg/m3 deg NTU ms min h MHz kW kVA kvar Ah Wh kWh varh kvarh ' +
    'kVAh Wh/km KiB GB Mbit/s B/s MB/s mV mA ug/m3 mm/h m/h ppm ppb /100 /1000 hPa mm cm km km/h rpm';

  test.each(registered.split(' '))('%s has a UCUM code', (unit) => {
    expect(ucum.validate(ucumOfSenmlUnit(unit)).valid).toBe(true);
  });

  test('that no registry knows stay as sent', () => {
    expect(ucumOfSenmlUnit('furlong')).toBe('furlong');
    expect(ucumOfSenmlUnit('dBm')).toBe('dBm');
  });
});
