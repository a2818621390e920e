/**
 * A change cursor: the place in `observations` where reading goes on.
 *
 *   text = base64url of "1:" store id ":" position ":" index
 *
 * All items of records before `position` and the first `index` items of that record are behind the
 * reader; `(position + 1, 0)` is the end of a record. The text is opaque outside, is at most 1,000
 * characters and carries no secret. A restored or recreated log has a new store id; cursors of the
 * earlier one stay good as far as both histories are the same.
 */
import { apiError } from './errors.ts';

export interface FeedPlace {
  readonly position: number;
  readonly index: number;
}

export interface StoreIdentity {
  readonly storeId: string;
  /** Oldest first: histories that this one grew out of, each with its last common position. */
  readonly earlier: readonly { readonly storeId: string; readonly upTo: number }[];
}

export interface Cursors {
  encode(place: FeedPlace): string;
  /** Throws API_CURSOR_INVALID (400), API_CURSOR_STORE_UNKNOWN or API_CURSOR_EXPIRED (410). */
  decode(text: string, parameter: string): FeedPlace;
}

const formatVersion = '1';
const charactersMax = 1_000;
const grammar = /^(\d{1,9}):([^:]{1,600}):(\d{1,16}):(\d{1,9})$/;

export function createCursors(identity: StoreIdentity): Cursors {
  const forks = forksOf(identity);
  const head = `${formatVersion}:${identity.storeId}:`;
  return {
    encode: (place) =>
      Buffer.from(`${head}${place.position}:${place.index}`, 'latin1').toString('base64url'),
    decode(text, parameter) {
      const parts = readParts(text, parameter);
      const place = { position: Number(parts[3]), index: Number(parts[4]) };
      const storeId = parts[2] ?? '';
      if (storeId === identity.storeId) return place;
      const upTo = forks.get(storeId);
      if (upTo === undefined) throw apiError('API_CURSOR_STORE_UNKNOWN', { parameter });
      const lastRead = place.index === 0 ? place.position - 1 : place.position;
      if (lastRead > upTo) throw apiError('API_CURSOR_EXPIRED', { parameter });
      return place;
    },
  };
}

function readParts(text: string, parameter: string): RegExpExecArray {
  const invalid = () => apiError('API_CURSOR_INVALID', { parameter });
  if (text.length === 0 || text.length > charactersMax || !/^[A-Za-z0-9_-]+$/.test(text)) {
    throw invalid();
  }
  const parts = grammar.exec(Buffer.from(text, 'base64url').toString('latin1'));
  if (parts === null || parts[1] !== formatVersion || !Number.isSafeInteger(Number(parts[3]))) {
    throw invalid();
  }
  return parts;
}

/** A history that was forked twice is common only up to the lower of both forks. */
function forksOf(identity: StoreIdentity): ReadonlyMap<string, number> {
  const forks = new Map<string, number>();
  let lowest = Infinity;
  for (const { storeId, upTo } of identity.earlier.toReversed()) {
    lowest = Math.min(lowest, upTo);
    if (!forks.has(storeId)) forks.set(storeId, lowest);
  }
  return forks;
}
