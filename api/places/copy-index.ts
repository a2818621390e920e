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
  /** The first record that is kept, and what came before it. */
  begin(): Promise<{ readonly position: Position; readonly before: Positions }>;
  /**
   * A position before which the log holds nothing but what was read up to `read`: the first record
   * that holds more, or one less than `nearRecords` before it. Undefined where records that hold
   * more are not kept any longer.
   */
  locate(read: Positions): Promise<Position | undefined>;
}

interface Noted {
  readonly position: Position;
  readonly positions: Positions;
}

/** A reader that begins so many records too early skips them in less time than a search takes. */
const nearRecords = 64;
/** Records remembered; beyond, every second one is forgotten. One of 64 partitions takes 600 bytes. */
const notedMax = 4_096;

export function createCopyIndex(source: LogSource, partitions: number): CopyIndex {
  let noted: Noted[] = [];
  let stride = nearRecords;
  const none: Positions = Array.from({ length: partitions }, () => 0);

  async function reading<Result>(read: (reader: LogReader) => Promise<Result>): Promise<Result> {
    const reader = await source.openReader(1);
    try {
      return await read(reader);
    } finally {
      await reader.close();
    }
  }

  /** The notes around what was read: the last that holds no more, and the first that does. */
  function bracket(read: Positions): { readonly low: Position; readonly high: Position } {
    let low = 0;
    let high = noted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (hasAll(noted[middle]!.positions, read)) low = middle + 1;
      else high = middle;
    }
    return {
      low: noted[low - 1]?.position ?? 0,
      high: noted[low]?.position ?? source.durableEnd.get() + 1,
    };
  }

  async function beginOf(reader: LogReader): Promise<Noted> {
    const first = await readFrom(reader, 1);
    return first === undefined
      ? { position: 1, positions: none }
      : { position: first.position, positions: reachBefore(first.place).positions };
  }

  return {
    note(position, { positions }) {
      const last = noted.at(-1)?.position;
      if (last !== undefined && position < last + stride) return;
      noted.push({ position, positions });
      if (noted.length < notedMax) return;
      noted = noted.filter((_each, index) => index % 2 === 0);
      stride *= 2;
    },
    positionsAt: (position) =>
      position === 0
        ? Promise.resolve(none)
        : reading(async (reader) => {
            const found = await readFrom(reader, position);
            return found === undefined ? undefined : positionsBehind(found, position).positions;
          }),
    begin: () =>
      reading(async (reader) => {
        const { position, positions } = await beginOf(reader);
        return { position, before: positions };
      }),
    locate(read) {
      const around = bracket(read);
      if (around.low > 0 && around.high - around.low <= nearRecords) {
        return Promise.resolve(around.low + 1);
      }
      return reading(async (reader) => {
        let { low, high } = around;
        if (low === 0) {
          const begin = await beginOf(reader);
          if (!hasAll(begin.positions, read)) return undefined;
          low = begin.position - 1;
        }
        while (high - low > nearRecords) {
          const middle = low + Math.floor((high - low) / 2);
          const found = await readFrom(reader, middle);
          const behind = found === undefined ? undefined : positionsBehind(found, middle);
          if (behind !== undefined && hasAll(behind.positions, read)) low = behind.position;
          else high = middle;
        }
        return low + 1;
      });
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
function positionsBehind({ position, place }: Found, wanted: Position): Noted {
  if (position === wanted) return { position, positions: place.positions };
  return { position: position - 1, positions: reachBefore(place).positions };
}
