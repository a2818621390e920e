import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { createLocalTimes, openLocalTime } from './local-time.ts';

describe('local time', () => {
  test('is RFC 3339 with the offset of the zone', () => {
    const zone = openLocalTime('Asia/Ho_Chi_Minh');
    expect(zone.text(Date.UTC(2024, 0, 1))).toBe('2024-01-01T07:00:00+07:00');
    expect(zone.text(Date.UTC(2024, 0, 1) + 5)).toBe('2024-01-01T07:00:00.005+07:00');
    expect(openLocalTime('UTC').text(0)).toBe('1970-01-01T00:00:00+00:00');
    expect(openLocalTime('Asia/Kathmandu').text(Date.UTC(2024, 5, 1))).toBe(
      '2024-06-01T05:45:00+05:45',
    );
  });

  test('changes its offset at the minute at which the zone does', () => {
    const zone = openLocalTime('Europe/London');
    const change = Date.UTC(2024, 2, 31, 1);
    expect(zone.text(change - 1000)).toBe('2024-03-31T00:59:59+00:00');
    expect(zone.text(change)).toBe('2024-03-31T02:00:00+01:00');
    expect(zone.text(change - 1)).toBe('2024-03-31T00:59:59.999+00:00');
    const lordHowe = openLocalTime('Australia/Lord_Howe');
    expect(lordHowe.offsetMs(Date.UTC(2024, 0, 1))).toBe(11 * 3_600_000);
    expect(lordHowe.offsetMs(Date.UTC(2024, 6, 1))).toBe(10.5 * 3_600_000);
  });

  test('names the instant that it was given, in any zone and year', () => {
    const times = createLocalTimes();
    const zones = ['America/New_York', 'Africa/Casablanca', 'Asia/Kolkata', 'Pacific/Apia', 'UTC'];
    fc.assert(
      fc.property(
        fc.constantFrom(...zones),
        fc.integer({ min: Date.UTC(1900, 0, 1), max: Date.UTC(2100, 0, 1) }),
        (name, at) => {
          expect(Date.parse(times(name).text(at))).toBe(at);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  test('does not depend on what it was asked before', () => {
    // Around both changes of the clock in 2024, where days, quarters and offsets differ.
    const at = fc
      .constantFrom(Date.UTC(2024, 2, 31), Date.UTC(2024, 9, 27))
      .chain((change) =>
        fc.integer({ min: -3 * 86_400_000, max: 3 * 86_400_000 }).map((away) => change + away),
      );
    fc.assert(
      fc.property(fc.array(at, { minLength: 2, maxLength: 30 }), (asked) => {
        const time = openLocalTime('Europe/Berlin');
        for (const each of asked) {
          const fresh = openLocalTime('Europe/Berlin');
          expect(time.text(each)).toBe(fresh.text(each));
          expect(time.offsetMs(each)).toBe(fresh.offsetMs(each));
        }
      }),
      { numRuns: 100 },
    );
  });

  test('refuses a zone that does not exist', () => {
    expect(() => openLocalTime('Asia/Nowhere')).toThrow(RangeError);
  });
});
