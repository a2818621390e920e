import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { instantOfBytes, instantOfText } from './instant.ts';

const offset = fc
  .tuple(
    fc.constantFrom('+', '-'),
    fc.integer({ min: 0, max: 23 }),
    fc.integer({ min: 0, max: 59 }),
  )
  .map(
    ([sign, hour, minute]) =>
      `${sign}${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`,
  );

describe('an instant of RFC 3339', () => {
  test('is what ECMAScript takes it for, over all years and offsets', () => {
    const instant = fc.date({
      noInvalidDate: true,
      min: new Date('0000-01-02T00:00:00Z'),
      max: new Date('9999-12-30T00:00:00Z'),
    });
    fc.assert(
      fc.property(instant, fc.option(offset, { nil: 'Z' }), (at, zone) => {
        const text = at.toISOString().replace('Z', zone);
        expect(instantOfText(text)).toBe(Date.parse(text));
      }),
      { numRuns: 2_000 },
    );
  });

  test.each([
    ['2026-01-31T07:00:00+07:00', '2026-01-31T00:00:00.000Z'],
    ['2026-01-31 07:00:00.5+07:00', '2026-01-31T00:00:00.500Z'],
    ['2026-01-31t00:00:00.123999z', '2026-01-31T00:00:00.123Z'],
    ['2024-02-29T23:59:59-00:30', '2024-03-01T00:29:59.000Z'],
    ['2000-02-29T00:00:00Z', '2000-02-29T00:00:00.000Z'],
    ['2016-12-31T23:59:60Z', '2017-01-01T00:00:00.000Z'],
    ['1969-12-31T23:59:59.999Z', '1969-12-31T23:59:59.999Z'],
  ])('%s is %s', (text, expected) => {
    expect(new Date(instantOfText(text)).toISOString()).toBe(expected);
  });

  test.each([
    '2026-01-31T07:00:00',
    '2026-01-31T07:00Z',
    '2026-01-31',
    '2026-01-31T24:00:00Z',
    '2026-01-31T23:60:00Z',
    '2026-01-31T23:59:61Z',
    '2026-02-29T00:00:00Z',
    '1900-02-29T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-00-01T00:00:00Z',
    '2026-01-00T00:00:00Z',
    '2026-01-31T07:00:00.Z',
    '2026-01-31T07:00:00+7:00',
    '2026-01-31T07:00:00+0700',
    '2026-01-31T07:00:00+24:00',
    '2026-01-31T07:00:00+07:60',
    '2026-01-31T07:00:00Zulu',
    '2026-01-31T07:00:00.123',
    '2026/01/31T07:00:00Z',
    '2026-01-31X07:00:00Z',
    '20x6-01-31T07:00:00Z',
    '2026-01-31T07-00-00Z',
    '02026-01-31T07:00:00Z',
    '',
  ])('%s is none', (text) => {
    expect(instantOfText(text)).toBeNaN();
  });

  test('is read within its bounds only', () => {
    const bytes = Buffer.from('"2026-01-31T00:00:00Z","2026-01-31T00:00:00+07:00"');
    expect(instantOfBytes(bytes, 1, 21)).toBe(Date.parse('2026-01-31T00:00:00Z'));
    expect(instantOfBytes(bytes, 1, 20)).toBeNaN();
    expect(instantOfBytes(bytes, 24, 48)).toBeNaN();
  });
});
