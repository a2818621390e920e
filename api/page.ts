/**
 * Page tokens: where the next page of one request begins, and the moment that all its pages are read
 * at, so that rows arriving meanwhile neither repeat nor hide others. A token carries no right: the
 * request that brings it is checked anew.
 *
 *   pinned to a position of the log   base64url of [1, store id, question, position, id, key…]
 *   pinned to a cursor, in a copy     cursor "." base64url of [2, question, id, key…]
 */
import { createHash } from 'node:crypto';

import { apiError } from './errors.ts';
import type { Moment } from '../ingest/feed/places/places.ts';

/** A list sorted by id goes on behind `id`; rows of a series go on behind the key. */
export interface PagePlace {
  /** Id of the element, or of the datastream whose rows are being listed. */
  readonly id: string;
  /** End, start and height (null: none) of the last row given; absent in lists without rows. */
  readonly key?: readonly [number, number, number | null];
}

/** A page's place, and the moment that it is read at. */
export interface PinnedPage {
  readonly pin: Moment['pin'];
  readonly place: PagePlace;
}

export interface PageTokens {
  encode(page: PinnedPage): string;
  /** Throws API_PAGE_INVALID (400) or API_PAGE_EXPIRED (410). */
  decode(token: string): PinnedPage;
}

const charactersMax = 1_000;

/**
 * Tokens of one request: `question` is everything in it but `page` and `limit`, `base` the server as
 * the client sees it. A token that is pinned to a cursor is good at every node, by whatever name.
 */
export function createPageTokens(storeId: string, base: string, question: string): PageTokens {
  const checkHere = hashOf(`${base}\n${question}`);
  const checkAnywhere = hashOf(question);
  return {
    encode({ pin, place: { id, key = [] } }) {
      if (typeof pin === 'string') return `${pin}.${textOf([2, checkAnywhere, id, ...key])}`;
      return textOf([1, storeId, checkHere, pin, id, ...key]);
    },
    decode(token) {
      if (token.length > charactersMax) throw invalid();
      const [begin = '', end, ...more] = token.split('.');
      if (more.length > 0) throw invalid();
      const page = end === undefined ? readPinned(begin, storeId) : readCarried(begin, end);
      const check = end === undefined ? checkHere : checkAnywhere;
      if (page.check !== check || typeof page.id !== 'string') throw invalid();
      return { pin: page.pin, place: { id: page.id, ...keyOf(page.key) } };
    },
  };
}

function hashOf(question: string): string {
  return createHash('sha256').update(question).digest('base64url').slice(0, 16);
}

interface GivenPage {
  readonly pin: Moment['pin'];
  readonly check: unknown;
  readonly id: unknown;
  readonly key: readonly unknown[];
}

function readPinned(text: string, storeId: string): GivenPage {
  const [version, store, check, position, id, ...key] = readValues(text);
  if (version !== 1 || typeof store !== 'string') throw invalid();
  if (store !== storeId) throw apiError('API_PAGE_EXPIRED', { parameter: 'page' });
  if (!Number.isSafeInteger(position) || Number(position) < 0) throw invalid();
  return { pin: Number(position), check, id, key };
}

function readCarried(cursor: string, text: string): GivenPage {
  const [version, check, id, ...key] = readValues(text);
  if (version !== 2) throw invalid();
  return { pin: cursor, check, id, key };
}

function textOf(values: readonly unknown[]): string {
  return Buffer.from(JSON.stringify(values)).toString('base64url');
}

function invalid(): Error {
  return apiError('API_PAGE_INVALID', { parameter: 'page' });
}

function readValues(token: string): unknown[] {
  if (!/^[A-Za-z0-9_-]+$/.test(token)) throw invalid();
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
