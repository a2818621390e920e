import fc from 'fast-check';
import { expect, test } from 'vitest';
import { convert } from './convert.ts';

test('the identity gives the number itself', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true }), (value) => {
      expect(convert(value, 1, 0)).toBe(value);
    }),
  );
});

test('a conversion is right to 1e-12 of its size', () => {
  const size = fc.double({ min: -1e9, max: 1e9, noNaN: true });
  fc.assert(
    fc.property(
      size,
      fc.double({ min: 1e-6, max: 1e6, noNaN: true }),
      size,
      (value, scale, shift) => {
        const exact = value * scale + shift;
        expect(Math.abs(convert(value, scale, shift) - exact)).toBeLessThanOrEqual(
          Math.abs(exact) * 1e-12,
        );
      },
    ),
  );
});

test('decimals stay decimals', () => {
  expect(convert(23, 0.1, 0)).toBe(2.3);
  expect(convert(6767, 0.01, 0)).toBe(67.67);
  expect(convert(1, 0.001, 0)).toBe(0.001);
  expect(convert(3, 0.1, 0)).toBe(0.3);
  expect(convert(0, 5, 0)).toBe(0);
});

test('beyond all measures it is the plain product', () => {
  expect(convert(1e300, 10, 0)).toBe(1e301);
  expect(convert(1e300, 1e300, 0)).toBe(Number.POSITIVE_INFINITY);
  expect(convert(1e-9, 0.1, 0)).toBe(1e-9 * 0.1);
});
