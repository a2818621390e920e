import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { codecConfigSchema } from './config.ts';
import { createCsvRowCodec } from './csv-row.ts';

const limits = codecConfigSchema.parse({});
const codec = createCsvRowCodec();

function decode(text: string, bounds = {}) {
  return codec.decode({ topic: '', payload: Buffer.from(text) }, { ...limits, ...bounds });
}

function quoted(cell: string): string {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

describe('a cell', () => {
  test('comes through with its text unaltered, whatever stands in it', () => {
    const cell = fc.oneof(
      fc.double({ noNaN: true }).map(String),
      fc.stringMatching(/^-?\d{1,5}(\.\d{1,7})?$/),
      fc.stringMatching(/^ ?-?\d{1,3} ?$/),
      fc.constantFrom('', '-9999', 'NA', 'n/a', 'NaN', 'null', '-', '//', ' ', '1,5', '+0.5'),
    );
    fc.assert(
      fc.property(
        fc.array(cell, { minLength: 1, maxLength: 9 }),
        fc.nat(2_000_000_000),
        (cells, time) => {
          const { measurements, faults } = decode(`${time},${cells.map(quoted).join(',')}\r\n`);
          const channels = new Set(faults.map(({ channel }) => channel));
          const texts = measurements.map(({ value, decimals, text }) =>
            decimals < 0 ? text : (value as number).toFixed(decimals),
          );
          expect(texts).toEqual(cells.filter((_, index) => !channels.has(`c${index + 1}`)));
          for (const { value, text } of measurements) {
            expect(value === null || text === null || value === Number(text)).toBe(true);
          }
          for (const fault of faults) expect(fault.code).toBe('CODEC_VALUE_TEXT');
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test.each([
    '',
    ' ',
    'NA',
    'na',
    'N/A',
    'NAN',
    'null',
    'None',
    '-',
    '--',
    '---',
    '//',
    '///',
    'inf',
  ])('%j is a missing value with that text', (cell) => {
    expect(decode(`1700000000000,${cell}`).measurements).toMatchObject([
      { channel: 'c1', value: null, decimals: -1, text: cell },
    ]);
  });

  test.each(['x', '1,5', '12:30', '5 m', '0x10'])('%j is a fault of its column alone', (cell) => {
    const { measurements, faults } = decode(`time,a,b\n1700000000000,${quoted(cell)},2`);
    expect(measurements.map(({ channel }) => channel)).toEqual(['b']);
    expect(faults).toMatchObject([{ code: 'CODEC_VALUE_TEXT', channel: 'a', offset: 23 }]);
  });
});

describe('rows', () => {
  test('are named by a header in any language, or numbered', () => {
    const channels = (text: string) => decode(text).measurements.map(({ channel }) => channel);
    expect(channels('thời gian,nhiệt độ\n1700000000000,1')).toEqual(['nhiệt độ']);
    expect(channels('"Date","a ""b"""\n1700000000000,1')).toEqual(['a "b"']);
    expect(channels('1700000000000,1,2')).toEqual(['c1', 'c2']);
    expect(channels(',1,2')).toEqual(['c1', 'c2']);
  });

  test('have the time of their first cell, none where it is empty', () => {
    const { measurements } = decode('time,a\n2026-01-31T07:00:00+07:00,1\n-5,2\n,3\n');
    expect(measurements.map(({ endAt, timeText }) => [endAt, timeText])).toEqual([
      [Date.parse('2026-01-31'), '2026-01-31T07:00:00+07:00'],
      [-5, '-5'],
      [Number.NaN, null],
    ]);
  });

  test.each([
    ['time,a\n2026-01-31T07:00:00,1', 7],
    ['time,a\n31/01/2026 07:00,1', 7],
    ['time,độ\n9999999999999999,1', 11],
    ['1700000000.5,1', 0],
    ['time,a\n1700000000000,1\nx,1', 23],
  ])('%j are refused for their time', (text, offset) => {
    expect(decode(text)).toMatchObject({
      measurements: [],
      faults: [{ code: 'CODEC_TIME', offset }],
    });
  });

  test.each([
    ['time,a,b\n1700000000000,1', 9],
    ['time,a\n1700000000000,1,2', 7],
    ['1700000000000,1\n1700000060000', 16],
    ['time,a\n1700000000000,"1', 21],
    ['time,a\n1700000000000,"1"2', 24],
    ['time,,b\n1700000000000,1,2', 22],
  ])('%j are refused at byte %i', (text, offset) => {
    expect(decode(text)).toMatchObject({
      measurements: [],
      faults: [{ code: 'CODEC_SYNTAX', offset }],
    });
  });

  test('with one name for two columns give no value where they differ', () => {
    const { measurements, faults } = decode('time,a,a,b\n1700000000000,1,2,3');
    expect(measurements.map(({ channel }) => channel)).toEqual(['b']);
    expect(faults.map(({ code }) => code)).toEqual(Array(2).fill('CODEC_CHANNEL_REPEATED'));
  });

  test('that are none leave no channel', () => {
    for (const text of ['time,a\n', '\r\n\n', '1700000000000']) {
      expect(decode(text).faults).toMatchObject([{ code: 'CODEC_NO_CHANNEL' }]);
    }
  });

  test('are bounded in cells', () => {
    const text = 'time,a,b\n1,1,2\n2,1,2';
    expect(decode(text, { measurementsMax: 4 }).measurements).toHaveLength(4);
    expect(decode(text, { measurementsMax: 3 }).faults).toMatchObject([{ code: 'CODEC_TOO_MANY' }]);
    expect(decode(text, { measurementsMax: 1 }).faults).toMatchObject([{ code: 'CODEC_TOO_MANY' }]);
  });

  test('may begin with a byte order mark and end with padding', () => {
    expect(decode('\uFEFFtime,a\n1,2\u0000\u0000').measurements).toMatchObject([
      { channel: 'a', value: 2 },
    ]);
  });
});
