import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createPositions } from './positions.ts';

test('knows what was added, and how much', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 4 }))),
      (steps) => {
        const positions = createPositions();
        const plain = new Set<number>();
        let next = 1;
        for (const [gap, length] of steps) {
          const first = next + gap;
          positions.add(first, first + length - 1);
          for (let at = first; at < first + length; at++) plain.add(at);
          next = first + length;
        }
        expect(positions.count).toBe(plain.size);
        for (let at = 0; at <= next + 1; at++) expect(positions.has(at)).toBe(plain.has(at));
      },
    ),
  );
});
