/**
 * Bytes of citations, each once, in files named by their hash: `{hash}.gz`, or
 * without `.gz` a link to the file of a month, so that it is kept though the month is made anew, and
 * takes no room of its own.
 */
import { createHash } from 'node:crypto';
import { copyFile, link } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';

import {
  readFile,
  replaceFile,
  systemCode,
  unlinkIfThere,
  type FileSystem,
} from '../../ingest/log/file-system.ts';

export type Stored = 'gzip' | 'plain';

export interface Blobs {
  /** Durable when it resolves. */
  keep(bytes: Buffer): Promise<void>;
  keepFile(path: string, sha256: string): Promise<void>;
  read(sha256: string): Promise<Buffer>;
  /** Where the bytes of a linked file are. */
  pathOf(sha256: string): string;
  remove(sha256: string, stored: Stored): Promise<void>;
  /** Removes what is not in the list; answers bytes on the disk of the rest. */
  sweep(isKept: (sha256: string) => boolean): Promise<number>;
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
  const keep = async (bytes: Buffer): Promise<void> => {
    await fileSystem.makeDirectory(folder);
    await replaceFile(fileSystem, folder, `${hashOf(bytes)}.gz`, await pack(bytes));
  };
  return {
    pathOf,
    keep(bytes) {
      const kept = keeping.then(() => keep(bytes));
      keeping = kept.catch(() => undefined);
      return kept;
    },
    async keepFile(path, sha256) {
      await fileSystem.makeDirectory(folder);
      await linkOrCopy(path, pathOf(sha256));
      await fileSystem.syncDirectory(folder);
    },
    read: async (sha256) => unpack(await readFile(fileSystem, `${pathOf(sha256)}.gz`)),
    async remove(sha256, stored) {
      await unlinkIfThere(fileSystem, pathOf(sha256) + (stored === 'gzip' ? '.gz' : ''));
    },
    async sweep(isKept) {
      let bytes = 0;
      for (const name of await listed(fileSystem, folder)) {
        const path = `${folder}/${name}`;
        if (isKept(name.replace(/\.gz$/, ''))) bytes += await sizeOf(fileSystem, path);
        else await unlinkIfThere(fileSystem, path);
      }
      return bytes;
    },
  };
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

async function sizeOf(fileSystem: FileSystem, path: string): Promise<number> {
  const file = await fileSystem.open(path, 'read');
  try {
    return await file.size();
  } finally {
    await file.close();
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
