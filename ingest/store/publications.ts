/**
 * When each batch was published: how `asOf`, a time, becomes a position, exactly. A stored row holds
 * up to 1,024 batches of one partition as columns of whole numbers: publishedAt, position and, where
 * it is another one (in a copy of partitions), the number in the partition. In a partition none of
 * the three ever falls; across partitions only the position never does.
 */
import type { Position } from '../log/log.ts';
import { createSource, takeBytes, type Sink } from './columns/bytes.ts';
import { readIntegers, writeIntegers } from './columns/integers.ts';
import type { Tail } from './tail.ts';
import type { Publication } from './tail-publications.ts';
import type { View } from './view.ts';

const publicationsMax = 1_024;

interface PublicationsRow {
  readonly partition: number;
  readonly count: number;
  readonly body: Uint8Array;
}

const columns = 'partition, count, body';

function decodePublications({ partition, count, body }: PublicationsRow): Publication[] {
  const source = createSource(body);
  const publishedAt = new Float64Array(count);
  const positions = new Float64Array(count);
  readIntegers(source, publishedAt, 0, count);
  readIntegers(source, positions, 0, count);
  let numbers = positions;
  if (source.at < body.length) {
    numbers = new Float64Array(count);
    readIntegers(source, numbers, 0, count);
  }
  return Array.from(positions, (position, at) => ({
    position,
    publishedAt: publishedAt[at]!,
    partition,
    number: numbers[at]!,
  }));
}

function encodePublications(sink: Sink, publications: readonly Publication[]): Uint8Array {
  sink.length = 0;
  const put = (numberOf: (publication: Publication) => number): void =>
    writeIntegers(sink, Float64Array.from(publications, numberOf), publications.length);
  put(({ publishedAt }) => publishedAt);
  put(({ position }) => position);
  if (publications.some(({ position, number }) => position !== number)) put(({ number }) => number);
  return takeBytes(sink);
}

/** The last publication of a partition that is not beyond a time or a number. */
export interface PublicationQuery {
  readonly partition: number;
  readonly by: 'publishedAt' | 'number';
  readonly upTo: number;
  /** Greatest position that counts. */
  readonly pin: Position;
}

/** Undefined where there is none. */
export function createPublicationReader(
  view: View,
): (tail: Tail, query: PublicationQuery) => Publication | undefined {
  const rowUpTo = (column: string) =>
    view.database.prepare(
      `SELECT ${columns} FROM publications WHERE partition = ? AND ${column} <= ?
       AND first_position <= ? ORDER BY ${column} DESC, first_position DESC LIMIT 1`,
    );
  const rows = { publishedAt: rowUpTo('first_published_at'), number: rowUpTo('first_number') };
  return (tail, query) => {
    const inTail = lastUpTo(tail.publicationsOf(query.partition), query);
    if (inTail !== undefined) return inTail;
    const row = rows[query.by].get(query.partition, query.upTo, query.pin) as unknown as
      | PublicationsRow
      | undefined;
    return row === undefined ? undefined : lastUpTo(decodePublications(row), query);
  };
}

/** Nothing of a partition ever falls, so the last one that fits is found by halving. */
function lastUpTo(
  publications: readonly Publication[],
  { by, upTo, pin }: PublicationQuery,
): Publication | undefined {
  let low = 0;
  let high = publications.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const publication = publications[middle]!;
    if (publication[by] <= upTo && publication.position <= pin) low = middle + 1;
    else high = middle;
  }
  return publications[low - 1];
}

/** Adds what is behind the last stored position of each partition. */
export function createPublicationWriter(
  view: View,
  sink: Sink,
): (publications: readonly Publication[]) => void {
  const lastRow = view.database.prepare(
    `SELECT ${columns} FROM publications WHERE partition = ? ORDER BY first_number DESC LIMIT 1`,
  );
  const put = view.database.prepare(
    `INSERT OR REPLACE INTO publications
     (first_position, first_published_at, count, body, partition, first_number)
     VALUES (?, ?, ?, ?, ?, ?)`,
  );
  return (publications) => {
    for (const [partition, added] of Map.groupBy(publications, (each) => each.partition)) {
      const stored = lastRow.get(partition) as unknown as PublicationsRow | undefined;
      const held = stored === undefined ? [] : decodePublications(stored);
      const last = held.at(-1)?.position ?? 0;
      const all = [...held, ...added.filter(({ position }) => position > last)];
      for (let from = 0; from < all.length; from += publicationsMax) {
        const row = all.slice(from, from + publicationsMax);
        const { position, publishedAt, number } = row[0]!;
        const body = encodePublications(sink, row);
        put.run(position, publishedAt, row.length, body, partition, number);
      }
    }
  };
}
