/**
 * Bytes of citations, each once, in files named by their hash: `{hash}.gz`, or
 * without `.gz` a link to the file of a month, so that it is kept though the month is made anew.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, link } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { createGunzip, gunzip, gzip } from 'node:zlib';

import {
  readFile,
  replaceFile,
  systemCode,
  unlinkIfThere,
  type FileSystem,
} from '../../ingest/log/file-system.ts';

export type Stored = 'gzip' | 'plain';

export interface Blobs {
  /**
   * Durable when they resolve. `admit` is told how many bytes of the disk they will take, and throws
   * where there is no room.
   */
  keep(bytes: Buffer, admit: Admit): Promise<void>;
  keepFile(file: LinkedFile, admit: Admit): Promise<void>;
  read(sha256: string): Promise<Buffer>;
  /** Piece by piece; what is before the span is unpacked and let go. */
  stream(sha256: string, stored: Stored, span: ByteSpan): Readable;
  /** Answers how many bytes of the disk are free again. */
  remove(sha256: string, stored: Stored): Promise<number>;
  /** Removes what is not in the list; answers bytes on the disk of the rest. */
  sweep(isKept: (sha256: string) => boolean): Promise<number>;
}

/** Both inclusive. */
export interface ByteSpan {
  readonly first: number;
  readonly last: number;
}

export type Admit = (bytes: number) => void;

export interface LinkedFile {
  readonly path: string;
  readonly sha256: string;
  readonly bytes: number;
}

/** What a disk gives at least, and gives whole. */
const blockBytes = 4_096;

function blocksOf(bytes: number): number {
  return Math.ceil(bytes / blockBytes) * blockBytes;
}

const pack = promisify(gzip);
const unpack = promisify(gunzip);

export function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export function openBlobs(fileSystem: FileSystem, folder: string): Blobs {
  const pathOf = (sha256: string): string => `${folder}/${sha256}`;
  // One after the other: two of the same bytes would be in each other's way.
  let keeping: Promise<unknown> = Promise.resolve();
  const keep = async (bytes: Buffer, admit: Admit): Promise<void> => {
    const packed = await pack(bytes);
    admit(blocksOf(packed.length));
    await fileSystem.makeDirectory(folder);
    await replaceFile(fileSystem, folder, `${hashOf(bytes)}.gz`, packed);
  };
  return {
    keep(bytes, admit) {
      const kept = keeping.then(() => keep(bytes, admit));
      keeping = kept.catch(() => undefined);
      return kept;
    },
    async keepFile({ path, sha256, bytes }, admit) {
      admit(blocksOf(bytes));
      await fileSystem.makeDirectory(folder);
      await linkOrCopy(path, pathOf(sha256));
      await fileSystem.syncDirectory(folder);
    },
    stream(sha256, stored, { first, last }) {
      if (last < first) return Readable.from([]);
      if (stored === 'plain') return createReadStream(pathOf(sha256), { start: first, end: last });
      const pieces = unpacked(`${pathOf(sha256)}.gz`, { first, last });
      return Readable.from(pieces, { objectMode: false, highWaterMark: 65_536 });
    },
    read: async (sha256) => unpack(await readFile(fileSystem, `${pathOf(sha256)}.gz`)),
    async remove(sha256, stored) {
      const path = pathOf(sha256) + (stored === 'gzip' ? '.gz' : '');
      const bytes = blocksOf(await sizeOf(fileSystem, path));
      await unlinkIfThere(fileSystem, path);
      return bytes;
    },
    async sweep(isKept) {
      let bytes = 0;
      for (const name of await listed(fileSystem, folder)) {
        const path = `${folder}/${name}`;
        if (isKept(name.replace(/\.gz$/, ''))) bytes += blocksOf(await sizeOf(fileSystem, path));
        else await unlinkIfThere(fileSystem, path);
      }
      return bytes;
    },
  };
}

async function* unpacked(path: string, { first, last }: ByteSpan): AsyncGenerator<Uint8Array> {
  const file = createReadStream(path);
  const pieces = file.pipe(createGunzip());
  file.once('error', (error) => pieces.destroy(error));
  let at = 0;
  try {
    for await (const piece of pieces as AsyncIterable<Uint8Array>) {
      const part = piece.subarray(Math.max(0, first - at), last + 1 - at);
      if (part.length > 0) yield part;
      at += piece.length;
      if (at > last) return;
    }
  } finally {
    file.destroy();
    pieces.destroy();
  }
}

/** A disk without links gets a copy. */
async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    const code = systemCode(error);
    if (code === 'EEXIST') return;
    if (code !== 'EXDEV' && code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EMLINK')
      throw error;
    await copyFile(from, to);
  }
}

/** 0 where it is not there. */
async function sizeOf(fileSystem: FileSystem, path: string): Promise<number> {
  try {
    const file = await fileSystem.open(path, 'read');
    try {
      return await file.size();
    } finally {
      await file.close();
    }
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return 0;
    throw error;
  }
}

async function listed(fileSystem: FileSystem, directory: string): Promise<readonly string[]> {
  try {
    return await fileSystem.list(directory);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  }
}
