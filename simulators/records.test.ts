import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseProfile, registryFileOfProfile, type Profile } from './profile.ts';
import { headerOf, parseRecords, splitCells } from './records.ts';

const shipped = readFileSync(join(import.meta.dirname, 'profiles/water-quality-2020.json'), 'utf8');
const profile = parseProfile(shipped);
const header = 'datetime_local,temp_c,cond_us_cm,ph,do_mg_l,turb_ntu,stage_cm';
const text = `${header}\n2020-01-01T00:00,2.25,368.1,8.34,11.51,2.95,67.67\r\n2020-01-01T00:15,-9999,,8.33,11.480,2.94,67.55\n`;

/** A profile of one column `T`, with what differs. */
function profileWith(more: Record<string, unknown>): Profile {
  const columns = { T: { property: 'air-temperature', unit: 'Cel', aggregation: 'mean' } };
  const time = { column: 'Time', offset: '+07:00' };
  const base = JSON.parse(shipped) as Record<string, unknown>;
  return parseProfile(JSON.stringify({ ...base, columns, time, ...more }));
}

const wrongRecords = (problem: string): Error =>
  expect.objectContaining({
    code: 'SIMULATORS_RECORDS_INVALID',
    fields: { problem: expect.stringContaining(problem) as string },
  }) as Error;

const times = (file: string, more: Record<string, unknown>) =>
  parseRecords(file, profileWith(more)).map(({ at }) => new Date(at).toISOString());

test('cells come through exactly as they stand, times with the zone of the profile', () => {
  const rows = parseRecords(text, profile);
  expect(rows.map(({ at }) => new Date(at).toISOString())).toEqual([
    '2020-01-01T07:00:00.000Z',
    '2020-01-01T07:15:00.000Z',
  ]);
  expect(rows[1]?.cells).toEqual(['-9999', '', '8.33', '11.480', '2.94', '67.55']);
});

test('a quoted cell may hold delimiters and quotes', () => {
  expect(splitCells('a,"b,""c""",,d', ',')).toEqual(['a', 'b,"c"', '', 'd']);
  expect(splitCells('a;"b;c";', ';')).toEqual(['a', 'b;c', '']);
  expect(headerOf('\uFEFFa,"b"\r\n1,2')).toEqual(['a', 'b']);
});

test('a file without a column of the profile, and a line without a time, are named', () => {
  expect(() => parseRecords('x,y\n1,2\n', profile)).toThrow(
    wrongRecords('no column datetime_local'),
  );
  expect(() => parseRecords(`${header}\nyesterday,1,1,1,1,1,1\n`, profile)).toThrow(
    wrongRecords('line 2: "yesterday" is not a time in the order ymd'),
  );
});

describe('a profile reads', () => {
  test('semicolons, decimal commas, and lines around the header', () => {
    const file = 'logger 7\nTime;T\n;°C\n31/12/2024 23:45;-12,50\n01/01/2025 0:00;NA\n';
    const more = {
      delimiter: ';',
      decimalComma: true,
      linesBeforeHeader: 1,
      linesAfterHeader: 1,
      time: { column: 'Time', order: 'dmy', offset: '+07:00' },
    };
    expect(times(file, more)).toEqual(['2024-12-31T16:45:00.000Z', '2024-12-31T17:00:00.000Z']);
    expect(parseRecords(file, profileWith(more)).map(({ cells }) => cells[0])).toEqual([
      '-12.50',
      'NA',
    ]);
  });

  test('date and time in two columns, and one station out of many', () => {
    const file = 'Date,Clock,Site,T\n2024/1/2,03:04:05,A,1\n2024/1/2,03:04:05,B,2\n';
    const more = {
      only: { column: 'Site', equals: 'B' },
      time: { column: ['Date', 'Clock'], offset: 'Z' },
    };
    expect(times(file, more)).toEqual(['2024-01-02T03:04:05.000Z']);
    expect(parseRecords(file, profileWith(more))[0]?.cells).toEqual(['2']);
  });

  test.each([
    ['mdy', '12/31/2024 01:00', '2024-12-31T01:00:00.000Z'],
    ['dmy', '31.12.2024', '2024-12-31T00:00:00.000Z'],
    ['ymd', '2024-12-31 24:00', '2025-01-01T00:00:00.000Z'],
    ['ymd', '2024-12-31T01:00:00.250+0200', '2024-12-30T23:00:00.250Z'],
    ['unixSeconds', '1700000000', '2023-11-14T22:13:20.000Z'],
    ['unixMs', '1700000000123', '2023-11-14T22:13:20.123Z'],
  ])('times in the order %s: %s', (order, written, instant) => {
    const more = { time: { column: 'Time', order, offset: 'Z' } };
    expect(times(`Time,T\n${written},1\n`, more)).toEqual([instant]);
  });

  test('no time whose zone nobody tells: this machine is not asked for its own', () => {
    const more = { time: { column: 'Time' } };
    expect(times('Time,T\n2024-01-01T00:00:00Z,1\n', more)).toHaveLength(1);
    expect(() => times('Time,T\n2024-01-01T00:00:00,1\n', more)).toThrow(
      wrongRecords('names no offset'),
    );
    expect(() => times('Time,T\n2024-13-01T00:00:00Z,1\n', more)).toThrow(wrongRecords('line 2'));
  });

  test('two columns of one property, told apart by a slug', () => {
    const column = { property: 'air-temperature', unit: 'Cel', aggregation: 'mean' };
    const columns = { T: column, T2: { ...column, slug: 'air-temperature-10m' } };
    const file = registryFileOfProfile(profileWith({ columns })) as {
      datastreams: { id: string }[];
      deployments: { channel: string; datastream: string }[];
    };
    expect(new Set(file.datastreams.map(({ id }) => id)).size).toBe(2);
    expect(file.deployments.map(({ datastream }) => datastream)).toEqual(
      file.datastreams.map(({ id }) => id),
    );
  });
});

test('what is wrong in a profile is named by its key', () => {
  const wrongProfile = (problem: unknown): unknown =>
    expect.objectContaining({ code: 'SIMULATORS_PROFILE_INVALID', fields: { problem } });
  expect(() => profileWith({ intervalMs: 10, delimiter: '|' })).toThrow(
    wrongProfile(expect.stringMatching(/delimiter: .*; intervalMs: /)) as Error,
  );
  expect(() => parseProfile('{')).toThrow(
    wrongProfile(expect.stringContaining('SyntaxError')) as Error,
  );
});
