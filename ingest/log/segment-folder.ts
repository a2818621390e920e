import type { Crc32c } from './crc32c.ts';
import { logError } from './errors.ts';
import type { FileSystem, OpenFile } from './file-system.ts';
import { readWhole, systemCode } from './file-system.ts';
import type { Position } from './log.ts';
import type { DecodedHeader, SegmentHeader } from './segment-format.ts';
import { decodeHeader, headerBytes } from './segment-format.ts';

/** Where a log lives, and what every part of it needs to read it. */
export interface LogFolder {
  readonly fileSystem: FileSystem;
  readonly directory: string;
  readonly crc32c: Crc32c;
}

/**
 * Names in the folder: `<first position, 16 digits>.segment` holds records; `.seal` beside it proves
 * a closed one; `.tombstone` stands where retention deleted one; `end` holds a position that the log
 * has reached; `owner.lock` is the lock.
 */
export type FileKind = 'segment' | 'seal' | 'tombstone';

const firstDigits = 16;
const namePattern = /^(\d{16})\.(segment|seal|tombstone)$/;

export function nameOf(first: Position, kind: FileKind): string {
  return `${String(first).padStart(firstDigits, '0')}.${kind}`;
}

export function pathOf(folder: LogFolder, first: Position, kind: FileKind): string {
  return `${folder.directory}/${nameOf(first, kind)}`;
}

/** First positions of what is there, ascending. */
export interface FolderListing {
  readonly segments: readonly Position[];
  readonly seals: readonly Position[];
  readonly tombstones: readonly Position[];
  /** Names of segments and seals whose tombstone stands: a deletion that was cut short. */
  readonly leftovers: readonly string[];
  /** Everything else, by name. */
  readonly others: readonly string[];
}

export async function listFolder(folder: LogFolder): Promise<FolderListing> {
  const found: Record<FileKind, Position[]> = { segment: [], seal: [], tombstone: [] };
  const others: string[] = [];
  for (const name of await folder.fileSystem.list(folder.directory)) {
    const match = namePattern.exec(name);
    if (match === null) others.push(name);
    else found[match[2] as FileKind].push(Number(match[1]));
  }
  const ascending = (a: number, b: number): number => a - b;
  const tombstones = found.tombstone.toSorted(ascending);
  const deleted = new Set(tombstones);
  const kept = (kind: FileKind): Position[] =>
    found[kind].filter((first) => !deleted.has(first)).toSorted(ascending);
  const leftovers = (['segment', 'seal'] as const).flatMap((kind) =>
    found[kind].filter((first) => deleted.has(first)).map((first) => nameOf(first, kind)),
  );
  return { segments: kept('segment'), seals: kept('seal'), tombstones, leftovers, others };
}

export interface OpenSegmentFile {
  readonly file: OpenFile;
  readonly header: SegmentHeader;
  readonly damaged: DecodedHeader['damaged'];
}

/** Opens a segment and its header. Rejects with LOG_SEGMENT_MISSING, LOG_HEADER_DAMAGED, LOG_VERSION. */
export async function openSegmentFile(
  folder: LogFolder,
  first: Position,
  mode: 'read' | 'write' = 'read',
): Promise<OpenSegmentFile> {
  const path = pathOf(folder, first, 'segment');
  let file: OpenFile;
  try {
    file = await folder.fileSystem.open(path, mode);
  } catch (cause) {
    const code = systemCode(cause) === 'ENOENT' ? 'LOG_SEGMENT_MISSING' : 'LOG_READ_FAILED';
    throw logError(code, { segment: path }, cause);
  }
  try {
    const bytes = Buffer.alloc(headerBytes);
    const got = await readWhole(file, bytes, headerBytes, 0);
    const { header, damaged } = decodeHeader(bytes.subarray(0, got), folder.crc32c);
    if (header === null || header.first !== first) {
      throw logError('LOG_HEADER_DAMAGED', { segment: path, bytes: got });
    }
    return { file, header, damaged };
  } catch (error) {
    await file.close();
    throw error;
  }
}
