import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { openLocalTime } from '../../ingest/observations/local-time.ts';
import { isWholeHours, windowNames, windowOf } from './window.ts';

const zones = [
  'Asia/Ho_Chi_Minh',
  'Asia/Kathmandu',
  'Europe/London',
  'America/St_Johns',
  'America/Sao_Paulo',
  'Australia/Lord_Howe',
  'UTC',
];

describe('a window', () => {
  test('holds what ends in it, and touches its neighbours without gap or overlap', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...zones),
        fc.constantFrom(...windowNames),
        fc.integer({ min: Date.UTC(1990, 0, 1), max: Date.UTC(2040, 0, 1) }),
        (zone, name, at) => {
          const time = openLocalTime(zone);
          const window = windowOf(name, at, time);
          expect(window.startAt).toBeLessThan(at);
          expect(window.endAt).toBeGreaterThanOrEqual(at);
          expect(windowOf(name, window.endAt, time)).toEqual(window);
          expect(windowOf(name, window.startAt + 1, time)).toEqual(window);
          expect(windowOf(name, window.startAt, time).endAt).toBe(window.startAt);
          expect(windowOf(name, window.endAt + 1, time).startAt).toBe(window.endAt);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('is of the local calendar', () => {
    const time = openLocalTime('Asia/Ho_Chi_Minh');
    const at = Date.UTC(2024, 1, 29, 20, 30);
    const text = (name: (typeof windowNames)[number]) => {
      const { startAt, endAt } = windowOf(name, at, time);
      return `${time.text(startAt)}/${time.text(endAt)}`;
    };
    expect(text('PT1M')).toBe('2024-03-01T03:29:00+07:00/2024-03-01T03:30:00+07:00');
    expect(text('PT1H')).toBe('2024-03-01T03:00:00+07:00/2024-03-01T04:00:00+07:00');
    expect(text('P1D')).toBe('2024-03-01T00:00:00+07:00/2024-03-02T00:00:00+07:00');
    expect(text('P1M')).toBe('2024-03-01T00:00:00+07:00/2024-04-01T00:00:00+07:00');
    expect(text('P1Y')).toBe('2024-01-01T00:00:00+07:00/2025-01-01T00:00:00+07:00');
  });

  test('of a day with a change of the clock has 23 or 25 hours', () => {
    const time = openLocalTime('Europe/London');
    const hours = (at: number) => {
      const { startAt, endAt } = windowOf('P1D', at, time);
      return (endAt - startAt) / 3_600_000;
    };
    expect(hours(Date.UTC(2024, 2, 31, 12))).toBe(23);
    expect(hours(Date.UTC(2024, 9, 27, 12))).toBe(25);
  });

  test('of an hour in which the clock changes by half of one ends or begins with the change', () => {
    const time = openLocalTime('Australia/Lord_Howe');
    const text = (at: number) => {
      const { startAt, endAt } = windowOf('PT1H', at, time);
      return `${time.text(startAt)}/${time.text(endAt)}`;
    };
    const change = Date.UTC(2024, 3, 6, 15);
    expect(text(change)).toBe('2024-04-07T01:00:00+11:00/2024-04-07T01:30:00+10:30');
    expect(text(change + 1)).toBe('2024-04-07T01:30:00+10:30/2024-04-07T02:00:00+10:30');
  });

  test('begins with the first instant of a day whose midnight does not exist', () => {
    const time = openLocalTime('America/Sao_Paulo');
    const { startAt } = windowOf('P1D', Date.UTC(2017, 9, 15, 15), time);
    expect(time.text(startAt)).toBe('2017-10-15T01:00:00-02:00');
  });

  test('is of whole hours of UTC only where the zone is', () => {
    const year = { startAt: Date.UTC(2024, 0, 1), endAt: Date.UTC(2025, 0, 1) };
    expect(isWholeHours(year, openLocalTime('Asia/Ho_Chi_Minh'))).toBe(true);
    expect(isWholeHours(year, openLocalTime('Asia/Kathmandu'))).toBe(false);
    expect(isWholeHours(year, openLocalTime('Australia/Lord_Howe'))).toBe(false);
  });
});
