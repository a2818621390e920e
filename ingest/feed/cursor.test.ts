import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { CodedError } from '../../devices/coded-error.ts';
import { createCursors } from './cursor.ts';

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof CodedError) return error.code;
    throw error;
  }
  return '';
}

describe('a change cursor', () => {
  const cursors = createCursors({ storeId: 'store-2', earlier: [] });

  test('gives its place back', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(999_999_999), (position, index) => {
        const text = cursors.encode({ position, index });
        expect(text.length).toBeLessThanOrEqual(1_000);
        expect(text).toMatch(/^[A-Za-z0-9_-]+$/);
        expect(cursors.decode(text, 'after')).toEqual({ position, index });
      }),
    );
  });

  test('that is no cursor is an error of the client, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 1_200 }), (text) => {
        expect(codeOf(() => cursors.decode(text, 'after'))).toBe('API_CURSOR_INVALID');
      }),
    );
    const encode = (text: string) => Buffer.from(text).toString('base64url');
    for (const text of ['2:store-2:1:0', '1:store-2:1', '1:store-2:-1:0', '1:store-2:1e3:0']) {
      expect(codeOf(() => cursors.decode(encode(text), 'after'))).toBe('API_CURSOR_INVALID');
    }
  });

  test('of an unknown store is gone', () => {
    const other = createCursors({ storeId: 'other', earlier: [] });
    const text = other.encode({ position: 1, index: 0 });
    expect(codeOf(() => cursors.decode(text, 'after'))).toBe('API_CURSOR_STORE_UNKNOWN');
  });

  test('of an earlier store is good up to the fork and not beyond', () => {
    const restored = createCursors({
      storeId: 'store-3',
      earlier: [{ storeId: 'store-2', upTo: 10 }],
    });
    const decode = (position: number, index: number) => () =>
      restored.decode(cursors.encode({ position, index }), 'after');
    expect(decode(10, 5)()).toEqual({ position: 10, index: 5 });
    expect(decode(11, 0)()).toEqual({ position: 11, index: 0 });
    expect(codeOf(decode(11, 1))).toBe('API_CURSOR_EXPIRED');
    expect(codeOf(decode(12, 0))).toBe('API_CURSOR_EXPIRED');
  });

  test('of a store before two forks is good up to the lower of both', () => {
    const first = createCursors({ storeId: 'a', earlier: [] });
    const third = createCursors({
      storeId: 'c',
      earlier: [
        { storeId: 'a', upTo: 100 },
        { storeId: 'b', upTo: 50 },
      ],
    });
    const decode = (position: number) => () =>
      third.decode(first.encode({ position, index: 0 }), 'after');
    expect(decode(51)()).toEqual({ position: 51, index: 0 });
    expect(codeOf(decode(52))).toBe('API_CURSOR_EXPIRED');
  });
});
