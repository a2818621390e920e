/**
 * What answers depend on beside the data, the registry and the question: the store, the words and
 * forms of this version of the API, and the settings that shape an answer. It is part of every tag,
 * so that what an upgrade says otherwise is not taken for what has not changed.
 */
import { createHash } from 'node:crypto';

import type { ApiConfig } from './config.ts';
import { columnMeanings } from './formats/columns.ts';
import { apiChanges } from './stability/api-changes.ts';
import { apiVersion } from './stability/feed-routes.ts';

export function editionOf(
  storeId: string,
  { rowsPerPageDefault, catalogue }: Pick<ApiConfig, 'rowsPerPageDefault' | 'catalogue'>,
): string {
  const parts = [storeId, apiVersion, apiChanges, columnMeanings, rowsPerPageDefault, catalogue];
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
}
