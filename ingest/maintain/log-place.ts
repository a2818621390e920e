import { createCrc32c } from '../log/crc32c.ts';
import { createDurableEnd, type SharedDurableEnd } from '../log/durable-end.ts';
import type { FileSystem } from '../log/file-system.ts';
import { systemCode } from '../log/file-system.ts';
import type { Position } from '../log/log.ts';
import { findEnd, knownEnd } from '../log/recovery.ts';
import { listFolder, openSegmentFile, type LogFolder } from '../log/segment-folder.ts';
import { openLogReader } from '../log/segment-log.ts';
import type { SegmentRecord } from '../log/segment-reader.ts';

/** A log as somebody sees it who only reads: up to a position that is durable. */
export interface LogPlace {
  readonly fileSystem: FileSystem;
  readonly directory: string;
  readonly durableEnd: SharedDurableEnd;
}

export function logPlace(fileSystem: FileSystem, directory: string, end: Position): LogPlace {
  const durableEnd = createDurableEnd();
  durableEnd.advance(end);
  return { fileSystem, directory, durableEnd };
}

/**
 * Where a log without an owner ends: what the next start would find, without changing a byte. 0 for a
 * log that was never made. A last segment that cannot be read ends where the log is known to have been.
 */
export async function findLogEnd(fileSystem: FileSystem, directory: string): Promise<Position> {
  const folder: LogFolder = { fileSystem, directory, crc32c: createCrc32c() };
  const listing = await listFolder(folder).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return null;
    throw error;
  });
  if (listing === null) return 0;
  const known = await knownEnd(folder, listing);
  const last = listing.segments.at(-1);
  if (last === undefined) return known;
  try {
    const opened = await openSegmentFile(folder, last);
    try {
      return Math.max(known, (await findEnd(folder, opened, known)).end);
    } finally {
      await opened.file.close();
    }
  } catch (error) {
    if (systemCode(error) === 'LOG_HEADER_DAMAGED') return Math.max(known, last - 1);
    throw error;
  }
}

export interface LogWalk {
  readonly log: LogPlace;
  readonly from?: Position;
  readonly bytesMax?: number;
  /** In order; the records are good until it returns. `stop`: no more are wanted. */
  readonly onRecords: (records: readonly SegmentRecord[]) => void | 'stop';
  /** `skip` goes on behind records that cannot be read: somebody else names them. */
  readonly damage: 'skip' | 'reject';
}

const walkBytes = 1_048_576;

/** Goes through a log up to its durable end. */
export async function walkLog(walk: LogWalk): Promise<void> {
  const { log, bytesMax = walkBytes, onRecords, damage } = walk;
  const reader = await openLogReader({
    ...log,
    ...(walk.from === undefined ? {} : { from: walk.from }),
  });
  const next = async (): Promise<readonly SegmentRecord[] | 'skipped'> => {
    try {
      return await reader.read(bytesMax);
    } catch (error) {
      if (damage === 'reject' || (await reader.skipDamaged()) === null) throw error;
      return 'skipped';
    }
  };
  try {
    for (;;) {
      const records = await next();
      if (records === 'skipped') continue;
      if (records.length === 0 || onRecords(records) === 'stop') return;
    }
  } finally {
    await reader.close();
  }
}
