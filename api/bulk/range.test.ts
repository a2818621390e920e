import fc from 'fast-check';
import { expect, test } from 'vitest';

import { answerRange, type RangeHeaders } from './range.ts';

const file = { tag: '"a"', modifiedAt: Date.parse('2024-07-01T00:00:00.500Z'), bytes: 10_000 };
const date = 'Mon, 01 Jul 2024 00:00:00 GMT';
const earlier = 'Sun, 30 Jun 2024 00:00:00 GMT';
const ask = (headers: RangeHeaders) => answerRange(headers, file);
const range = (text: string) => ask({ range: text });

// RFC 9110 §14.1.2 gives these for a representation of 10,000 bytes.
test.each([
  ['bytes=0-499', { status: 206, first: 0, last: 499 }],
  ['bytes=500-999', { status: 206, first: 500, last: 999 }],
  ['bytes=-500', { status: 206, first: 9_500, last: 9_999 }],
  ['bytes=9500-', { status: 206, first: 9_500, last: 9_999 }],
  ['bytes=9500-20000', { status: 206, first: 9_500, last: 9_999 }],
  ['bytes=-20000', { status: 206, first: 0, last: 9_999 }],
])('%s is that range', (text, expected) => {
  expect(range(text)).toEqual(expected);
});

test('a range that begins behind the end is told, and what is none is as if it were not there', () => {
  for (const text of ['bytes=10000-', 'bytes=-0', 'bytes=10000-20000']) {
    expect(range(text)).toEqual({ status: 416 });
  }
  for (const text of [
    'bytes=0-0,-1',
    'bytes=5-4',
    'bytes=-',
    'bytes=a-b',
    'lines=0-1',
    '',
    '0-5',
  ]) {
    expect(range(text)).toEqual({ status: 200 });
  }
});

test('a range of another version is answered with the whole file', () => {
  const of = (ifRange: string) => ask({ range: 'bytes=0-1', 'if-range': ifRange }).status;
  expect([of('"a"'), of(date)]).toEqual([206, 206]);
  expect([of('"b"'), of('W/"a"'), of(earlier), of('no date')]).toEqual([200, 200, 200, 200]);
});

test('conditions come in the order of the standard', () => {
  expect(ask({ 'if-none-match': '"b", W/"a"' }).status).toBe(304);
  expect(ask({ 'if-none-match': '*', range: 'bytes=0-1' }).status).toBe(304);
  expect(ask({ 'if-none-match': '"b"', 'if-modified-since': date }).status).toBe(200);
  expect(ask({ 'if-modified-since': date }).status).toBe(304);
  expect(ask({ 'if-modified-since': earlier }).status).toBe(200);
  expect(ask({ 'if-match': '"b"', 'if-none-match': '"a"' }).status).toBe(412);
  expect(ask({ 'if-match': 'W/"a"' }).status).toBe(412);
  expect(ask({ 'if-match': '"a"', 'if-unmodified-since': earlier }).status).toBe(200);
  expect(ask({ 'if-unmodified-since': earlier }).status).toBe(412);
});

test('whatever is sent, a range lies in the file', () => {
  const texts = fc.oneof(
    fc.string({ maxLength: 40, unit: 'binary' }),
    fc
      .tuple(fc.nat(20_000), fc.option(fc.nat(20_000), { nil: '' }))
      .map(([from, to]) => `bytes=${from}-${to}`),
    fc.nat(20_000).map((length) => `bytes=-${length}`),
  );
  fc.assert(
    fc.property(texts, (text) => {
      const answer = range(text);
      if (answer.status !== 206) return [200, 416].includes(answer.status);
      return answer.first >= 0 && answer.first <= answer.last && answer.last < file.bytes;
    }),
  );
});
