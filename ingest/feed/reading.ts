/**
 * Reads changes from the log itself, one after the other: for `/changes` and for live clients that
 * are behind. A reader keeps what it has read and not yet given out, so that going on where it
 * stopped, even inside a batch, costs no search of the log.
 */
import type { LogReader, LogRecord } from '../log/log.ts';
import { decodeBatch, decodeBatchPlace } from '../observations/batch-codec.ts';
import type { PublicRows } from '../observations/public-row.ts';
import type { FeedPlace, Places } from './places/places.ts';
import { changeText, itemsOf, type FeedItem, type Interest, type RegistryAt } from './changes.ts';
import type { LogSource } from './feed.ts';

interface ReadChangesOptions {
  readonly registryAt: RegistryAt;
  readonly rows: PublicRows;
  readonly interest: Interest;
  /** Nothing behind this position is read, though the log may hold more. */
  readonly toPosition: number;
  readonly scanBytesMax: number;
  /** Takes a change and says whether it wants more. */
  readonly accept: (text: string, cursor: string, item: FeedItem) => boolean;
}

export interface ChangeReader {
  /** Where reading goes on. */
  readonly place: FeedPlace;
  /**
   * Reads until `accept` has enough, the log ends, or `scanBytesMax` bytes were looked through. A
   * damaged stretch is stepped over: the feed has told the operator of it. False when the log no
   * longer holds the place: it begins later.
   */
  read(options: ReadChangesOptions): Promise<boolean>;
  close(): Promise<void>;
}

/** Records taken from the log at once; what is left of them is copied when reading stops. */
const chunkBytes = 16_384;

interface Held {
  readonly position: number;
  readonly body: Buffer;
}

export async function openChangeReader(
  source: LogSource,
  places: Places,
  from: FeedPlace,
): Promise<ChangeReader> {
  const reader = await source.openReader(from.position);
  let place = from;
  let held: readonly Held[] = [];
  let isExpired = reader.next > from.position;

  async function nextRecords(): Promise<readonly Held[]> {
    if (held.length > 0) {
      const records = held;
      held = [];
      return records;
    }
    const { records, isBehindDamage } = await readOrSkip(reader);
    const first = records[0];
    if (first !== undefined && first.position > place.position && !isBehindDamage) isExpired = true;
    return records;
  }

  /** Goes through records; says whether reading stops, and keeps what it did not come to. */
  function take(records: readonly Held[], options: ReadChangesOptions, stop: Stop): boolean {
    for (const [index, record] of records.entries()) {
      if (record.position > options.toPosition) return keep(records, index);
      stop.leftBytes -= record.body.length;
      const read = readRecord(places, options, record, place);
      place = read.next;
      if (place.position === record.position) return keep(records, index);
      if (read.isEnough || stop.leftBytes <= 0) return keep(records, index + 1);
    }
    return false;
  }

  /** The log's reader gives its buffer away with its next read: what is kept is copied. */
  function keep(records: readonly Held[], begin: number): true {
    held = records
      .slice(begin)
      .map(({ position, body }) => ({ position, body: Buffer.from(body) }));
    return true;
  }

  return {
    get place() {
      return place;
    },
    async read(options) {
      const stop = { leftBytes: options.scanBytesMax };
      while (!isExpired && place.position <= options.toPosition) {
        const records = await nextRecords();
        if (isExpired || records.length === 0 || take(records, options, stop)) break;
      }
      return !isExpired;
    },
    close: () => reader.close(),
  };
}

interface Stop {
  leftBytes: number;
}

async function readOrSkip(
  reader: LogReader,
): Promise<{ readonly records: readonly LogRecord[]; readonly isBehindDamage: boolean }> {
  let isBehindDamage = false;
  for (;;) {
    try {
      return { records: await reader.read(chunkBytes), isBehindDamage };
    } catch (error) {
      if ((await reader.skipDamaged()) === null) throw error;
      isBehindDamage = true;
    }
  }
}

/** The place behind the record, or behind the item of it at which `accept` had enough. */
function readRecord(
  places: Places,
  options: ReadChangesOptions,
  { position, body }: Held,
  from: FeedPlace,
): { readonly next: FeedPlace; readonly isEnough: boolean } {
  const { interest, rows } = options;
  const passage = places.pass(from, position, decodeBatchPlace(position, body));
  if (passage.isBehind) return { next: passage.end, isEnough: false };
  const items = itemsOf(decodeBatch(position, body), options.registryAt);
  const count = items.length;
  for (let index = passage.behindOf(count); index < count; index++) {
    const item = items[index];
    if (item === undefined) break;
    if (item.kind === 'row' && interest.mask[item.row.series] !== 1) continue;
    const cursor = passage.cursorBehind(index, count);
    const text = changeText(item, cursor, interest, rows);
    if (text === undefined || options.accept(text, cursor, item)) continue;
    return { next: passage.placeBehind(index, count), isEnough: true };
  }
  return { next: passage.end, isEnough: false };
}
