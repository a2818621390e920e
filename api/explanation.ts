import { testIds, type TestId } from '../ingest/quality.ts';

const meanings: Readonly<Record<TestId, string>> = {
  syntax: 'The value has the form that its format demands.',
  location: 'The place that the reading gives is possible.',
  time: "The device's time is plausible beside the time of receipt.",
  duplicate: 'No other value claims the same instant.',
  sensorRange: 'The value is within what the sensor can report.',
  climatology: 'The value is within what the season has seen.',
  spike: 'The value does not leap away from both its neighbours.',
  rateOfChange: 'The value does not change faster than nature does.',
  flatLine: 'The value has moved within the time in which it should.',
  attenuated: 'The values vary as much as they should.',
  gap: 'No gap lies before the value.',
  multivariate: 'The value agrees with the other properties of the station.',
  buddy: 'The value agrees with the neighbouring stations.',
  seasonal: 'The value fits the seasonal course of its series.',
  deviceStatus: 'The device reported no fault of its own.',
  drift: 'The series has not drifted from its reference.',
};

const digits: Readonly<Record<string, string>> = {
  '1': 'passed',
  '2': 'not evaluated',
  '3': 'suspect',
  '4': 'failed',
  '9': 'missing value',
};

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
      meaning: `${meanings[test]} Here: ${digits[digit] ?? 'unknown'}.`,
    };
  });
}
