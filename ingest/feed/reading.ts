/**
 * Reads changes from the log itself, one after the other: for `/changes` and for live clients that
 * are behind. A reader keeps what it has read and not yet given out, so that going on where it
 * stopped, even inside a batch, costs no search of the log.
 */
import { changeText, itemsOf, type FeedItem, type Interest, type RegistryAt } from './changes.ts';
import type { LogReader, LogRecord, Position } from '../log/log.ts';
import { decodeBatch, decodeBatchPlace } from '../observations/batch-codec.ts';
import type { PublicRows } from '../observations/public-row.ts';
import type { FeedPlace, FeedPlaces } from './places/places.ts';
import type { LogSource } from './feed.ts';

interface ReadChangesOptions {
  readonly registryAt: RegistryAt;
  readonly rows: PublicRows;
  readonly interest: Interest;
  /** Nothing behind this position is read, though the log may hold more. */
  readonly toPosition: number;
  readonly scanBytesMax: number;
  /** Nothing behind this end is read, though the log may hold more. */
  readonly until?: FeedPlace | undefined;
  /** Takes a change and says whether it wants more. */
  readonly accept: (text: string, cursor: string, item: FeedItem) => boolean;
}

export interface ChangeReader {
  /** Where reading goes on. */
  readonly place: FeedPlace;
  /**
   * In a copy, a record that lies behind `until` in part or whole and that was passed over, since
   * others behind it do not: reading goes on there, with another reader.
   */
  readonly passedOver: Position | undefined;
  /** Of the log, gone through since it was opened, whatever was given out. */
  readonly scannedBytes: number;
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
  places: FeedPlaces,
  from: FeedPlace,
): Promise<ChangeReader> {
  const reader = await source.openReader(from.position);
  let place = from;
  let held: readonly Held[] = [];
  let isExpired = reader.next > from.position;
  let passedOver: Position | undefined;
  let scannedBytes = 0;

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
      const read = readRecord(places, options, record, place);
      place = read.next;
      scannedBytes += record.body.length;
      // What lies behind the end is gone through however much it is: a page that stopped there would
      // begin there again.
      if (!read.isBehindEnd) stop.leftBytes -= record.body.length;
      if (read.isBehindEnd && place.reach !== undefined) {
        passedOver ??= record.position;
        place = { ...place, position: record.position + 1 };
      } else if (place.position === record.position) return keep(records, index);
      if (read.isEnough || stop.leftBytes <= 0 || isAtEnd(options)) return keep(records, index + 1);
    }
    return false;
  }

  function isAtEnd({ until }: ReadChangesOptions): boolean {
    return until !== undefined && places.hasReached(place, until);
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
    get passedOver() {
      return passedOver;
    },
    get scannedBytes() {
      return scannedBytes;
    },
    async read(options) {
      const stop = { leftBytes: options.scanBytesMax };
      while (!isExpired && place.position <= options.toPosition && !isAtEnd(options)) {
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

/** Records, behind a damaged stretch where there was one. */
export async function readOrSkip(
  reader: LogReader,
  bytesMax = chunkBytes,
): Promise<{ readonly records: readonly LogRecord[]; readonly isBehindDamage: boolean }> {
  let isBehindDamage = false;
  for (;;) {
    try {
      return { records: await reader.read(bytesMax), isBehindDamage };
    } catch (error) {
      if ((await reader.skipDamaged()) === null) throw error;
      isBehindDamage = true;
    }
  }
}

/** More than any record has. */
const itemsMax = 2 ** 40;

interface ReadRecord {
  readonly next: FeedPlace;
  readonly isEnough: boolean;
  /** Some of it lies behind the end, and was not read. */
  readonly isBehindEnd: boolean;
}

/**
 * The place behind the record, or behind the item of it at which `accept` had enough, or behind its
 * last item before the end.
 */
function readRecord(
  places: FeedPlaces,
  options: ReadChangesOptions,
  { position, body }: Held,
  from: FeedPlace,
): ReadRecord {
  const { interest, rows, until } = options;
  const place = decodeBatchPlace(position, body);
  const passage = places.pass(from, position, place);
  const whole = { next: passage.end, isEnough: false, isBehindEnd: false };
  if (passage.isBehind) return whole;
  const items = itemsOf(decodeBatch(position, body), options.registryAt);
  const count = items.length;
  const begin = passage.behindOf(count);
  const before = (of: number): number =>
    until === undefined ? of : places.itemsBefore(until, { position, place }, of);
  // A record without items lies before the end or not, as well as one with many.
  const isAllBefore = before(itemsMax) === itemsMax;
  const end = isAllBefore ? count : before(count);
  for (let index = begin; index < end; index++) {
    const item = items[index];
    if (item === undefined) break;
    if (item.kind === 'row' && interest.mask[item.row.series] !== 1) continue;
    const cursor = passage.cursorBehind(index, count);
    const text = changeText(item, cursor, interest, rows);
    if (text === undefined || options.accept(text, cursor, item)) continue;
    return { ...whole, next: passage.placeBehind(index, count), isEnough: true };
  }
  if (isAllBefore) return whole;
  const next = end > begin ? passage.placeBehind(end - 1, count) : from;
  return { next, isEnough: false, isBehindEnd: true };
}
