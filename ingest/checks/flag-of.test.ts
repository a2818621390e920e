import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { testIds } from '../quality.ts';
import { flagOf, flagOfTests } from './flag-of.ts';

describe('the flag of a set of digits', () => {
  test.each([
    [[1, 2, 9], 1],
    [[2, 9, 2], 2],
    [[9, 9, 1], 1],
    [[4, 3, 9], 4],
    [[3, 1, 2], 3],
    [[9], 9],
    [[], 9],
  ])('%j is %i', (digits, flag) => {
    expect(flagOf(digits)).toBe(flag);
  });

  test('does not depend on order or repetition', () => {
    const digit = fc.constantFrom(1, 2, 3, 4, 9);
    fc.assert(
      fc.property(fc.array(digit), fc.array(digit), (left, right) => {
        const flag = flagOf([...left, ...right]);
        expect(flagOf([...right, ...left, ...right])).toBe(flag);
      }),
    );
  });

  test('every pair follows the order 9, 2, 1, 3, 4', () => {
    const order = [9, 2, 1, 3, 4] as const;
    for (const [low, lower] of order.entries()) {
      for (const higher of order.slice(low)) expect(flagOf([lower, higher])).toBe(higher);
    }
  });
});

describe('the flag of a text of tests', () => {
  const place = (id: (typeof testIds)[number], digit: string) =>
    testIds.map((each) => (each === id ? digit : '1')).join('');

  test('only tests that count take part', () => {
    const tests = place('gap', '4');
    expect(flagOfTests(tests, ['sensorRange'], 1.5)).toBe(1);
    expect(flagOfTests(tests, ['sensorRange', 'gap'], 1.5)).toBe(4);
  });

  test('a null result is 9 whatever the tests say', () => {
    expect(flagOfTests('1'.repeat(16), testIds, null)).toBe(9);
    expect(flagOfTests('4'.repeat(16), testIds, null)).toBe(9);
  });

  test('a text that lacks a test counts it as missing', () => {
    expect(flagOfTests('', ['drift'], 1)).toBe(9);
  });
});
