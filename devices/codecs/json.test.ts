import { describe, expect, test } from 'vitest';
import type { Decoded } from './codec.ts';
import { codecConfigSchema } from './config.ts';
import { createJsonCodec } from './json.ts';

const limits = codecConfigSchema.parse({});
const codec = createJsonCodec();

function decode(payload: string | Uint8Array, overrides: Partial<typeof limits> = {}): Decoded {
  const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
  return codec.decode({ topic: '', payload: bytes }, { ...limits, ...overrides });
}

const codeOf = (payload: string, overrides = {}) => decode(payload, overrides).faults[0]?.code;
const channelsOf = (decoded: Decoded) => decoded.measurements.map(({ channel }) => channel);

describe('reserved keys', () => {
  test('are carried by every measurement of the object, also where they come last', () => {
    const { measurements } = decode(
      '{"a":1,"b":2,"ts":"2026-01-31T00:00:00.250Z","from":1769817000000,"resultTime":1769817700000,' +
        '"seq":7,"latitude":10.5,"longitude":106.25,"heightMetres":-2}',
    );
    for (const measurement of measurements) {
      expect(measurement).toMatchObject({
        endAt: Date.parse('2026-01-31T00:00:00.250Z'),
        startAt: 1_769_817_000_000,
        timeText: '2026-01-31T00:00:00.250Z',
        resultAt: 1_769_817_700_000,
        seq: 7,
        latitude: 10.5,
        longitude: 106.25,
        heightMetres: -2,
      });
    }
    expect(channelsOf({ measurements, faults: [] })).toEqual(['a', 'b']);
  });

  test('belong to their own object of an array', () => {
    const { measurements } = decode('[{"ts":5,"seq":1,"a":1},{"a":2}]');
    expect(measurements.map(({ endAt, seq, timeText }) => [endAt, seq, timeText])).toEqual([
      [5, 1, '5'],
      [Number.NaN, Number.NaN, null],
    ]);
  });

  test('count as absent when they are null or NaN', () => {
    const { measurements, faults } = decode(
      '{"ts":null,"from":nan,"latitude":NaN,"seq":null,"values":null,"a":1}',
    );
    expect(faults).toEqual([]);
    expect(measurements[0]).toMatchObject({ channel: 'a', timeText: null });
    expect(measurements[0]?.endAt).toBeNaN();
    expect(measurements[0]?.latitude).toBeNaN();
  });

  test.each([
    ['{"ts":true,"a":1}', 6],
    ['{"ts":"","a":1}', 6],
    ['{"ts":"1700000000000","a":1}', 6],
    ['{"ts":1700000000.5,"a":1}', 6],
    ['{"ts":9e15,"a":1}', 6],
    ['{"ts":-9e15,"a":1}', 6],
    ['{"ts":{},"a":1}', 6],
    ['{"a":1,"resultTime":"yesterday"}', 20],
    ['{"a":1,"ts":[1]}', 12],
    [' {"ts":1000,"from":1001,"a":1}', 1],
  ])('%s is a fault of the time at its offset', (payload, offset) => {
    const { measurements, faults } = decode(payload);
    expect(measurements).toEqual([]);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatchObject({ code: 'CODEC_TIME', offset });
  });

  test('take a time as an integer in any way of writing, and keep its text', () => {
    const { measurements } = decode(
      '[{"ts":1.7e12,"a":1},{"ts":"2026\\u002d01-31T00:00:00Z","a":1}]',
    );
    expect(measurements.map(({ endAt, timeText }) => [endAt, timeText])).toEqual([
      [1_700_000_000_000, '1.7e12'],
      [Date.parse('2026-01-31'), '2026-01-31T00:00:00Z'],
    ]);
  });

  test.each([
    '{"seq":"7","a":1}',
    '{"latitude":true,"a":1}',
    '{"heightMetres":{"value":1},"a":1}',
    '{"longitude":[1],"a":1}',
  ])('%s is a fault that names the field', (payload) => {
    const { faults } = decode(payload);
    expect(faults).toHaveLength(1);
    expect(faults[0]?.code).toBe('CODEC_FIELD');
    expect(payload).toContain(faults[0]?.detail.split(' ').at(-1));
  });

  test.each(['{"ts":1,"ts":1,"a":1}', '{"ts":1,"a":1,"t":1}', '{"values":{},"values":{"a":1}}'])(
    '%s is refused, since which one counts cannot be known',
    (payload) => {
      expect(codeOf(payload)).toBe('CODEC_FIELD_REPEATED');
    },
  );
});

describe('channels', () => {
  test('beside `values` are passed over with their faults and repetitions', () => {
    const decoded = decode('{"x":"text","y":1,"y":2,"values":{"a":1,"y":3},"z":true,"y":9}');
    expect(decoded.faults).toEqual([]);
    expect(channelsOf(decoded)).toEqual(['a', 'y']);
  });

  test('stand in the object itself where `values` is none, which is a fault of that name', () => {
    const decoded = decode('{"values":5,"a":1}');
    expect(channelsOf(decoded)).toEqual(['a']);
    expect(decoded.faults).toMatchObject([{ code: 'CODEC_VALUE_KIND', channel: 'values' }]);
  });

  test.each([
    ['{"a":{"unit":"m"},"b":1}', 'CODEC_VALUE_KIND'],
    ['{"a":{},"b":1}', 'CODEC_VALUE_KIND'],
    ['{"a":{"value":{"value":1}},"b":1}', 'CODEC_VALUE_KIND'],
    ['{"a":{"value":[1]},"b":1}', 'CODEC_VALUE_KIND'],
    ['{"a":{"value":"x"},"b":1}', 'CODEC_VALUE_TEXT'],
    ['{"a":{"value":false},"b":1}', 'CODEC_VALUE_BOOLEAN'],
    ['{"a":{"value":1,"value":1},"b":1}', 'CODEC_CHANNEL_REPEATED'],
    ['{"a":{"value":"x","value":1},"b":1}', 'CODEC_VALUE_TEXT'],
    ['{"a":"NaN","b":1}', 'CODEC_VALUE_TEXT'],
  ])('%s is a fault of its channel alone', (payload, code) => {
    const decoded = decode(payload);
    expect(decoded.faults).toMatchObject([{ code, channel: 'a', offset: 5 }]);
    expect(channelsOf(decoded)).toEqual(['b']);
  });

  test('carry unit and quality as sent, in any order', () => {
    const { measurements } = decode(
      '{"a":{"quality":{"flags":[1]},"unit":null,"value":1.0},"b":{"unit":"µg/m³","value":"","quality":true}}',
    );
    expect(measurements).toMatchObject([
      { unit: null, quality: '{"flags":[1]}', value: 1, decimals: 1 },
      { unit: 'µg/m³', quality: 'true', value: null, text: '' },
    ]);
  });

  test('that differ only in how they are written are one', () => {
    const { faults } = decode('{"a":1,"\\u0061":2}');
    expect(faults.map(({ code }) => code)).toEqual(Array(2).fill('CODEC_CHANNEL_REPEATED'));
    expect(channelsOf(decode('{"\\ufffd":1,"\\ud800":2,"\uFFFD\uFFFD":3}'))).toEqual([
      '\uFFFD',
      '\uD800',
      '\uFFFD\uFFFD',
    ]);
  });

  test('may occur once for each time, and again with a later result time', () => {
    expect(decode('[{"ts":2,"a":1},{"ts":1,"a":2}]').faults).toEqual([]);
    expect(decode('[{"ts":1,"a":1},{"ts":1,"resultTime":9,"a":2}]').faults).toEqual([]);
    expect(
      decode('[{"ts":1,"heightMetres":1,"a":1},{"ts":1,"heightMetres":2,"a":2}]').faults,
    ).toEqual([]);
    expect(decode('[{"ts":1,"a":1},{"ts":1,"a":2,"b":3}]').faults).toMatchObject([
      { code: 'CODEC_CHANNEL_REPEATED', offset: 13 },
      { code: 'CODEC_CHANNEL_REPEATED', offset: 28 },
    ]);
  });

  test('named like members of Object.prototype are channels', () => {
    expect(channelsOf(decode('{"__proto__":1,"constructor":2,"hasOwnProperty":3}'))).toEqual([
      '__proto__',
      'constructor',
      'hasOwnProperty',
    ]);
  });
});

describe('damaged payloads', () => {
  test.each([
    ['', 'CODEC_EMPTY', 0],
    ['\u0000\u0000', 'CODEC_EMPTY', 0],
    ['\uFEFF', 'CODEC_EMPTY', 3],
    [' \n', 'CODEC_EMPTY', 2],
    ['5', 'CODEC_SYNTAX', 0],
    ['[1]', 'CODEC_SYNTAX', 1],
    ['{"a":1}x', 'CODEC_SYNTAX', 7],
    ['{"a":1}\u0000{', 'CODEC_SYNTAX', 7],
    ['{"a":01}', 'CODEC_SYNTAX', 5],
    ['{"a":1.}', 'CODEC_SYNTAX', 7],
    ['{"a":1e}', 'CODEC_SYNTAX', 7],
    ['{"a":-}', 'CODEC_SYNTAX', 5],
    ['{"a":nano}', 'CODEC_SYNTAX', 5],
    ['{"a":infinitely}', 'CODEC_SYNTAX', 5],
    ['{"a":nul}', 'CODEC_SYNTAX', 5],
    ['{"a":tru}', 'CODEC_SYNTAX', 5],
    ['{"a" 1}', 'CODEC_SYNTAX', 5],
    ['{"a":1,}', 'CODEC_SYNTAX', 7],
    ['{a:1}', 'CODEC_SYNTAX', 1],
    ['{"a":1]', 'CODEC_SYNTAX', 6],
    ['{"a":1', 'CODEC_SYNTAX', 6],
    ['{"a\\x":1}', 'CODEC_SYNTAX', 3],
    ['{"a\\u12g4":1}', 'CODEC_SYNTAX', 3],
    ['{"a\\', 'CODEC_SYNTAX', 3],
    ['{"a\n":1}', 'CODEC_SYNTAX', 3],
    ['{"values":{"a":1},"b":[1,{"c":"d\u0001"}]}', 'CODEC_SYNTAX', 32],
    ['{}', 'CODEC_NO_CHANNEL', 2],
    ['[]', 'CODEC_NO_CHANNEL', 2],
    ['[{"ts":1},{}]', 'CODEC_NO_CHANNEL', 13],
  ])('%j is %s at byte %i', (payload, code, offset) => {
    const { measurements, faults } = decode(payload);
    expect(measurements).toEqual([]);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatchObject({ code, offset });
    expect(faults[0]?.detail).not.toBe('');
  });

  test('must be UTF-8, also in what is passed over', () => {
    const bad = (text: string) => Buffer.from(text.replace('?', '\u00FF'), 'latin1');
    expect(decode(bad('{"a?":1}')).faults).toMatchObject([{ code: 'CODEC_SYNTAX', offset: 3 }]);
    expect(decode(bad('{"values":{"a":1},"x":"?"}')).faults[0]?.code).toBe('CODEC_SYNTAX');
    expect(decode(bad('{"values":{"a":1},"x":{"?":1}}')).faults[0]?.code).toBe('CODEC_SYNTAX');
    expect(channelsOf(decode('{"nhiệt":1,"ẩm độ":2}'))).toEqual(['nhiệt', 'ẩm độ']);
  });
});

describe('bounds', () => {
  test('hold for nesting, counted with the object of a value', () => {
    expect(codeOf('[{"values":{"a":{"value":1}}}]', { depthMax: 4 })).toBeUndefined();
    expect(codeOf('[{"values":{"a":{"value":1}}}]', { depthMax: 3 })).toBe('CODEC_TOO_DEEP');
    expect(codeOf('[{"values":{"a":{"x":[]}}}]', { depthMax: 4 })).toBe('CODEC_TOO_DEEP');
  });

  test('hold for measurements and faults together, over all objects', () => {
    const objects = Array.from({ length: 4 }, (_, ts) => `{"ts":${ts},"a":1,"b":"x"}`);
    const payload = `[${objects.join(',')}]`;
    expect(decode(payload, { measurementsMax: 8 }).measurements).toHaveLength(4);
    expect(decode(payload, { measurementsMax: 7 })).toMatchObject({
      measurements: [],
      faults: [{ code: 'CODEC_TOO_MANY' }],
    });
  });

  test('hold for bytes', () => {
    expect(codeOf('{"a":1}', { decodedBytesMax: 7 })).toBeUndefined();
    expect(codeOf('{"a":1}', { decodedBytesMax: 6 })).toBe('CODEC_TOO_LARGE');
  });
});

describe('what is remembered of keys', () => {
  test('is forgotten when it is too much, and changes no answer', () => {
    const fresh = createJsonCodec();
    const read = (text: string) =>
      fresh.decode(
        { topic: '', payload: Buffer.from(text) },
        { ...limits, measurementsMax: 65_536 },
      );
    const many = Array.from({ length: 20_000 }, (_, index) => `"k${index}":${index}`).join(',');
    for (let round = 0; round < 3; round += 1) {
      expect(read(`{${many}}`).measurements.at(-1)).toMatchObject({
        channel: 'k19999',
        value: 19_999,
      });
      expect(channelsOf(read('{"a":1,"b":2}'))).toEqual(['a', 'b']);
    }
    expect(read(`{${many},"last":1,"last":2}`).faults).toHaveLength(2);
    const long = 'x'.repeat(500_000);
    for (let round = 0; round < 4; round += 1) {
      expect(channelsOf(read(`{"${long}${round}":1}`))).toEqual([`${long}${round}`]);
    }
  });

  test('tells keys apart that begin alike', () => {
    expect(channelsOf(decode('{"ab":1,"a":2}'))).toEqual(['ab', 'a']);
    expect(channelsOf(decode('{"ab":1,"abc":2}'))).toEqual(['ab', 'abc']);
    expect(channelsOf(decode('{"ab":1,"x":2}'))).toEqual(['ab', 'x']);
    expect(codeOf('{"ab":1,"a')).toBe('CODEC_SYNTAX');
  });

  test('never takes an escaped spelling for the plain one', () => {
    expect(channelsOf(decode('{"x":1,"a\\"b":2}'))).toEqual(['x', 'a"b']);
    expect(channelsOf(decode('{"x":1,"a\\"b":2}'))).toEqual(['x', 'a"b']);
    expect(codeOf('{"x":1,"a"b":2}')).toBe('CODEC_SYNTAX');
  });
});
