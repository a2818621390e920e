/** The folder of a mirror on this machine's disk. */
import {
  appendFileSync,
  closeSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  statfsSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

import { takenBy, type MirrorFiles } from './files.ts';

/** Files with this ending are unfinished. */
export const unfinishedSuffix = '.new';

export function openMirrorFiles(directory: string): MirrorFiles {
  const at = (path: string): string => join(directory, path);
  const makeFolder = (path: string): void => void mkdirSync(dirname(at(path)), { recursive: true });
  return {
    read: (path) => orNone(() => readFileSync(at(path))),
    readEnd: (path, bytesMax) => orNone(() => readEnd(at(path), bytesMax)),
    write(path, bytes) {
      makeFolder(path);
      writeFileSync(at(path) + unfinishedSuffix, bytes);
      renameSync(at(path) + unfinishedSuffix, at(path));
    },
    append(path, bytes) {
      makeFolder(path);
      appendFileSync(at(path), bytes);
    },
    cut: (path, bytes) => truncateSync(at(path), bytes),
    remove: (path) => rmSync(at(path), { recursive: true, force: true }),
    move(from, to) {
      makeFolder(to);
      renameSync(at(from), at(to));
    },
    // Of a file too: it holds none.
    list: (folder) => (orNone(() => readdirSync(at(folder))) ?? []).sort(),
    sync(path) {
      syncOne(at(path));
      syncOne(dirname(at(path)));
    },
    taken: (path) => takenAt(at(path)),
    disk: () => diskAt(directory),
  };
}

function orNone<Found>(find: () => Found): Found | undefined {
  try {
    return find();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

function readEnd(path: string, bytesMax: number): Buffer {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    const bytes = Buffer.alloc(Math.min(size, bytesMax));
    const got = readSync(file, bytes, 0, bytes.length, size - bytes.length);
    return bytes.subarray(0, got);
  } finally {
    closeSync(file);
  }
}

function syncOne(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function takenAt(path: string): number {
  const found = orNone(() => statSync(path));
  if (found === undefined) return 0;
  if (!found.isDirectory()) return takenBy(found.size);
  return readdirSync(path).reduce((sum, name) => sum + takenAt(join(path, name)), 0);
}

/** Of the folder, or of the nearest above it that is there already. */
function diskAt(folder: string): { readonly freeBytes: number; readonly allBytes: number } {
  const found = orNone(() => statfsSync(folder));
  if (found === undefined) return diskAt(dirname(folder));
  return { freeBytes: found.bavail * found.bsize, allBytes: found.blocks * found.bsize };
}
