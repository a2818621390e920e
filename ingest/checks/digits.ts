import type { TestId } from '../quality.ts';
import { testIds } from '../quality.ts';
import type { Digit } from './check.ts';

/**
 * Digits of tests as one small integer, so that judging allocates nothing.
 *
 * A code is a number in base 5 with one place a test; a digit d stands there as d mod 9 (9 → 0).
 * Places from the lowest: the six judged tests, then the five given ones. 5^11 < 2^26, so a code is
 * always a small integer of the engine. Tests without a place are not evaluated (digit 2) so far.
 */
export const judgedTests = [
  'sensorRange',
  'climatology',
  'spike',
  'rateOfChange',
  'flatLine',
  'gap',
] as const satisfies readonly TestId[];

/** Known before any value is compared: they come with the measurement and are kept with its row. */
export const givenTests = [
  'syntax',
  'location',
  'time',
  'duplicate',
  'deviceStatus',
] as const satisfies readonly TestId[];
export type GivenTest = (typeof givenTests)[number];

/** 5 to the number of judged tests. */
export const judgedCodes = 15_625;

/** Digits of the given tests; one left out is 2. Base 5 over `givenTests`, less than 3,125. */
export function givenOf(digits: Partial<Readonly<Record<GivenTest, Digit>>>): number {
  let given = 0;
  for (let place = givenTests.length - 1; place >= 0; place -= 1) {
    given = given * 5 + ((digits[givenTests[place] ?? 'syntax'] ?? 2) % 9);
  }
  return given;
}

/** The same of four digits without a look at names; no duplicate is known yet (digit 1). */
export function packGiven(
  syntax: Digit,
  location: Digit,
  time: Digit,
  deviceStatus: Digit,
): number {
  return (syntax % 9) + (location % 9) * 5 + (time % 9) * 25 + 125 + (deviceStatus % 9) * 625;
}

/** The given digits of a row that was judged before: what re-judging it starts from. */
export function givenOfTests(tests: string): number {
  let given = 0;
  for (let place = givenTests.length - 1; place >= 0; place -= 1) {
    given = given * 5 + (digitAt(tests, givenTests[place] ?? 'syntax') % 9);
  }
  return given;
}

/** The same given digits with one of them replaced. */
export function withGiven(given: number, test: GivenTest, digit: Digit): number {
  const weight = 5 ** givenTests.indexOf(test);
  const before = Math.floor(given / weight) % 5;
  return given + ((digit % 9) - before) * weight;
}

/** The 16 digits of a code, in the order of `testIds`. */
export function testsOf(code: number): string {
  const digits: string[] = Array.from({ length: testIds.length }, () => '2');
  let rest = code;
  for (const test of [...judgedTests, ...givenTests]) {
    const digit = rest % 5;
    digits[testIds.indexOf(test)] = digit === 0 ? '9' : String(digit);
    rest = (rest - digit) / 5;
  }
  return digits.join('');
}

/** One test's digit in a text of 16; 2 where the text is too short to have it. */
export function digitAt(tests: string, test: TestId): Digit {
  const digit = tests.charCodeAt(testIds.indexOf(test)) - 48;
  return digit === 1 || digit === 3 || digit === 4 || digit === 9 ? digit : 2;
}

/** Whether a given test failed the value, so that its neighbours are not compared with it. */
export function hasGivenFail(given: number): boolean {
  for (let rest = given; rest > 0; rest = (rest - (rest % 5)) / 5) {
    if (rest % 5 === 4) return true;
  }
  return false;
}
