import fc from 'fast-check';
import { expect, test } from 'vitest';

import { canonicalJson, readCanonicalJson, type Json } from './canonical-json.ts';

test('is what RFC 8785 shows in 3.2.2 and 3.2.3', () => {
  const numbers = JSON.parse(
    '[333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001]',
  ) as number[];
  const given = { numbers, string: '€$\u000f\nA\'B"\\\\"/', literals: [null, true, false] };
  expect(canonicalJson(given)).toBe(
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
      '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
  );
  const members = { '€': 'Euro Sign', '\r': 'Carriage Return', '1': 'One', '😂': 'Smiley', ö: 'o' };
  expect(Object.values(JSON.parse(canonicalJson(members)) as object)).toHaveLength(5);
  expect(canonicalJson(members).indexOf('Smiley')).toBeGreaterThan(
    canonicalJson(members).indexOf('Euro Sign'),
  );
  expect(() => canonicalJson(Number.NaN)).toThrow(RangeError);
});

test('reads back what it wrote, and no other text of the same value', () => {
  fc.assert(
    fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
      const text = canonicalJson(value as Json);
      expect(canonicalJson(readCanonicalJson(text) ?? null)).toBe(text);
      expect(readCanonicalJson(` ${text}`)).toBeUndefined();
    }),
  );
  expect(readCanonicalJson('{"b":1,"a":2}')).toBeUndefined();
  expect(readCanonicalJson('{')).toBeUndefined();
});
