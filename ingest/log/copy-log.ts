import { createCrc32c } from './crc32c.ts';
import { logError } from './errors.ts';
import type { FileSystem, OpenFile } from './file-system.ts';
import { readFile, readWhole, systemCode, writeWhole } from './file-system.ts';
import type { Position } from './log.ts';
import { writeEnd } from './recovery.ts';
import type { FileKind, LogFolder } from './segment-folder.ts';
import { listFolder, nameOf, openSegmentFile, pathOf } from './segment-folder.ts';
import { bufferBytesMin, SegmentScan } from './segment-scan.ts';

export interface CopyLogOptions {
  readonly fileSystem: FileSystem;
  readonly directory: string;
  /** The last position of the copy: a durable end, or an earlier position. */
  readonly end: Position;
  /** Made if it is not there; must hold no log. */
  readonly targetDirectory: string;
  readonly onProgress?: (bytes: number) => void;
}

export interface LogCopy {
  readonly first: Position;
  readonly end: Position;
  readonly bytes: number;
}

/**
 * Copies a log while its owner appends: tombstones, sealed segments with their seals, and of the
 * segment that holds `end` what lies up to it. The copy is a log that can be opened and verified.
 */
export async function copyLog(options: CopyLogOptions): Promise<LogCopy> {
  const { fileSystem, directory, end, targetDirectory } = options;
  const crc32c = createCrc32c();
  const from: LogFolder = { fileSystem, directory, crc32c };
  const to: LogFolder = { fileSystem, directory: targetDirectory, crc32c };
  await fileSystem.makeDirectory(targetDirectory);
  const listing = await listFolder(from);
  const segments = listing.segments.filter((first) => first <= end);
  let [bytes, kept] = [0, end + 1];
  for (const first of listing.tombstones) await copySmall(from, to, first, 'tombstone');
  for (const [index, first] of segments.entries()) {
    const follower = segments[index + 1] ?? end + 1;
    const copied = await copySegment(from, to, first, follower);
    if (copied === null) {
      // Retention deleted it meanwhile: its tombstone takes its place.
      await copySmall(from, to, first, 'tombstone');
      continue;
    }
    kept = Math.min(kept, first);
    bytes += copied;
    options.onProgress?.(bytes);
    const isWhole = follower <= end || listing.segments.includes(end + 1);
    if (isWhole && listing.seals.includes(first)) await copySmall(from, to, first, 'seal');
  }
  if (end > 0) await writeEnd(to, end);
  await fileSystem.syncDirectory(targetDirectory);
  return { first: kept, end, bytes };
}

/** Bytes copied; null where the segment is gone. */
async function copySegment(
  from: LogFolder,
  to: LogFolder,
  first: Position,
  follower: Position,
): Promise<number | null> {
  const opened = await openSegmentFile(from, first).catch((error: unknown) => {
    if (systemCode(error) === 'LOG_SEGMENT_MISSING') return null;
    throw error;
  });
  if (opened === null) return null;
  try {
    const scan = new SegmentScan({
      file: opened.file,
      crc32c: from.crc32c,
      salt: opened.header.salt,
      first,
      limit: follower,
    });
    const bytes = await endOffset(scan, follower);
    await copyBytes(opened.file, to, nameOf(first, 'segment'), bytes);
    return bytes;
  } finally {
    await opened.file.close();
  }
}

/** Where the records before `follower` end. Damage stays in the copy as it is. */
async function endOffset(scan: SegmentScan, follower: Position): Promise<number> {
  await scan.seek(follower - 1);
  for (;;) {
    const step = scan.step();
    if (step === 'more') await scan.fill(bufferBytesMin);
    else if (step === 'damaged' || (step === 'end' && scan.position < follower)) {
      const hole = { offset: scan.offset, position: scan.position };
      const next = await scan.findNext({ from: hole.offset, atLeast: hole.position, base: hole });
      if (next === null) return scan.file.size();
      scan.moveTo(next.offset, next.position);
    } else if (step === 'end') return scan.offset;
  }
}

const chunkBytes = 1_048_576;

async function copyBytes(
  source: OpenFile,
  to: LogFolder,
  name: string,
  bytes: number,
): Promise<void> {
  const target = await to.fileSystem.open(`${to.directory}/${name}`, 'create');
  try {
    const chunk = Buffer.allocUnsafeSlow(Math.min(bytes, chunkBytes));
    for (let at = 0; at < bytes; at += chunkBytes) {
      const length = Math.min(chunkBytes, bytes - at);
      const got = await readWhole(source, chunk, length, at);
      if (got < length) throw logError('LOG_READ_FAILED', { segment: name, offset: at + got });
      await writeWhole(target, chunk, length, at);
    }
    await target.sync();
  } finally {
    await target.close();
  }
}

async function copySmall(
  from: LogFolder,
  to: LogFolder,
  first: Position,
  kind: FileKind,
): Promise<void> {
  const bytes = await readFile(from.fileSystem, pathOf(from, first, kind));
  const target = await to.fileSystem.open(pathOf(to, first, kind), 'create');
  try {
    await writeWhole(target, bytes, bytes.length, 0);
    await target.sync();
  } finally {
    await target.close();
  }
}
