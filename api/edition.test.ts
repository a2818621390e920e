import { expect, test } from 'vitest';

import { apiConfig } from './config.ts';
import { editionOf } from './edition.ts';

test('an edition is that of its store and of the settings that shape answers', () => {
  const config = apiConfig.parse({});
  const edition = editionOf('store', config);
  expect(editionOf('store', apiConfig.parse({ bodyBytesMax: 2_000 }))).toBe(edition);
  const others = [
    editionOf('other', config),
    editionOf('store', apiConfig.parse({ rowsPerPageDefault: 7 })),
    editionOf('store', apiConfig.parse({ catalogue: { title: { vi: 'A', en: 'B' } } })),
  ];
  expect(new Set([edition, ...others]).size).toBe(4);
});
