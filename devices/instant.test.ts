import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createZones, isDate, parseInstant } from './instant.ts';

describe('parseInstant', () => {
  it.each([
    ['2026-01-01T00:00:00Z', Date.UTC(2026, 0, 1)],
    ['2026-01-01T07:00:00+07:00', Date.UTC(2026, 0, 1)],
    ['2025-12-31t19:30:00-04:30', Date.UTC(2026, 0, 1)],
    ['2026-01-01 00:00:00.123456789z', Date.UTC(2026, 0, 1) + 123],
    ['0099-01-01T00:00:00Z', Date.parse('0099-01-01T00:00:00Z')],
  ])('reads %s', (text, at) => {
    expect(parseInstant(text)).toBe(at);
  });

  it.each([
    '2026-01-01T00:00:00',
    '2026-01-01',
    '2026-02-30T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-01-01T24:00:00Z',
    '2026-01-01T00:60:00Z',
    '2026-01-01T00:00:60Z',
    '2026-01-01T00:00:00+24:00',
    '2026-01-01T00:00:00+07:60',
    '26-01-01T00:00:00Z',
    'now',
    '',
  ])('does not read %j', (text) => {
    expect(parseInstant(text)).toBeUndefined();
  });

  it('reads back what the runtime writes', () => {
    fc.assert(
      fc.property(
        fc.date({ noInvalidDate: true, min: new Date(0), max: new Date('9999-12-31T23:59:59Z') }),
        (date) => {
          return parseInstant(date.toISOString()) === date.getTime();
        },
      ),
    );
  });
});

describe('dates', () => {
  it('knows the days that exist', () => {
    expect(['2024-02-29', '2025-02-29', '2025-7-1', '2025-00-10'].map(isDate)).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });
});

describe('zones', () => {
  it('begins a day where the station is', () => {
    const zones = createZones();
    expect(zones.instantOf('2025-07-01', 'Asia/Ho_Chi_Minh')).toBe(Date.UTC(2025, 5, 30, 17));
    expect(zones.instantOf('2025-07-01', 'America/Phoenix')).toBe(Date.UTC(2025, 6, 1, 7));
    expect(zones.instantOf('2025-07-01', 'UTC')).toBe(Date.UTC(2025, 6, 1));
    expect(zones.instantOf('2025-07-01T00:00:00Z', 'Asia/Tokyo')).toBe(Date.UTC(2025, 6, 1));
  });

  it('begins the days around a change of clocks right', () => {
    const zones = createZones();
    expect(zones.instantOf('2025-03-30', 'Europe/London')).toBe(Date.UTC(2025, 2, 30));
    expect(zones.instantOf('2025-03-31', 'Europe/London')).toBe(Date.UTC(2025, 2, 30, 23));
    expect(zones.instantOf('2025-10-27', 'Europe/London')).toBe(Date.UTC(2025, 9, 27));
    expect(zones.instantOf('2025-10-05', 'Pacific/Auckland')).toBe(Date.UTC(2025, 9, 4, 11));
  });

  it('takes names of zones only', () => {
    const zones = createZones();
    const texts = ['Asia/Ho_Chi_Minh', 'UTC', '+07:00', 'Asia/Nowhere', '', 'local'];
    expect(texts.map((text) => zones.isZone(text))).toEqual([
      true,
      true,
      false,
      false,
      false,
      false,
    ]);
    expect(zones.instantOf('2025-07-01', 'Asia/Nowhere')).toBeUndefined();
    expect(zones.instantOf('yesterday', 'UTC')).toBeUndefined();
  });
});
