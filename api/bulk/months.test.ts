import fc from 'fast-check';
import { expect, test } from 'vitest';

import { openLocalTime } from '../../ingest/observations/local-time.ts';
import { monthOf, spanOf } from './months.ts';

const zones = ['Asia/Ho_Chi_Minh', 'Asia/Kathmandu', 'Europe/Berlin', 'America/St_Johns', 'UTC'];
const times = new Map(zones.map((zone) => [zone, openLocalTime(zone)]));
const timeOf = (zone: string) => times.get(zone) ?? openLocalTime(zone);

test('a month begins at the first local midnight, which is its own, and ends before the next', () => {
  const time = timeOf('Asia/Ho_Chi_Minh');
  const beginAt = Date.parse('2024-06-01T00:00:00+07:00');
  expect(monthOf(beginAt, time)).toEqual({
    month: '2024-06',
    fromAt: beginAt,
    toAt: Date.parse('2024-07-01T00:00:00+07:00'),
  });
  expect(monthOf(beginAt - 1, time).month).toBe('2024-05');
});

test('every moment is in exactly one month, whatever the zone does to its clocks', () => {
  const moments = fc.integer({ min: Date.UTC(1950, 0, 1), max: Date.UTC(2100, 0, 1) });
  fc.assert(
    fc.property(moments, fc.constantFrom(...zones), (at, zone) => {
      const span = monthOf(at, timeOf(zone));
      expect(span.fromAt).toBeLessThanOrEqual(at);
      expect(span.toAt).toBeGreaterThan(at);
      expect(spanOf(span.month, timeOf(zone))).toEqual(span);
      expect(monthOf(span.toAt, timeOf(zone)).fromAt).toBe(span.toAt);
    }),
  );
});
