import { expect, test } from 'vitest';

import { readInstant, readOptionalInstant } from './instant.ts';

test('an instant is RFC 3339 with an offset', () => {
  const at = Date.UTC(2024, 0, 31, 17, 0, 0);
  expect(readInstant('2024-01-31T17:00:00Z', 'from')).toBe(at);
  expect(readInstant('2024-02-01T00:00:00+07:00', 'from')).toBe(at);
  expect(readInstant('2024-02-01T00:00:00.1239+07:00', 'from')).toBe(at + 123);
  expect(readInstant('2024-01-31t17:00:00z', 'from')).toBe(at);
  expect(readInstant('2024-02-29T00:00:00Z', 'from')).toBe(Date.UTC(2024, 1, 29));
});

test('a blank is the plus that a query string makes one of', () => {
  expect(readInstant('2024-02-01T00:00:00 07:00', 'from')).toBe(Date.UTC(2024, 0, 31, 17));
});

test('whatever else is refused with the parameter named', () => {
  const wrong = [
    '',
    '2024-01-31',
    '2024-01-31T17:00:00',
    '2024-13-01T00:00:00Z',
    '2024-02-30T00:00:00Z',
    '2023-02-29T00:00:00Z',
    '2024-01-31T24:00:00Z',
    '2024-01-31T17:60:00Z',
    '2024-01-31T17:00:00+25:00',
    '1706720400000',
    'yesterday',
  ];
  for (const text of wrong) {
    expect(() => readInstant(text, 'from')).toThrow(
      expect.objectContaining({
        code: 'API_PARAMETER_INVALID',
        fields: expect.objectContaining({ parameter: 'from' }),
      }),
    );
  }
});

test('an absent one is null', () => {
  expect(readOptionalInstant(undefined, 'to')).toBeNull();
});
