/**
 * Page tokens: where the next page of one request begins, and the position of `observations` that
 * all its pages are read at, so that rows arriving meanwhile neither repeat nor hide others. A
 * token carries no right: the request that brings it is checked anew.
 */
import { createHash } from 'node:crypto';

import { apiError } from './errors.ts';

/** A list sorted by id goes on behind `id`; rows of a series go on behind the key. */
export interface PagePlace {
  /** Pinned position of `observations`. */
  readonly position: number;
  /** Id of the element, or of the datastream whose rows are being listed. */
  readonly id: string;
  /** End, start and height (null: none) of the last row given; absent in lists without rows. */
  readonly key?: readonly [number, number, number | null];
}

export interface PageTokens {
  encode(place: PagePlace): string;
  /** Throws API_PAGE_INVALID (400) or API_PAGE_EXPIRED (410). */
  decode(token: string): PagePlace;
}

const charactersMax = 1_000;

/** Tokens of one request: `question` is everything in it but `page` and `limit`. */
export function createPageTokens(storeId: string, question: string): PageTokens {
  const check = createHash('sha256').update(question).digest('base64url').slice(0, 16);
  return {
    encode: ({ position, id, key }) =>
      Buffer.from(JSON.stringify([1, storeId, check, position, id, ...(key ?? [])])).toString(
        'base64url',
      ),
    decode(token) {
      const values = readValues(token);
      const [version, store, givenCheck, position, id, ...key] = values;
      if (version !== 1 || typeof store !== 'string') throw invalid();
      if (store !== storeId) throw apiError('API_PAGE_EXPIRED', { parameter: 'page' });
      const isPlace = Number.isSafeInteger(position) && Number(position) >= 0;
      if (givenCheck !== check || !isPlace || typeof id !== 'string') throw invalid();
      return { position: Number(position), id, ...keyOf(key) };
    },
  };
}

function invalid(): Error {
  return apiError('API_PAGE_INVALID', { parameter: 'page' });
}

function readValues(token: string): unknown[] {
  if (token.length > charactersMax || !/^[A-Za-z0-9_-]+$/.test(token)) throw invalid();
  try {
    const values: unknown = JSON.parse(Buffer.from(token, 'base64url').toString());
    if (Array.isArray(values)) return values;
  } catch (error) {
    throw apiError('API_PAGE_INVALID', { parameter: 'page' }, error);
  }
  throw invalid();
}

function keyOf(values: readonly unknown[]): Pick<PagePlace, 'key'> {
  if (values.length === 0) return {};
  const [endAt, startAt, heightMm] = values;
  const isKey =
    values.length === 3 &&
    Number.isSafeInteger(endAt) &&
    Number.isSafeInteger(startAt) &&
    (heightMm === null || Number.isFinite(heightMm));
  if (!isKey) throw invalid();
  return { key: [Number(endAt), Number(startAt), heightMm === null ? null : Number(heightMm)] };
}
