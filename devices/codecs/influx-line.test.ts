import { describe, expect, test } from 'vitest';
import { codecConfigSchema } from './config.ts';
import { createInfluxLineCodec } from './influx-line.ts';

const limits = codecConfigSchema.parse({});
const codec = createInfluxLineCodec();

function decode(text: string, bounds = {}) {
  return codec.decode({ topic: '', payload: Buffer.from(text) }, { ...limits, ...bounds });
}

const valuesOf = (text: string) =>
  decode(text).measurements.map(({ channel, value, decimals, text: own }) => [
    channel,
    value,
    decimals,
    own,
  ]);

describe('a line', () => {
  test('gives each field its number and text; the mark of the type is no part of it', () => {
    expect(valuesOf('w a=1,b=2.50,c=-3i,d=4u,e=1e3,f=.5,g=9007199254740993i')).toEqual([
      ['a', 1, 0, null],
      ['b', 2.5, 2, null],
      ['c', -3, 0, null],
      ['d', 4, 0, null],
      ['e', 1000, -1, '1e3'],
      ['f', 0.5, -1, '.5'],
      ['g', 9007199254740992, -1, '9007199254740993'],
    ]);
  });

  test.each([
    ['1700000000', 1_700_000_000_000],
    ['99999999999', 99_999_999_999_000],
    ['1700000000123', 1_700_000_000_123],
    ['1700000000123456', 1_700_000_000_123],
    ['1700000000123456789', 1_700_000_000_123],
    ['170000000012345678', 170_000_000_012],
    ['0', 0],
    ['-1', -1_000],
  ])('has its time %s told by its size', (time, endAt) => {
    expect(decode(`w a=1 ${time}`).measurements[0]).toMatchObject({ endAt, timeText: time });
  });

  test('without a time has none', () => {
    const [measurement] = decode('w a=1 \r\n').measurements;
    expect(measurement?.endAt).toBeNaN();
    expect(measurement?.timeText).toBeNull();
  });

  test('takes escapes in names, and a backslash before anything else for itself', () => {
    expect(valuesOf('w\\,x,k\\ y=v\\=z a\\ b\\=c=1,d\\e=2,f\\\\\\,g=3')).toEqual([
      ['a b=c', 1, 0, null],
      ['d\\e', 2, 0, null],
      ['f\\\\,g', 3, 0, null],
    ]);
  });

  test('may hold a text with commas, quotes and line ends', () => {
    const { measurements, faults } = decode('w s="a, \\" =\n b",a=1\nw a=2 5');
    expect(measurements.map(({ value }) => value)).toEqual([1, 2]);
    expect(faults).toMatchObject([{ code: 'CODEC_VALUE_TEXT', channel: 's', offset: 4 }]);
  });

  test.each(['t', 'T', 'true', 'True', 'TRUE', 'f', 'F', 'false', 'False', 'FALSE'])(
    'has %s for a boolean',
    (word) => {
      expect(decode(`w a=${word}`).faults).toMatchObject([
        { code: 'CODEC_VALUE_BOOLEAN', channel: 'a' },
      ]);
    },
  );

  test.each([
    ['w', 1],
    ['w,', 2],
    ['w,t', 3],
    ['w,t= a=1', 4],
    ['w,=x a=1', 2],
    [',t=1 a=1', 0],
    ['w ', 2],
    ['w a', 3],
    ['w a=', 4],
    ['w a=1,', 6],
    ['w a=1,,b=2', 6],
    ['w a=x', 4],
    ['w a=1.5i', 4],
    ['w a=-1u', 4],
    ['w a="x', 4],
    ['w a="x\\', 4],
    ['w a="x"y', 7],
    ['độ ẩm=', 11],
  ])('%j is refused at byte %i', (text, offset) => {
    const { measurements, faults } = decode(`${text}`);
    expect(measurements).toEqual([]);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatchObject({ offset });
    expect(['CODEC_SYNTAX', 'CODEC_TIME']).toContain(faults[0]?.code);
  });

  test.each(['5.5', 'now', '12345678901234567890', '1 2', '--1'])('has no time %s', (time) => {
    expect(decode(`w a=1 ${time}`).faults).toMatchObject([{ code: 'CODEC_TIME', offset: 6 }]);
  });
});

describe('a message of lines', () => {
  test('names a channel by its field, or by measurement and field where there are several', () => {
    const channels = (text: string) => decode(text).measurements.map(({ channel }) => channel);
    expect(channels('w a=1 1\nw a=2,b=3 2')).toEqual(['a', 'a', 'b']);
    expect(channels('w a=1 1\nx a=2 1')).toEqual(['w.a', 'x.a']);
  });

  test('that holds only blank lines and comments has no channel', () => {
    expect(decode('# a\n\n  \r\n#').faults).toMatchObject([{ code: 'CODEC_NO_CHANNEL' }]);
  });

  test('is bounded in its fields', () => {
    expect(decode('w a=1,b=2,c=3', { measurementsMax: 3 }).measurements).toHaveLength(3);
    expect(decode('w a=1,b=2,c=3', { measurementsMax: 2 }).faults).toMatchObject([
      { code: 'CODEC_TOO_MANY' },
    ]);
  });

  test('must be UTF-8', () => {
    const payload = Buffer.from('w a\u00FF=1', 'latin1');
    expect(codec.decode({ topic: '', payload }, limits).faults).toMatchObject([
      { code: 'CODEC_SYNTAX' },
    ]);
  });
});
