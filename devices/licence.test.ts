import fc from 'fast-check';
import { expect, test } from 'vitest';

import { readLicence } from './licence.ts';

test('known licences have their address and a title in both languages', () => {
  for (const text of ['CC-BY-4.0', 'https://creativecommons.org/licenses/by/4.0/']) {
    expect(readLicence(text)).toMatchObject({
      id: 'CC-BY-4.0',
      uri: 'https://creativecommons.org/licenses/by/4.0/',
      title: { en: 'Creative Commons Attribution 4.0 International' },
    });
  }
  expect(readLicence('MIT').uri).toBe('https://spdx.org/licenses/MIT.html');
});

test('whatever an owner writes, the address fits a header and an IRI of RDF', () => {
  const texts = fc.oneof(
    fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }),
    fc.string({ maxLength: 40 }).map((rest) => `https://x.vn/${rest}`),
    fc.constantFrom(
      'Giấy phép mở',
      'https://x.vn/> . <https://x.vn/a> <http://purl.org/dc/terms/publisher> <https://evil.vn',
      'https://x.vn/a b\r\nX-Evil: 1',
    ),
  );
  fc.assert(
    fc.property(texts, (text) => {
      expect(readLicence(text).uri).toMatch(/^[a-z]+:[!#$%&'()*+,\-./0-9:;=?@A-Z[\]_a-z~]+$/);
    }),
  );
});
