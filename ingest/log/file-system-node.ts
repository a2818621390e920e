import {
  close,
  fdatasync,
  fstat,
  fsync,
  ftruncate,
  mkdir,
  open,
  read,
  readdir,
  rename,
  statfs,
  unlink,
  write,
} from 'node:fs';
import { dirname } from 'node:path';

import type { FileSystem, OpenFile, OpenMode } from './file-system.ts';

const flags: Readonly<Record<OpenMode, string>> = {
  read: 'r',
  write: 'r+',
  create: 'wx+',
  createSecret: 'wx+',
};

type Answer<Value> = (error: Error | null, value: Value) => void;
type Ending = (error: Error | null) => void;

/**
 * The machine's disk, through the callbacks of `node:fs`: they cost less than its promises, and a
 * commit makes two calls.
 */
export function openNodeFileSystem(): FileSystem {
  return {
    open: async (path, mode) =>
      createOpenFile(
        await asked<number>((answer) =>
          open(path, flags[mode], mode === 'createSecret' ? 0o600 : 0o640, answer),
        ),
      ),
    rename: (from, to) => done((answer) => rename(from, to, answer)),
    unlink: (path) => done((answer) => unlink(path, answer)),
    list: (directory) => asked<string[]>((answer) => readdir(directory, answer)),
    async makeDirectory(path) {
      await done((answer) => mkdir(path, { recursive: true, mode: 0o750 }, answer));
      await syncDirectory(dirname(path));
    },
    syncDirectory,
    async freeBytes(path) {
      const stats = await asked<{ bavail: number; bsize: number }>((answer) =>
        statfs(path, answer),
      );
      return stats.bavail * stats.bsize;
    },
  };
}

async function syncDirectory(path: string): Promise<void> {
  const handle = await asked<number>((answer) => open(path, 'r', answer));
  try {
    await done((answer) => fsync(handle, answer));
  } finally {
    await done((answer) => close(handle, answer));
  }
}

function createOpenFile(handle: number): OpenFile {
  return {
    read: (target, at, length, offset) =>
      asked<number>((answer) => read(handle, target, at, length, offset, answer)),
    write: (source, at, length, offset) =>
      asked<number>((answer) => write(handle, source, at, length, offset, answer)),
    sync: () => done((answer) => fdatasync(handle, answer)),
    truncate: (bytes) => done((answer) => ftruncate(handle, bytes, answer)),
    size: async () => (await asked<{ size: number }>((answer) => fstat(handle, answer))).size,
    close: () => done((answer) => close(handle, answer)),
  };
}

function asked<Value>(call: (answer: Answer<Value>) => void): Promise<Value> {
  return new Promise((resolve, reject) => {
    call((error, value) => (error instanceof Error ? reject(error) : resolve(value)));
  });
}

function done(call: (answer: Ending) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    call((error) => (error instanceof Error ? reject(error) : resolve()));
  });
}
