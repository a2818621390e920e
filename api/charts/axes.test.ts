import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { openLocalTime } from '../../ingest/observations/local-time.ts';
import { niceScale, numberText, plainNumber } from './scale.ts';
import { timeTicks } from './time-axis.ts';
import { chooseLanguage } from './words.ts';

const hour = 3_600_000;
const day = 24 * hour;

describe('the axis of values', () => {
  test('holds all values, with few ticks at round steps', () => {
    fc.assert(
      fc.property(
        fc.double({ min: -1e9, max: 1e9, noNaN: true }),
        fc.double({ min: 0, max: 1e9, noNaN: true }),
        fc.integer({ min: 1, max: 12 }),
        (low, size, wanted) => {
          const high = low + size;
          const scale = niceScale(low, high, wanted);
          const dust = Math.max(Math.abs(low), Math.abs(high), 1) * 1e-6;
          expect(scale.min).toBeLessThanOrEqual(low + dust);
          expect(scale.max).toBeGreaterThanOrEqual(high - dust);
          expect(scale.max).toBeGreaterThan(scale.min);
          expect(scale.ticks.length).toBeLessThanOrEqual(wanted + 3);
          expect(scale.ticks).toEqual(scale.ticks.toSorted((a, b) => a - b));
        },
      ),
    );
  });

  test('writes as many decimals as its step has, as the language does', () => {
    const scale = niceScale(0.1, 1, 4);
    expect(scale.ticks.map((tick) => numberText(tick, scale.decimals, 'vi'))).toEqual([
      '0,00',
      '0,25',
      '0,50',
      '0,75',
      '1,00',
    ]);
    expect([plainNumber(-12.3456, 'vi'), plainNumber(1_234_567, 'en')]).toEqual([
      '−12,35',
      '1234567',
    ]);
  });
});

describe('the axis of time', () => {
  const ticks = (zone: string, fromAt: number, toAt: number, wanted: number) =>
    timeTicks({ fromAt, toAt }, wanted, { time: openLocalTime(zone), language: 'en' });

  test('has its ticks at whole hours and midnights of the station', () => {
    const from = Date.UTC(2024, 5, 1, 17);
    const texts = ticks('Asia/Ho_Chi_Minh', from, from + day, 4).map(({ text }) => text);
    expect(texts).toEqual(['2 Jun', '06:00', '12:00', '18:00', '3 Jun']);
    const nepal = ticks('Asia/Kathmandu', from, from + 4 * hour, 4);
    expect(nepal.map(({ text }) => text)).toEqual(['23:00', '2 Jun', '01:00', '02:00']);
  });

  test('goes on at whole hours over a change of the clock', () => {
    const from = Date.UTC(2024, 2, 30, 23);
    const texts = ticks('Europe/London', from, from + 5 * hour, 5).map(({ text }) => text);
    expect(texts).toEqual(['23:00', '31 Mar', '02:00', '03:00', '04:00', '05:00']);
  });

  test('of any span in any zone has ascending ticks within it, no more than are wanted', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('Asia/Ho_Chi_Minh', 'Australia/Lord_Howe', 'America/St_Johns'),
        fc.integer({ min: Date.UTC(1990, 0, 1), max: Date.UTC(2030, 0, 1) }),
        fc.integer({ min: 1, max: 60_000 }).map((minutes) => minutes * minutes * 60_000),
        fc.integer({ min: 2, max: 20 }),
        (zone, fromAt, lengthMs, wanted) => {
          const found = ticks(zone, fromAt, fromAt + lengthMs, wanted).map(({ at }) => at);
          expect(found.length).toBeLessThanOrEqual(wanted + 2);
          expect(found.every((at) => at >= fromAt && at <= fromAt + lengthMs)).toBe(true);
          expect(new Set(found).size).toBe(found.length);
          expect(found).toEqual(found.toSorted((a, b) => a - b));
        },
      ),
    );
  });
});

test('the language is the one wished, else the one that is weighed most, else Vietnamese', () => {
  expect(chooseLanguage('en', 'vi')).toBe('en');
  expect(chooseLanguage(undefined, 'de, en-US;q=0.4, vi-VN;q=0.9')).toBe('vi');
  expect(chooseLanguage(undefined, 'en;q=0.4')).toBe('en');
  expect(chooseLanguage(undefined, ';;,q=x')).toBe('vi');
});
