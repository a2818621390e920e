import { expect, test } from 'vitest';

import { domainOf } from './room.ts';

test.each([
  ['a.b.evil.example', 'evil.example'],
  ['evil.example', 'evil.example'],
  ['data.tnmt.hanoi.gov.vn', 'hanoi.gov.vn'],
  ['hooks.co.vn', 'hooks.co.vn'],
  ['a.ab.vn', 'ab.vn'],
  ['1.1.1.1', '1.1.1.1'],
])('webhooks to %s count for %s', (host, domain) => {
  expect(domainOf(host)).toBe(domain);
});
