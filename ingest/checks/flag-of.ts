import type { Flag, TestId } from '../quality.ts';
import { testIds } from '../quality.ts';
import type { Digit } from './check.ts';

/** QARTOD's order of aggregation: each later one overwrites the earlier ones. */
const precedence: readonly Digit[] = [9, 2, 1, 3, 4];

/** The primary flag of a set of digits; no digit at all is 9 (missing). */
export function flagOf(digits: Iterable<number>): Flag {
  let place = 0;
  for (const digit of digits) {
    const found = precedence.indexOf(digit as Digit);
    if (found > place) place = found;
  }
  return precedence[place] ?? 9;
}

/** The flag of a text of 16 digits, over the tests that count. A null result has 9 whatever they say. */
export function flagOfTests(
  tests: string,
  counting: readonly TestId[],
  result: number | null,
): Flag {
  if (result === null) return 9;
  return flagOf(counting.map((id) => Number(tests[testIds.indexOf(id)] ?? '9')));
}
