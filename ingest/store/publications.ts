/**
 * When each batch was published: how `asOf`, a time, becomes a position, exactly. A stored row holds
 * up to 1,024 batches as two columns of whole numbers: publishedAt, position.
 */
import type { Position } from '../log/log.ts';
import { createSource, takeBytes, type Sink } from './columns/bytes.ts';
import { readIntegers, writeIntegers } from './columns/integers.ts';
import type { Publication } from './tail.ts';
import type { View } from './view.ts';

const publicationsMax = 1_024;

interface PublicationsRow {
  readonly first_position: number;
  readonly count: number;
  readonly body: Uint8Array;
}

function decodePublications(row: PublicationsRow): Publication[] {
  const source = createSource(row.body);
  const publishedAt = new Float64Array(row.count);
  const positions = new Float64Array(row.count);
  readIntegers(source, publishedAt, 0, row.count);
  readIntegers(source, positions, 0, row.count);
  return Array.from(positions, (position, at) => ({ position, publishedAt: publishedAt[at]! }));
}

function encodePublications(sink: Sink, publications: readonly Publication[]): Uint8Array {
  sink.length = 0;
  const { length } = publications;
  writeIntegers(
    sink,
    Float64Array.from(publications, ({ publishedAt }) => publishedAt),
    length,
  );
  writeIntegers(
    sink,
    Float64Array.from(publications, ({ position }) => position),
    length,
  );
  return takeBytes(sink);
}

export interface PublicationQuery {
  readonly publishedAt: number;
  /** Greatest position that counts. */
  readonly pin: Position;
}

/** Last position published at or before a time; 0 where there is none. */
export function createPublicationReader(
  view: View,
): (tail: readonly Publication[], query: PublicationQuery) => Position {
  const rowBefore = view.database.prepare(
    `SELECT first_position, count, body FROM publications WHERE first_published_at <= ?
     AND first_position <= ? ORDER BY first_published_at DESC, first_position DESC LIMIT 1`,
  );
  return (tail, query) => {
    const inTail = lastBefore(tail, query);
    if (inTail > 0) return inTail;
    const row = rowBefore.get(query.publishedAt, query.pin) as unknown as
      | PublicationsRow
      | undefined;
    return row === undefined ? 0 : lastBefore(decodePublications(row), query);
  };
}

/** Neither publishedAt nor position ever falls, so the last one that fits is found by halving. */
function lastBefore(publications: readonly Publication[], query: PublicationQuery): Position {
  let low = 0;
  let high = publications.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const { publishedAt, position } = publications[middle]!;
    if (publishedAt <= query.publishedAt && position <= query.pin) low = middle + 1;
    else high = middle;
  }
  return publications[low - 1]?.position ?? 0;
}

/** Adds what is behind the last stored position. */
export function createPublicationWriter(
  view: View,
  sink: Sink,
): (publications: readonly Publication[]) => void {
  const lastRow = view.database.prepare(
    'SELECT first_position, count, body FROM publications ORDER BY first_position DESC LIMIT 1',
  );
  const put = view.database.prepare('INSERT OR REPLACE INTO publications VALUES (?, ?, ?, ?)');
  return (publications) => {
    const stored = lastRow.get() as unknown as PublicationsRow | undefined;
    const held = stored === undefined ? [] : decodePublications(stored);
    const last = held.at(-1)?.position ?? 0;
    const all = [...held, ...publications.filter(({ position }) => position > last)];
    for (let from = 0; from < all.length; from += publicationsMax) {
      const row = all.slice(from, from + publicationsMax);
      const first = row[0]!;
      put.run(first.position, first.publishedAt, row.length, encodePublications(sink, row));
    }
  };
}
