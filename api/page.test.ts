import fc from 'fast-check';
import { expect, test } from 'vitest';

import { createPageTokens } from './page.ts';

const tokens = createPageTokens('store-1', 'http://here', 'the question');

test('a page token gives its place back', () => {
  const keys = fc.option(
    fc.tuple(fc.maxSafeInteger(), fc.maxSafeInteger(), fc.option(fc.integer())),
    { nil: undefined },
  );
  const pins = fc.oneof(fc.nat(), fc.constantFrom('cursor', 'Mjp4Og'));
  fc.assert(
    fc.property(pins, fc.string({ maxLength: 64 }), keys, (pin, id, key) => {
      const page = { pin, place: { id, ...(key === undefined ? {} : { key }) } };
      expect(tokens.decode(tokens.encode(page))).toEqual(page);
    }),
  );
});

test('a token of another question is refused', () => {
  const other = createPageTokens('store-1', 'http://here', 'another question');
  expect(() => tokens.decode(other.encode({ pin: 1, place: { id: 'a' } }))).toThrow(
    expect.objectContaining({ code: 'API_PAGE_INVALID' }),
  );
});

test('only a token that is pinned to a cursor is good at a server of another name', () => {
  const other = createPageTokens('store-1', 'http://there', 'the question');
  const page = (pin: number | string) => ({ pin, place: { id: 'a' } });
  expect(tokens.decode(other.encode(page('cursor')))).toEqual(page('cursor'));
  expect(() => tokens.decode(other.encode(page(1)))).toThrow(
    expect.objectContaining({ code: 'API_PAGE_INVALID' }),
  );
});

test('a token of another store is gone', () => {
  const other = createPageTokens('store-0', 'http://here', 'the question');
  expect(() => tokens.decode(other.encode({ pin: 1, place: { id: 'a' } }))).toThrow(
    expect.objectContaining({ code: 'API_PAGE_EXPIRED' }),
  );
});

test('whatever is no token is refused by name', () => {
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const real = JSON.parse(
    Buffer.from(tokens.encode({ pin: 1, place: { id: 'a' } }), 'base64url').toString(),
  ) as unknown[];
  const wrong = [
    encode({}),
    encode([2, ...real.slice(1)]),
    encode([...real.slice(0, 3), -1, 'a']),
    encode([...real.slice(0, 3), 1, 5]),
    encode([...real, 1]),
    encode([...real, 1, 2, 'x']),
    encode('x'.repeat(2_000)),
    'not json',
    `cursor.${encode([1, ...real.slice(2)])}`,
    `cursor.${encode([2, real[2]])}`,
    `cursor.${encode([2, real[2], 'a'])}.more`,
    `cursor.`,
    '%',
  ];
  for (const token of wrong) {
    expect(() => tokens.decode(token)).toThrow(
      expect.objectContaining({ code: 'API_PAGE_INVALID' }),
    );
  }
  fc.assert(
    fc.property(fc.base64String(), (token) => {
      expect(() => tokens.decode(token)).toThrow(
        expect.objectContaining({ code: 'API_PAGE_INVALID' }),
      );
    }),
  );
});
