import { expect, test } from 'vitest';
import { aheadOf } from './clock-difference.ts';

const exchange = { askedAt: 1_000, answeredAt: 1_010 };

test.each<[string, string | undefined, number | undefined]>([
  ['between the request and its answer', '1005', 0],
  ['at the request', '1000', 0],
  ['at the answer', '1010', 0],
  ['before it was asked for: we are ahead', '400', 600],
  ['after it was answered: we are behind', '2010', -1_000],
  ['at a time that the server does not keep', '-1', undefined],
  ['at a time that is not told', undefined, undefined],
])('a record is stored %s', (_when, appendedAt, ahead) => {
  expect(aheadOf(appendedAt, exchange)).toBe(ahead);
});
