import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Digit } from './check.ts';
import {
  digitAt,
  givenOf,
  givenOfTests,
  givenTests,
  hasGivenFail,
  judgedCodes,
  packGiven,
  testsOf,
  withGiven,
} from './digits.ts';

const digit = fc.constantFrom<Digit>(1, 2, 3, 4, 9);
const givenDigits = fc.record({
  syntax: digit,
  location: digit,
  time: digit,
  duplicate: digit,
  deviceStatus: digit,
});

test('given digits come back from the text of a judged row', () => {
  fc.assert(
    fc.property(givenDigits, fc.nat(judgedCodes - 1), (digits, judged) => {
      const given = givenOf(digits);
      const tests = testsOf(given * judgedCodes + judged);
      expect(tests).toMatch(/^[12349]{16}$/);
      expect(givenOfTests(tests)).toBe(given);
      for (const test of givenTests) expect(digitAt(tests, test)).toBe(digits[test]);
    }),
  );
});

test('a code is a small integer of the engine', () => {
  const largest = givenOf({ syntax: 4, location: 4, time: 4, duplicate: 4, deviceStatus: 4 });
  expect(largest * judgedCodes + judgedCodes).toBeLessThan(2 ** 30);
});

test('one given digit can be replaced', () => {
  fc.assert(
    fc.property(givenDigits, digit, (digits, duplicate) => {
      expect(withGiven(givenOf(digits), 'duplicate', duplicate)).toBe(
        givenOf({ ...digits, duplicate }),
      );
    }),
  );
});

test('packing four digits equals naming them with no duplicate known', () => {
  fc.assert(
    fc.property(digit, digit, digit, digit, (syntax, location, time, deviceStatus) => {
      expect(packGiven(syntax, location, time, deviceStatus)).toBe(
        givenOf({ syntax, location, time, duplicate: 1, deviceStatus }),
      );
    }),
  );
});

test('digits that nobody gave are not evaluated', () => {
  expect(testsOf(givenOf({}) * judgedCodes)).toBe('2222999992922222');
  expect(digitAt('', 'drift')).toBe(2);
});

test('a failed given test is seen wherever it stands', () => {
  for (const test of givenTests) {
    expect(hasGivenFail(givenOf({ [test]: 4 }))).toBe(true);
    expect(hasGivenFail(givenOf({ [test]: 3 }))).toBe(false);
  }
});
