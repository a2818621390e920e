import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DecimalRaw } from './decimal-raw.ts';
import { decimalText, fixedText, scaleDecimal, scanDecimal, type Decimal } from './decimal-text.ts';
import { printTime, timeTextKind, timeTextKinds } from './time-text.ts';

describe('a decimal text', () => {
  it('is an integer and its decimals, and printed again the same', () => {
    fc.assert(
      fc.property(fc.integer({ min: -1e14, max: 1e14 }), fc.nat({ max: 9 }), (scaled, decimals) => {
        const text = decimalText(scaled, decimals);
        const into: Decimal = { scaled: 0, decimals: 0 };
        expect(scanDecimal(text, into)).toBe(text !== '-0');
        expect(into).toEqual({ scaled, decimals });
        expect(scaled / 10 ** decimals).toBe(Number(text));
      }),
    );
  });

  it.each([
    '',
    '-',
    '.',
    '1.',
    '.5',
    '01',
    '-0',
    '-0.0',
    '+1',
    '1e3',
    '1.2.3',
    '1234567890123456',
    ' 1',
  ])('is none: %j', (text) => {
    expect(scanDecimal(text, { scaled: 0, decimals: 0 })).toBe(false);
  });

  it('of a number is what toFixed says, for any number and decimals', () => {
    fc.assert(
      fc.property(
        fc.double({ min: -1e18, max: 1e18, noNaN: true }),
        fc.nat({ max: 20 }),
        (number, decimals) => {
          const sent = Number(number.toFixed(decimals));
          expect(fixedText(sent, decimals)).toBe(sent.toFixed(decimals));
          expect(fixedText(number, decimals)).toBe(number.toFixed(decimals));
          const into: Decimal = { scaled: 0, decimals: 0 };
          if (!scaleDecimal(number, decimals, into)) return;
          expect(decimalText(into.scaled, into.decimals)).toBe(number.toFixed(decimals));
        },
      ),
      { numRuns: 1_000 },
    );
    expect(fixedText(-0, 2)).toBe((-0).toFixed(2));
    expect(scaleDecimal(-0, 2, { scaled: 0, decimals: 0 })).toBe(false);
  });

  it('of a raw value is made when it is asked for', () => {
    const raw = new DecimalRaw({ name: 'ta', unit: 'Cel', time: null }, 21.5, 2);
    expect(raw.value).toBe('21.50');
    expect(raw).toMatchObject({
      name: 'ta',
      unit: 'Cel',
      time: null,
      sentNumber: 21.5,
      sentDecimals: 2,
    });
  });
});

describe('the text of a time', () => {
  const endAt = Date.UTC(2026, 0, 1, 7, 30);
  it.each([
    [null, 'none'],
    ['1767252600', 'seconds'],
    ['1767252600000', 'milliseconds'],
    ['1767252600000000', 'microseconds'],
    ['1767252600000000000', 'nanoseconds'],
    ['2026-01-01T07:30:00Z', 'rfc3339'],
    ['2026-01-01T07:30:00.000Z', 'rfc3339-milliseconds'],
    ['2026-01-01T14:30:00+07:00', 'text'],
    ['2026-01-01T07:30:01Z', 'text'],
    ['1767252600001', 'text'],
    ['', 'text'],
  ])('%j is of the kind %s', (text, kind) => {
    const found = timeTextKind(text, endAt);
    expect(timeTextKinds[found]).toBe(kind);
    expect(found > 1 ? printTime(found, endAt) : text).toBe(text);
  });

  it('that no spelling can say is kept as a text', () => {
    for (const far of [9e15, -9e15, 253_402_300_800_000, 0.5]) {
      const kind = timeTextKind('x'.repeat(20), far);
      expect(kind).toBe(1);
    }
    expect(timeTextKinds[timeTextKind('1767252600', 1_767_252_600_500)]).toBe('text');
  });
});
