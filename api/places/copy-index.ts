/**
 * Where a copy's log holds what: which batches are in it up to a position, and from which position on
 * it holds something that a reader has not read. What each record says of the partitions never falls
 * from one record to the next, so both are found by halving: in memory for what was followed since
 * the start, in the log for what is older, with a bounded number of reads.
 */
import type { LogReader, Position } from '../../ingest/log/log.ts';
import { decodeBatchPlace } from '../../ingest/observations/batch-codec.ts';
import type { BatchPlace } from '../../ingest/observations/batch.ts';
import type { LogSource } from '../live/feed.ts';
import { hasAll, reachBefore } from './reach.ts';

type Positions = readonly Position[];

export interface CopyIndex {
  /** Notes a record; they come in order. */
  note(position: Position, place: BatchPlace): void;
  /** Of each partition the last batch that the log holds up to this record; undefined: unreadable. */
  positionsAt(position: Position): Promise<Positions | undefined>;
  /** Of each partition what came before the first record that is kept. */
  before(): Promise<Positions>;
  /**
   * A position before which the log holds nothing but what was read up to `read`: the first record
   * that holds more, or one less than `nearRecords` before it. Undefined where records that hold
   * more are not kept any longer.
   */
  locate(read: Positions): Promise<Position | undefined>;
}

/** What the log holds up to a position. */
interface Held {
  readonly position: Position;
  readonly positions: Positions;
}

/** A reader that begins so many records too early skips them in less time than a search takes. */
const nearRecords = 64;
/** Records remembered; beyond, every second one is forgotten. One of 64 partitions takes 600 bytes. */
const notedMax = 4_096;

export function createCopyIndex(source: LogSource, partitions: number): CopyIndex {
  const notes = createNotes();
  const none: Positions = Array.from({ length: partitions }, () => 0);

  async function reading<Result>(read: (reader: LogReader) => Promise<Result>): Promise<Result> {
    const reader = await source.openReader(1);
    try {
      return await read(reader);
    } finally {
      await reader.close();
    }
  }

  async function beforeFirst(reader: LogReader): Promise<Held> {
    const first = await readFrom(reader, 1);
    if (first === undefined) return { position: 0, positions: none };
    return { position: first.position - 1, positions: reachBefore(first.place).positions };
  }

  /** Between a position that holds no more than `read`, where there is one, and one that does. */
  async function search(reader: LogReader, read: Positions, around: Around) {
    let { low, high = source.durableEnd.get() + 1 } = around;
    if (low === 0) {
      const before = await beforeFirst(reader);
      if (!hasAll(before.positions, read)) return undefined;
      low = before.position;
    }
    while (high - low > nearRecords) {
      const middle = low + Math.floor((high - low) / 2);
      const found = await readFrom(reader, middle);
      const held = found === undefined ? undefined : heldBehind(found, middle);
      if (held !== undefined && hasAll(held.positions, read)) low = held.position;
      else high = middle;
    }
    return low + 1;
  }

  return {
    note: (position, { positions }) => notes.add({ position, positions }),
    positionsAt: (position) =>
      position === 0
        ? Promise.resolve(none)
        : reading(async (reader) => {
            const found = await readFrom(reader, position);
            return found === undefined ? undefined : heldBehind(found, position).positions;
          }),
    before: () => reading(async (reader) => (await beforeFirst(reader)).positions),
    locate(read) {
      const around = notes.around(read);
      const { low, high = source.durableEnd.get() + 1 } = around;
      if (low > 0 && high - low <= nearRecords) return Promise.resolve(low + 1);
      return reading((reader) => search(reader, read, around));
    },
  };
}

interface Around {
  /** The last noted position that holds no more; 0 where none does. */
  readonly low: Position;
  /** The first noted position that holds more. */
  readonly high: Position | undefined;
}

/** Some of the records that were followed since the start, evenly over all of them. */
function createNotes() {
  let noted: Held[] = [];
  let stride = nearRecords;
  return {
    add(held: Held): void {
      const last = noted.at(-1)?.position;
      if (last !== undefined && held.position < last + stride) return;
      noted.push(held);
      if (noted.length < notedMax) return;
      noted = noted.filter((_each, index) => index % 2 === 0);
      stride *= 2;
    },
    around(read: Positions): Around {
      let low = 0;
      let high = noted.length;
      while (low < high) {
        const middle = (low + high) >>> 1;
        if (hasAll(noted[middle]!.positions, read)) low = middle + 1;
        else high = middle;
      }
      return { low: noted[low - 1]?.position ?? 0, high: noted[low]?.position };
    },
  };
}

interface Found {
  readonly position: Position;
  readonly place: BatchPlace;
}

/** The first record from a position on that can be read; what is damaged, the feed tells of. */
async function readFrom(reader: LogReader, from: Position): Promise<Found | undefined> {
  reader.seek(from);
  for (;;) {
    try {
      const [record] = await reader.read(1);
      if (record === undefined) return undefined;
      const place = decodeBatchPlace(record.position, record.body);
      if (place === undefined) throw new Error(`record ${record.position} of a copy has no place`);
      return { position: record.position, place };
    } catch (error) {
      if ((await reader.skipDamaged()) === null) throw error;
    }
  }
}

/** Behind the wanted record, or, where that cannot be read, before the next one that can. */
function heldBehind({ position, place }: Found, wanted: Position): Held {
  if (position === wanted) return { position, positions: place.positions };
  return { position: position - 1, positions: reachBefore(place).positions };
}
