import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { createCursors } from '../cursor.ts';
import { createCopyCursors, positionsOfTag, tagOfPositions } from './copy-cursor.ts';
import { withBegun, type Reach } from './reach.ts';

const storeId = 'network-1';
const cursors = createCopyCursors(storeId, 3);

const positions = fc.array(fc.nat({ max: 2 ** 31 - 1 }), { minLength: 3, maxLength: 3 });
const begun = fc
  .uniqueArray(fc.record({ partition: fc.nat({ max: 2 }), left: fc.integer({ min: 1 }) }), {
    selector: ({ partition }) => partition,
    maxLength: 3,
  })
  .map((all) => all.toSorted((a, b) => a.partition - b.partition));
const reaches: fc.Arbitrary<Reach> = fc.record({ positions, begun });

describe('a cursor of a network', () => {
  test('gives its reach back, and stands for it alone', () => {
    fc.assert(
      fc.property(reaches, reaches, (one, other) => {
        const text = cursors.encode(one);
        expect(text).toMatch(/^[A-Za-z0-9_-]+$/);
        expect(cursors.decode(text)).toEqual(one);
        const isSame = JSON.stringify(one) === JSON.stringify(other);
        expect(cursors.encode(other) === text).toBe(isSame);
      }),
    );
  });

  test('inside a batch is made from what was made once for the batch', () => {
    fc.assert(
      fc.property(
        reaches,
        fc.nat({ max: 2 }),
        fc.integer({ min: 1, max: 1e6 }),
        (reach, of, left) => {
          const within = cursors.within(reach, of);
          for (const items of [left, 1, left + 200]) {
            expect(within(items)).toBe(cursors.encode(withBegun(reach, of, items)));
          }
        },
      ),
    );
  });

  test('of 64 partitions has at most 1,000 characters, each of them begun', () => {
    const many = createCopyCursors('s'.repeat(64), 64);
    const reach: Reach = {
      positions: Array.from({ length: 64 }, () => 2 ** 42 - 1),
      begun: Array.from({ length: 64 }, (_each, partition) => ({ partition, left: 2 ** 21 - 1 })),
    };
    const text = many.encode(reach);
    expect(text.length).toBeLessThanOrEqual(1_000);
    expect(many.decode(text)).toEqual(reach);
  });

  test('of another store, or of a feed that is one log, is unknown', () => {
    const reach = { positions: [1, 2, 3], begun: [] };
    expect(cursors.decode(createCopyCursors('other', 3).encode(reach))).toBe('unknown');
    const log = createCursors({ storeId, earlier: [] });
    expect(cursors.decode(log.encode({ position: 4, index: 1 }))).toBe('unknown');
  });

  test('that was not given here is invalid, whatever it is', () => {
    const encode = (bytes: readonly number[]) =>
      Buffer.concat([Buffer.from(`2:${storeId}:`), Buffer.from(bytes)]).toString('base64url');
    expect(cursors.decode(encode([3, 1, 2, 3]))).toEqual({ positions: [1, 2, 3], begun: [] });
    const wrong = [
      encode([]),
      encode([3, 1, 2]),
      encode([2, 1, 2]),
      encode([4, 1, 2, 3, 4]),
      encode([3, 1, 2, 129]),
      encode([3, 1, 2, 0x83, 0]),
      encode([3, 1, 2, 3, 0]),
      encode([3, 1, 2, 3, 0, 0]),
      encode([3, 1, 2, 3, 3, 1]),
      encode([3, 1, 2, 3, 1, 1, 0, 1]),
      encode([3, 1, 2, 3, 1, 1, 1, 1]),
      encode([3, 1, 2, ...Array.from({ length: 7 }, () => 255), 127]),
      `${encode([3, 1, 2, 3])}=`,
      `${encode([3, 1, 2, 3])} `,
      Buffer.from('3:network-1:').toString('base64url'),
      '',
    ];
    for (const text of wrong) expect([text, cursors.decode(text)]).toEqual([text, 'invalid']);
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.base64String()), (text) => {
        expect(cursors.decode(text)).toBe('invalid');
      }),
    );
  });

  test('longer than any is invalid', () => {
    const long = createCopyCursors(storeId, 2_000);
    const reach = { positions: Array.from({ length: 2_000 }, () => 1), begun: [] };
    expect(long.decode(long.encode(reach))).toBe('invalid');
  });
});

describe('a tag of positions', () => {
  test('gives them back, and is of letters that an entity tag may hold', () => {
    fc.assert(
      fc.property(positions, (all) => {
        const tag = tagOfPositions(all);
        expect(tag).toMatch(/^[A-Za-z0-9_-]+$/);
        expect(positionsOfTag(tag)).toEqual(all);
      }),
    );
    for (const wrong of ['', 'A', '!', 'zz.zz']) expect(positionsOfTag(wrong)).toBeUndefined();
  });
});
