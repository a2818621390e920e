import { describe, expect, test } from 'vitest';
import { climatology } from './climatology.ts';
import { duplicateDigit, isRepeat, isSameValue } from './duplicate.ts';
import { createMonthOf } from './local-month.ts';
import { locationDigit } from './location.ts';
import { plainRules } from './reference-driver.ts';
import { isOutsideSensorRange, sensorRange } from './sensor-range.ts';
import { syntaxDigit } from './syntax.ts';
import { timeDigit } from './time.ts';

const nan = Number.NaN;

describe('sensor range', () => {
  const rules = plainRules({ sensorRange: { min: 0, max: 5 }, userRange: { min: 1, max: 4 } });

  test.each([
    [0, 3],
    [1, 1],
    [4, 1],
    [5, 3],
    [8, 4],
    [-0.0001, 4],
    [Number.POSITIVE_INFINITY, 4],
    [Number.NEGATIVE_INFINITY, 4],
  ])('%d has digit %i', (value, digit) => {
    expect(sensorRange.judge(value, 0, rules)).toBe(digit);
    expect(isOutsideSensorRange(value, rules)).toBe(digit === 4);
  });

  test('either range may be absent', () => {
    const userOnly = { ...rules, sensorRange: null };
    expect(sensorRange.judge(8, 0, userOnly)).toBe(3);
    expect(isOutsideSensorRange(8, userOnly)).toBe(false);
    expect(sensorRange.judge(0, 0, { ...rules, userRange: null })).toBe(1);
    expect(sensorRange.judge(0, 0, plainRules())).toBe(2);
  });
});

describe('climatology', () => {
  const months = Array.from({ length: 12 }, (_, month) => ({ min: month, max: month + 1 }));
  const rules = plainRules({ climatology: months, monthOf: createMonthOf('Asia/Ho_Chi_Minh') });

  test('bounds of the month are inclusive, outside is suspect', () => {
    const march = Date.UTC(2024, 2, 15);
    expect([1.9, 2, 3, 3.1].map((value) => climatology.judge(value, march, rules))).toEqual([
      3, 1, 1, 3,
    ]);
  });

  test('the month is that of the station', () => {
    const midnight = Date.parse('2024-03-01T00:00:00+07:00');
    expect(climatology.judge(1.5, midnight - 1, rules)).toBe(1);
    expect(climatology.judge(1.5, midnight, rules)).toBe(3);
  });

  test('without a table, or a month of it, nothing is evaluated', () => {
    expect(climatology.judge(1, 0, plainRules())).toBe(2);
    expect(climatology.judge(1, 0, { ...rules, climatology: [] })).toBe(2);
  });
});

describe('the local month', () => {
  test.each(['Asia/Ho_Chi_Minh', 'Asia/Kathmandu', 'Europe/London', 'Australia/Lord_Howe'])(
    'in %s it changes exactly where the calendar does',
    (timeZone) => {
      const monthOf = createMonthOf(timeZone);
      const calendar = new Intl.DateTimeFormat('en-US', { timeZone, month: 'numeric' });
      const stepMs = 15 * 60_000;
      const fromAt = Date.UTC(2024, 2, 28);
      for (let at = fromAt; at < fromAt + 6 * 86_400_000; at += stepMs) {
        expect(monthOf(at)).toBe(Number(calendar.format(at)) - 1);
        expect(monthOf(at - 1)).toBe(Number(calendar.format(at - 1)) - 1);
      }
    },
  );

  test('an unknown zone is an error', () => {
    expect(() => createMonthOf('Asia/Nowhere')(0)).toThrow(RangeError);
  });
});

describe('location', () => {
  test.each([
    [nan, nan, 2],
    [21.02, 105.85, 1],
    [90, 180, 1],
    [-90, -180, 1],
    [90.1, 0, 4],
    [0, 180.1, 4],
    [21.02, nan, 4],
    [nan, 105.85, 4],
    [0, 0, 3],
    [-0, 0, 3],
    [0, 105, 1],
    [Number.POSITIVE_INFINITY, 0, 4],
  ])('%d, %d has digit %i', (latitude, longitude, digit) => {
    expect(locationDigit(latitude, longitude)).toBe(digit);
  });
});

describe('time', () => {
  test('a replaced clock is suspect, no clock at all is not evaluated', () => {
    expect([timeDigit('device'), timeDigit('receive'), timeDigit('replaced')]).toEqual([1, 2, 3]);
  });
});

describe('syntax', () => {
  test.each([
    [1.5, null, 1],
    [1.5, '1.50', 1],
    [null, null, 1],
    [null, '', 1],
    [null, ' NaN ', 1],
    [null, '-Infinity', 1],
    [null, '//', 1],
    [null, 'ERR7', 3],
    [null, '12,5', 3],
  ])('value %d with text %j has digit %i', (value, text, digit) => {
    expect(syntaxDigit(value, text)).toBe(digit);
  });
});

describe('duplicates', () => {
  test('values are the same up to 1e-9 of the larger', () => {
    expect(isSameValue(1, 1 + 0.9e-9)).toBe(true);
    expect(isSameValue(1, 1 + 1.1e-9)).toBe(false);
    expect(isSameValue(-1, 1)).toBe(false);
    expect(isSameValue(0, 1e-300)).toBe(false);
    expect(isSameValue(0, -0)).toBe(true);
    expect(isSameValue(null, null)).toBe(true);
    expect(isSameValue(null, 0)).toBe(false);
  });

  test('a repeat has the same own result time as a kept value, or none', () => {
    const kept = { result: 5, resultAt: 100 };
    expect(isRepeat({ result: 5, resultAt: nan }, kept)).toBe(true);
    expect(isRepeat({ result: 5, resultAt: 100 }, kept)).toBe(true);
    expect(isRepeat({ result: 5, resultAt: 101 }, kept)).toBe(false);
    expect(isRepeat({ result: 6, resultAt: nan }, kept)).toBe(false);
    expect(isRepeat({ result: 5, resultAt: 100 }, { result: 5, resultAt: nan })).toBe(false);
  });

  test('another number with the same claim to be right is suspect', () => {
    expect(duplicateDigit(nan, [])).toBe(1);
    expect(duplicateDigit(nan, [{ result: 5, resultAt: nan }])).toBe(3);
    expect(duplicateDigit(nan, [{ result: null, resultAt: nan }])).toBe(1);
    expect(duplicateDigit(100, [{ result: 5, resultAt: nan }])).toBe(1);
    expect(duplicateDigit(100, [{ result: 5, resultAt: 100 }])).toBe(3);
  });
});
