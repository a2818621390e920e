import fc from 'fast-check';
import { expect, test } from 'vitest';

import { observedProperties } from '../../devices/properties/catalogue.ts';
import { slugOf, textOfSlug } from './slug.ts';

test('any text comes back from its slug, which no address changes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      const wellFormed = text.toWellFormed();
      const slug = slugOf(wellFormed);
      expect(encodeURIComponent(slug)).toBe(slug);
      expect(textOfSlug(slug)).toBe(wellFormed);
    }),
  );
});

test('a text has one slug: any other spelling of it is of nothing', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[A-Za-z0-9~%/ ]{0,12}$/), (given) => {
      const text = textOfSlug(given);
      expect(text === undefined ? given : slugOf(text)).toBe(given);
    }),
  );
  expect(['m~2fs', 'm/s', '~6D~2Fs', '~FF'].map((slug) => textOfSlug(slug))).toEqual(
    Array(4).fill(undefined),
  );
});

test('units of the catalogue have slugs of their own', () => {
  expect([slugOf('m/s'), slugOf('[ppm]'), slugOf('%'), slugOf('Cel')]).toEqual([
    'm~2Fs',
    '~5Bppm~5D',
    '~25',
    'Cel',
  ]);
  const units = new Set(observedProperties.map(({ unit }) => unit));
  expect(new Set([...units].map(slugOf)).size).toBe(units.size);
});
