import { describe, expect, test } from 'vitest';
import { flags } from '../quality.ts';
import { givenOf, judgedCodes, judgedTests } from './digits.ts';
import { createJudge, judgePoint, neighbourChecks, soundness, valueChecks } from './judge.ts';
import { plainRules, pointsOf } from './reference-driver.ts';

const rules = plainRules({ sensorRange: { min: 0, max: 10 } });
const good = givenOf({ syntax: 1, time: 1, duplicate: 1 });

test('the lists of checks have the order of the digits', () => {
  expect([...valueChecks, ...neighbourChecks].map(({ id }) => id)).toEqual([...judgedTests]);
});

describe('soundness', () => {
  test.each([
    [5, good, 1],
    [0, good, 1],
    [11, good, 0],
    [Number.NaN, good, 0],
    [Number.POSITIVE_INFINITY, good, 0],
    [5, givenOf({ deviceStatus: 4 }), 0],
    [5, givenOf({ location: 4 }), 0],
    [5, givenOf({ time: 3 }), 1],
  ])('of %d with given digits %i is %i', (value, given, sound) => {
    expect(soundness(value, rules, given)).toBe(sound);
  });
});

describe('a verdict', () => {
  const judge = createJudge(rules);
  const points = pointsOf(
    [
      { endAt: 0, value: 5 },
      { endAt: 1, value: 11 },
      { endAt: 2, value: Number.NaN },
    ],
    rules,
  );
  const codeOf = (at: number, given = good) => judgePoint(points, at, rules, given);

  test('carries flag, tests, qualifiers, reason and rule set', () => {
    expect(judge.verdict(codeOf(0), 5, null)).toEqual({
      flag: flags.good,
      tests: '1211122222422222',
      qualifiers: 5,
      reason: null,
      rules: '00000000',
    });
  });

  test('is the same object for the same question', () => {
    const asked = judge.verdict(codeOf(0), 0, null);
    expect(judge.verdict(codeOf(0), 0, null)).toBe(asked);
    expect(judge.verdict(codeOf(0), 1, null)).not.toBe(asked);
    expect(judge.verdict(codeOf(0), 0, 'MISSING')).not.toBe(asked);
    expect(judge.verdict(codeOf(1), 0, null)).not.toBe(asked);
    expect(judge.verdict(codeOf(0), 0, null)).toBe(asked);
  });

  test('fails outside the range, and a replaced clock makes it suspect', () => {
    expect(judge.verdict(codeOf(1), 0, null).flag).toBe(flags.fail);
    expect(judge.verdict(codeOf(0, givenOf({ time: 3 })), 0, null).flag).toBe(flags.suspect);
  });

  test('with a reason is missing, whatever the tests say', () => {
    const missing = judge.verdict(codeOf(2), 0, 'SENTINEL');
    expect(missing).toMatchObject({ flag: flags.missing, reason: 'SENTINEL' });
    expect(judge.verdict(codeOf(1), 0, 'ERASED').flag).toBe(flags.missing);
  });

  test('gap informs and does not count', () => {
    const { flag, tests } = judge.verdict(codeOf(0), 0, null);
    expect([tests[10], flag]).toEqual(['4', flags.good]);
  });

  test('is right beyond the bounds of its memory', () => {
    const small = createJudge(rules);
    for (let code = 0; code < 5_000; code += 1) {
      expect(small.verdict(code, 0, null).flag).toBe(judge.verdict(code, 0, null).flag);
    }
    const code = codeOf(0);
    for (let qualifiers = 0; qualifiers < 100; qualifiers += 1) {
      expect(small.verdict(code, qualifiers, null).qualifiers).toBe(qualifiers);
    }
    expect(code).toBeLessThan(judgedCodes * 3_125);
  });
});
