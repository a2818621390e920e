/** Reads changes from the log itself, from any place on: for `/changes` and for who is behind. */
import type { LogReader, LogRecord } from '../../ingest/log/log.ts';
import { decodeBatch } from '../../ingest/observations/batch-codec.ts';
import type { PublicRows } from '../../ingest/observations/public-row.ts';
import type { Cursors, FeedPlace } from '../cursor.ts';
import { changeText, cursorBehind, itemsOf, type Interest, type RegistryAt } from './changes.ts';

const readBytes = 65_536;

export interface ReadChangesOptions {
  readonly reader: LogReader;
  readonly cursors: Cursors;
  readonly registryAt: RegistryAt;
  readonly rows: PublicRows;
  readonly interest: Interest;
  readonly from: FeedPlace;
  /** Nothing behind this position is read, though the log may hold more. */
  readonly toPosition: number;
  readonly scanBytesMax: number;
  /** Takes a change and says whether it wants more. */
  readonly accept: (text: string, cursor: string) => boolean;
}

export interface ReadChanges {
  /** Where reading goes on. */
  readonly next: FeedPlace;
  /** The log no longer holds the place asked for: it begins later. */
  readonly isExpired: boolean;
}

/**
 * Reads until `accept` has enough, the log ends, or `scanBytesMax` bytes were looked through. A
 * damaged stretch is stepped over: the feed has told the operator of it.
 */
export async function readChanges(options: ReadChangesOptions): Promise<ReadChanges> {
  const { reader, toPosition } = options;
  let next = options.from;
  let scannedBytes = 0;
  reader.seek(next.position);
  if (reader.next > next.position) return { next, isExpired: true };
  while (next.position <= toPosition && scannedBytes < options.scanBytesMax) {
    const { records, isBehindDamage } = await readOrSkip(reader);
    const first = records[0];
    if (first === undefined) break;
    if (first.position > next.position && !isBehindDamage) return { next, isExpired: true };
    for (const record of records) {
      if (record.position > toPosition) return { next, isExpired: false };
      scannedBytes += record.body.length;
      const read = readRecord(options, record.position, record.body, next);
      next = read.next;
      if (read.isEnough) return { next, isExpired: false };
    }
  }
  return { next, isExpired: false };
}

async function readOrSkip(
  reader: LogReader,
): Promise<{ readonly records: readonly LogRecord[]; readonly isBehindDamage: boolean }> {
  let isBehindDamage = false;
  for (;;) {
    try {
      return { records: await reader.read(readBytes), isBehindDamage };
    } catch (error) {
      if ((await reader.skipDamaged()) === null) throw error;
      isBehindDamage = true;
    }
  }
}

/** The place behind the record, or behind the item of it at which `accept` had enough. */
function readRecord(
  options: ReadChangesOptions,
  position: number,
  body: Buffer,
  from: FeedPlace,
): { readonly next: FeedPlace; readonly isEnough: boolean } {
  const { cursors, interest, rows } = options;
  const items = itemsOf(decodeBatch(position, body), options.registryAt);
  const begin = from.position === position ? from.index : 0;
  for (let index = begin; index < items.length; index++) {
    const item = items[index];
    if (item === undefined) break;
    if (item.kind === 'row' && interest.mask[item.row.series] !== 1) continue;
    const cursor = cursorBehind(cursors, position, index);
    const text = changeText(item, cursor, interest, rows);
    if (text === undefined || options.accept(text, cursor)) continue;
    const next =
      index + 1 < items.length
        ? { position, index: index + 1 }
        : { position: position + 1, index: 0 };
    return { next, isEnough: true };
  }
  return { next: { position: position + 1, index: 0 }, isEnough: false };
}
