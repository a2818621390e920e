import { describe, expect, test } from 'vitest';

import { createWindowSum, functionNames, valueOf } from './sum.ts';

describe('values of a window', () => {
  test('without rows are null, and the count is 0', () => {
    const sum = createWindowSum();
    for (const name of functionNames) {
      expect(valueOf(name, sum, false)).toBe(name === 'count' ? 0 : null);
    }
  });

  test('of angles that cancel out have no mean, and angles have no least or greatest', () => {
    const sum = { ...createWindowSum(), rows: 2, min: 0, max: 180, sumSin: 0, sumCos: 0 };
    expect(valueOf('mean', sum, true)).toBeNull();
    expect(valueOf('min', sum, true)).toBeNull();
    expect(valueOf('max', sum, true)).toBeNull();
    expect(valueOf('sum', sum, true)).toBeNull();
  });

  test('of angles around north have their mean there', () => {
    const radians = (degrees: number) => (degrees * Math.PI) / 180;
    const angles = [350, 10, 355];
    const sum = {
      ...createWindowSum(),
      rows: angles.length,
      sumSin: angles.reduce((total, angle) => total + Math.sin(radians(angle)), 0),
      sumCos: angles.reduce((total, angle) => total + Math.cos(radians(angle)), 0),
    };
    expect(valueOf('mean', sum, true)).toBeCloseTo(358.33, 1);
  });
});
