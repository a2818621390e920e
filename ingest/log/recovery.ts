import { logError } from './errors.ts';
import {
  readFile,
  readWhole,
  replaceFile,
  systemCode,
  temporarySuffix,
  writeWhole,
} from './file-system.ts';
import type { Position } from './log.ts';
import type { OpenSegment } from './open-segment.ts';
import { decodeChecked, encodeChecked, readSeal, readTombstone } from './seal.ts';
import { flagFirstOfCommit, headerBytes } from './segment-format.ts';
import type { FolderListing, LogFolder, OpenSegmentFile } from './segment-folder.ts';
import { listFolder, openSegmentFile, pathOf } from './segment-folder.ts';
import type { Place } from './segment-scan.ts';
import { SegmentScan } from './segment-scan.ts';

/** A segment that is no longer written. */
export interface ClosedSegment {
  readonly first: Position;
  readonly last: Position;
  bytes: number;
  sealed: boolean;
}

/** What was found and mended at start. */
export interface RecoveryReport {
  /** Bytes behind the last sound record that were cut; 0 when the log ended cleanly. */
  readonly tornBytes: number;
  /** First position that the cut bytes would have held; nothing from there on was promised. */
  readonly tornPosition: Position;
  /** Damaged stretches that were promised: they stay, and readers name them. */
  readonly damaged: readonly { readonly first: Position; readonly last: Position }[];
  /** Leftovers of a maintenance that was cut short, by name. */
  readonly removed: readonly string[];
}

export interface Recovered {
  readonly closed: ClosedSegment[];
  /** Null where the next commit must open one. */
  readonly open: OpenSegment | null;
  readonly salt: number | null;
  readonly end: Position;
  readonly report: RecoveryReport;
}

const endName = 'end';

/** Finds the end of a log, cuts a torn tail, and makes sure that what is left is on the disk. */
export async function recoverLog(folder: LogFolder): Promise<Recovered> {
  const removed = await removeLeftovers(folder);
  let listing = await listFolder(folder);
  const known = await knownEnd(folder, listing);
  let last = listing.segments.at(-1);
  if (last !== undefined && (await isTornCreation(folder, last))) {
    await folder.fileSystem.unlink(pathOf(folder, last, 'segment'));
    await folder.fileSystem.syncDirectory(folder.directory);
    removed.push(`${last}.segment`);
    listing = await listFolder(folder);
    last = listing.segments.at(-1);
  }
  const tail = last === undefined ? emptyTail(known) : await recoverTail(folder, last, known);
  if (tail.end < known) {
    await tail.open?.file.close();
    throw logError('LOG_SHORTENED', { directory: folder.directory, end: tail.end, known });
  }
  const closed = await describeClosed(folder, listing);
  // Sealed: it was closed, and nothing was begun behind it. It never takes a record again.
  if (last !== undefined && tail.open !== null && (await isSealed(folder, listing, last))) {
    const { first, file, bytes } = tail.open;
    await file.close();
    closed.push({ first, last: tail.end, bytes, sealed: true });
    return {
      closed,
      open: null,
      salt: tail.salt,
      end: tail.end,
      report: { ...tail.report, removed },
    };
  }
  return {
    closed,
    open: tail.open,
    salt: tail.salt,
    end: tail.end,
    report: { ...tail.report, removed },
  };
}

/**
 * A position that the log is known to have reached: the greatest that a seal, a tombstone or the
 * file `end` names. The end never goes back, so an old `end` is right too, only less sharp.
 */
export async function knownEnd(folder: LogFolder, listing: FolderListing): Promise<Position> {
  const newestSeal = listing.seals.at(-1);
  const newestTombstone = listing.tombstones.at(-1);
  const ends = [await readEnd(folder)];
  if (newestSeal !== undefined) ends.push(await lastOf(readSeal(folder, newestSeal)));
  if (newestTombstone !== undefined) {
    ends.push(await lastOf(readTombstone(folder, newestTombstone).then((one) => one.seal)));
  }
  return Math.max(...ends);
}

/** A damaged proof proves nothing: `verify` names it, the start goes on without it. */
async function lastOf(proof: Promise<{ readonly last: Position }>): Promise<Position> {
  try {
    return (await proof).last;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'LOG_SEAL_DAMAGED') return 0;
    throw error;
  }
}

async function readEnd(folder: LogFolder): Promise<Position> {
  try {
    const bytes = await readFile(folder.fileSystem, `${folder.directory}/${endName}`);
    const value = decodeChecked(folder, bytes) as { readonly end?: unknown } | null;
    return typeof value?.end === 'number' ? value.end : 0;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return 0;
    throw error;
  }
}

/** Notes a position that is durable, so that later damage before it is never taken for a torn tail. */
export async function writeEnd(folder: LogFolder, end: Position): Promise<void> {
  await replaceFile(
    folder.fileSystem,
    folder.directory,
    endName,
    encodeChecked(folder, { format: 'quantrac-log-end/1', end }),
  );
}

async function removeLeftovers(folder: LogFolder): Promise<string[]> {
  const { leftovers, others } = await listFolder(folder);
  const names = [...leftovers, ...others.filter((name) => name.endsWith(temporarySuffix))];
  for (const name of names) await folder.fileSystem.unlink(`${folder.directory}/${name}`);
  if (names.length > 0) await folder.fileSystem.syncDirectory(folder.directory);
  return names;
}

async function isSealed(
  folder: LogFolder,
  listing: FolderListing,
  first: Position,
): Promise<boolean> {
  return listing.seals.includes(first) && (await lastOf(readSeal(folder, first))) > 0;
}

/** The header is synced before the first record is written: a file without one never held any. */
async function isTornCreation(folder: LogFolder, first: Position): Promise<boolean> {
  const file = await folder.fileSystem.open(pathOf(folder, first, 'segment'), 'read');
  try {
    if ((await file.size()) > headerBytes) return false;
  } finally {
    await file.close();
  }
  try {
    await (await openSegmentFile(folder, first)).file.close();
    return false;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'LOG_HEADER_DAMAGED')
      return true;
    throw error;
  }
}

interface Tail {
  readonly open: OpenSegment | null;
  readonly salt: number | null;
  readonly end: Position;
  readonly report: Omit<RecoveryReport, 'removed'>;
}

function emptyTail(end: Position): Tail {
  return {
    open: null,
    salt: null,
    end,
    report: { tornBytes: 0, tornPosition: end + 1, damaged: [] },
  };
}

async function recoverTail(folder: LogFolder, first: Position, known: Position): Promise<Tail> {
  const opened = await openSegmentFile(folder, first, 'write');
  try {
    const found = await findEnd(folder, opened, known);
    if ((await opened.file.size()) > found.bytes) await opened.file.truncate(found.bytes);
    await rewriteLastCommit(opened, found);
    await opened.file.sync();
    // A process that died while it made the segment left a name that only its system knows.
    await folder.fileSystem.syncDirectory(folder.directory);
    return {
      open: {
        first,
        file: opened.file,
        openedAt: opened.header.openedAt,
        bytes: found.bytes,
        allocatedBytes: found.bytes,
      },
      salt: opened.header.salt,
      end: found.end,
      report: {
        tornBytes: found.tornBytes,
        tornPosition: found.end + 1,
        damaged: found.damaged,
      },
    };
  } catch (error) {
    await opened.file.close();
    throw error;
  }
}

export interface FoundEnd {
  readonly bytes: number;
  /** Written and not promised; zeros that were allocated ahead are not counted. */
  readonly tornBytes: number;
  readonly end: Position;
  readonly lastCommitOffset: number;
  readonly damaged: { readonly first: Position; readonly last: Position }[];
}

/**
 * The end of the last segment. Where the bytes stop being records there are two cases. A torn tail:
 * the last commit was cut short, nothing from there on was promised, and it is cut. Damage: a later
 * commit stands behind it (a commit is written only when the one before was synced), or a position
 * behind it is known to have been reached; then it is kept, named, and the log goes on behind it.
 */
export async function findEnd(
  folder: LogFolder,
  opened: OpenSegmentFile,
  known: Position,
): Promise<FoundEnd> {
  const { file, header } = opened;
  const scan = new SegmentScan({
    file,
    crc32c: folder.crc32c,
    salt: header.salt,
    first: header.first,
    limit: Infinity,
  });
  const damaged: { readonly first: Position; readonly last: Position }[] = [];
  let doubtful: (Place & { readonly last: Position })[] = [];
  let lastCommitOffset = headerBytes;
  for (;;) {
    const step = scan.step();
    if (step === 'end') break;
    if (step === 'more') await scan.fill(scanBytes);
    if (step === 'record' && (scan.flags & flagFirstOfCommit) !== 0) {
      for (const hole of doubtful) damaged.push({ first: hole.position, last: hole.last });
      doubtful = [];
      lastCommitOffset = scan.recordOffset;
    }
    if (step !== 'damaged') continue;
    const hole: Place = { offset: scan.offset, position: scan.position };
    const next = await scan.findNext({ from: hole.offset, atLeast: hole.position, base: hole });
    if (next === null) return endAtHole(scan, [...doubtful, { ...hole, last: Infinity }]);
    doubtful.push({ ...hole, last: next.position - 1 });
    scan.moveTo(next.offset, next.position);
  }
  return endAtHole(scan, doubtful);

  async function endAtHole(at: SegmentScan, holes: typeof doubtful): Promise<FoundEnd> {
    const promised = holes.filter((hole) => hole.position <= known);
    const cut = holes.find((hole) => hole.position > known);
    for (const hole of promised) {
      damaged.push({ first: hole.position, last: hole.last === Infinity ? known : hole.last });
    }
    const isEndless = promised.at(-1)?.last === Infinity;
    const writtenBytes = await endOfWritten(at);
    const bytes = cut?.offset ?? (isEndless ? writtenBytes : at.offset);
    const tornBytes = Math.max(0, writtenBytes - bytes);
    const end = cut === undefined ? (isEndless ? known : at.position - 1) : cut.position - 1;
    return { bytes, tornBytes, end, lastCommitOffset, damaged };
  }
}

/** Where the zeros begin that reach to the end of the file; not before the scan's place. */
async function endOfWritten(scan: SegmentScan): Promise<number> {
  const left = (await scan.file.size()) - scan.offset;
  const buffer = Buffer.allocUnsafeSlow(Math.max(1, Math.min(scanBytes, left)));
  let end = scan.offset;
  for (let from = scan.offset; ; from += buffer.length) {
    const got = await readWhole(scan.file, buffer, buffer.length, from);
    for (let at = got - 1; at >= 0; at--) {
      if (buffer[at] === 0) continue;
      end = from + at + 1;
      break;
    }
    if (got < buffer.length || from + got >= scan.offset + left) return end;
  }
}

const scanBytes = 1_048_576;

/**
 * Writes the last commit once more before it is believed: an earlier process may have died after a
 * sync that failed, and the system then holds pages as clean that never reached the disk.
 */
async function rewriteLastCommit(opened: OpenSegmentFile, found: FoundEnd): Promise<void> {
  const length = found.bytes - found.lastCommitOffset;
  if (length <= 0) return;
  const bytes = Buffer.allocUnsafeSlow(length);
  const got = await readWhole(opened.file, bytes, length, found.lastCommitOffset);
  await writeWhole(opened.file, bytes, got, found.lastCommitOffset);
}

/** Every segment but the last, with its size; a few at a time, for a log of years has thousands. */
async function describeClosed(folder: LogFolder, listing: FolderListing): Promise<ClosedSegment[]> {
  const sealed = new Set(listing.seals);
  const closed: ClosedSegment[] = [];
  const atOnce = 32;
  for (let from = 0; from < listing.segments.length - 1; from += atOnce) {
    const some = listing.segments.slice(from, Math.min(from + atOnce, listing.segments.length - 1));
    const sizes = await Promise.all(some.map((first) => sizeOf(folder, first)));
    some.forEach((first, index) => {
      const last = (listing.segments[from + index + 1] ?? 0) - 1;
      closed.push({ first, last, bytes: sizes[index] ?? 0, sealed: sealed.has(first) });
    });
  }
  return closed;
}

async function sizeOf(folder: LogFolder, first: Position): Promise<number> {
  const file = await folder.fileSystem.open(pathOf(folder, first, 'segment'), 'read');
  try {
    return await file.size();
  } finally {
    await file.close();
  }
}
