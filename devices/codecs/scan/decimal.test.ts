import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decimalOfNumber, decimalOfText, sumOf, textOf } from './decimal.ts';

describe('a decimal', () => {
  test('has the value of its text and gives the text back, whatever the number', () => {
    const text = fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
      fc
        .tuple(fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n }), fc.stringMatching(/^\d{1,18}$/))
        .map(([whole, fraction]) => `${whole}.${fraction}`),
      fc.stringMatching(/^[+-]?\d{0,4}\.?\d{0,4}([eE][+-]?\d{1,3})?$/),
    );
    fc.assert(
      fc.property(text, (sent) => {
        const decimal = decimalOfText(sent);
        const number = sent === '' ? Number.NaN : Number(sent);
        expect(decimal === undefined).toBe(Number.isNaN(number));
        fc.pre(decimal !== undefined);
        expect(Object.is(decimal.value, Number.isFinite(number) ? number : null)).toBe(true);
        expect(textOf(decimal)).toBe(sent);
      }),
      { numRuns: 5_000 },
    );
  });

  test.each([
    ['23.40', { value: 23.4, decimals: 2, text: null }],
    ['-9999', { value: -9999, decimals: 0, text: null }],
    ['0.000001', { value: 0.000001, decimals: 6, text: null }],
    ['-0.0', { value: -0, decimals: -1, text: '-0.0' }],
    ['1e3', { value: 1000, decimals: -1, text: '1e3' }],
    ['+5', { value: 5, decimals: -1, text: '+5' }],
    ['007', { value: 7, decimals: -1, text: '007' }],
    ['.5', { value: 0.5, decimals: -1, text: '.5' }],
    ['5.', { value: 5, decimals: -1, text: '5.' }],
    ['1234567890.123456', { value: 1234567890.123456, decimals: -1, text: '1234567890.123456' }],
    ['1e999', { value: null, decimals: -1, text: '1e999' }],
    ['NaN', { value: null, decimals: -1, text: 'NaN' }],
    ['-inf', { value: null, decimals: -1, text: '-inf' }],
    ['Infinity', { value: null, decimals: -1, text: 'Infinity' }],
  ])('%s is read exactly', (text, expected) => {
    expect(decimalOfText(text)).toEqual(expected);
  });

  test.each(['', '.', '-', 'e5', '1e', '0x10', '1_000', '1,5', ' 1', 'nano', '1.2.3'])(
    '%j is none',
    (text) => {
      expect(decimalOfText(text)).toBeUndefined();
    },
  );

  test('of a number without a text has the shortest one', () => {
    expect(decimalOfNumber(23.4)).toEqual({ value: 23.4, decimals: 1, text: null });
    expect(decimalOfNumber(-0)).toEqual({ value: -0, decimals: -1, text: '-0' });
    expect(textOf(decimalOfNumber(1e21))).toBe('1e+21');
  });

  test('is added as a person would add it', () => {
    const sum = (left: string, right: string) => sumOf(decimalOfText(left)!, decimalOfText(right)!);
    expect(sum('20.1', '0.2')).toEqual({ value: 20.3, decimals: 1, text: null });
    expect(sum('-20.10', '0.1')).toEqual({ value: -20, decimals: 0, text: null });
    expect(sum('1e1', '0.5').value).toBe(10.5);
    expect(sum('900000000000', '0.12345').value).toBe(900000000000 + 0.12345);
    expect(sum('nan', '1').value).toBeNull();
    expect(sum('1', 'nan').value).toBeNull();
  });
});
