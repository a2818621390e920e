/**
 * A change cursor of format 1: the place in `observations` where reading goes on, for a feed that is
 * one log. (A network of nodes has format 2: `places/copy-cursor.ts`.)
 *
 *   text = base64url of "1:" store id ":" position ":" index
 *
 * All items of records before `position` and the first `index` items of that record are behind the
 * reader; `(position + 1, 0)` is the end of a record. The text is opaque outside, is at most 1,000
 * characters and carries no secret. A restored or recreated log has a new store id; cursors of the
 * earlier one stay good as far as both histories are the same.
 */
import { feedError } from './errors.ts';

/** A record of the log, and how many of its items are behind. */
export interface LogPlace {
  readonly position: number;
  readonly index: number;
}

export interface StoreIdentity {
  readonly storeId: string;
  /** Oldest first: histories that this one grew out of, each with its last common position. */
  readonly earlier: readonly { readonly storeId: string; readonly upTo: number }[];
}

export interface Cursors {
  encode(place: LogPlace): string;
  /** Throws API_CURSOR_INVALID (400), API_CURSOR_STORE_UNKNOWN or API_CURSOR_EXPIRED (410). */
  decode(text: string, parameter: string): LogPlace;
}

const formatVersion = '1';
export const charactersMax = 1_000;
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
      if (upTo === undefined) throw feedError('API_CURSOR_STORE_UNKNOWN', { parameter });
      const lastRead = place.index === 0 ? place.position - 1 : place.position;
      if (lastRead > upTo) throw feedError('API_CURSOR_EXPIRED', { parameter });
      return place;
    },
  };
}

/** Whether the text is a cursor of this format, of whatever store. */
export function isCursorOfOneLog(text: string): boolean {
  return partsOf(text) !== null;
}

function readParts(text: string, parameter: string): RegExpExecArray {
  const parts = partsOf(text);
  if (parts === null) throw feedError('API_CURSOR_INVALID', { parameter });
  return parts;
}

function partsOf(text: string): RegExpExecArray | null {
  if (text.length > charactersMax || !/^[A-Za-z0-9_-]+$/.test(text)) return null;
  const parts = grammar.exec(Buffer.from(text, 'base64url').toString('latin1'));
  if (parts === null || parts[1] !== formatVersion) return null;
  return Number.isSafeInteger(Number(parts[3])) ? parts : null;
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
