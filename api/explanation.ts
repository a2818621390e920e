import { testIds, type TestId } from '../ingest/quality.ts';
import { digitMeanings, testMeanings } from './quality-meanings.ts';

export interface Explained {
  readonly test: TestId;
  readonly digit: number;
  readonly meaning: string;
}

/** What each digit of `tests` says of the value, in the order of the digits. */
export function explain(tests: string): readonly Explained[] {
  return testIds.map((test, place) => {
    const digit = tests.charAt(place);
    return {
      test,
      digit: Number(digit),
      meaning: `${testMeanings[test].en} Here: ${digitOf(digit)}.`,
    };
  });
}

function digitOf(digit: string): string {
  return Object.hasOwn(digitMeanings, digit)
    ? digitMeanings[digit as keyof typeof digitMeanings].en
    : 'unknown';
}
