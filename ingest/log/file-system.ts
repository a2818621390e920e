/**
 * What the log needs of a disk, as a port: the machine's (`file-system-node.ts`), one in memory that
 * knows what a loss of power takes (`file-system-memory.ts`), and one that fails on command
 * (`file-system-faults.ts`). Failures reject with an Error whose `code` is the system's (EIO,
 * ENOSPC, ENOENT, EEXIST, EMFILE).
 */
export interface FileSystem {
  /**
   * `create` makes a new file for reading and writing and fails with EEXIST where one exists;
   * `createSecret` too, one that only its owner may read.
   */
  open(path: string, mode: OpenMode): Promise<OpenFile>;
  /** Replaces `to`, atomically; durable once the directory is synced. */
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  /** Names, without order. */
  list(directory: string): Promise<string[]>;
  /** Makes the directory and what is missing above it; one that exists is no error. */
  makeDirectory(path: string): Promise<void>;
  /** Makes creations, renames and removals in the directory durable. */
  syncDirectory(path: string): Promise<void>;
  /** Bytes that this user may still write on the disk of `path`. */
  freeBytes(path: string): Promise<number>;
}

export type OpenMode = 'read' | 'write' | 'create' | 'createSecret';

export interface OpenFile {
  /** Reads up to `length` bytes at `offset` into `target` from `at`; fewer at the end of the file. */
  read(target: Buffer, at: number, length: number, offset: number): Promise<number>;
  /** Writes `length` bytes of `source` from `at` at `offset`; may write fewer, and says how many. */
  write(source: Buffer, at: number, length: number, offset: number): Promise<number>;
  /** Makes content and size durable. After a failure nothing is known of what was unsynced. */
  sync(): Promise<void>;
  truncate(bytes: number): Promise<void>;
  size(): Promise<number>;
  close(): Promise<void>;
}

/** The system's code of a failure, or `UNKNOWN`. */
export function systemCode(error: unknown): string {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : 'UNKNOWN';
}

/** Writes all of it, however often the system writes less than it was given. */
export async function writeWhole(
  file: OpenFile,
  source: Buffer,
  length: number,
  offset: number,
): Promise<void> {
  let done = 0;
  while (done < length) {
    const written = await file.write(source, done, length - done, offset + done);
    if (written === 0) throw Object.assign(new Error('write wrote nothing'), { code: 'ENOSPC' });
    done += written;
  }
}

/** Reads until `length` bytes are there or the file ends; says how many. */
export async function readWhole(
  file: OpenFile,
  target: Buffer,
  length: number,
  offset: number,
): Promise<number> {
  let done = 0;
  while (done < length) {
    const got = await file.read(target, done, length - done, offset + done);
    if (got === 0) break;
    done += got;
  }
  return done;
}

/** The whole of a small file. */
export async function readFile(fileSystem: FileSystem, path: string): Promise<Buffer> {
  const file = await fileSystem.open(path, 'read');
  try {
    const bytes = Buffer.alloc(await file.size());
    return bytes.subarray(0, await readWhole(file, bytes, bytes.length, 0));
  } finally {
    await file.close();
  }
}

/**
 * Puts a whole file in place so that a loss of power leaves the old one or the new one: written
 * beside it, synced, renamed, directory synced.
 */
export async function replaceFile(
  fileSystem: FileSystem,
  directory: string,
  name: string,
  bytes: Buffer,
): Promise<void> {
  const temporary = `${directory}/${name}${temporarySuffix}`;
  await unlinkIfThere(fileSystem, temporary);
  const file = await fileSystem.open(temporary, 'create');
  try {
    await writeWhole(file, bytes, bytes.length, 0);
    await file.sync();
  } finally {
    await file.close();
  }
  await fileSystem.rename(temporary, `${directory}/${name}`);
  await fileSystem.syncDirectory(directory);
}

/** Files with this ending are unfinished: removed at start, never read. */
export const temporarySuffix = '.new';

export async function unlinkIfThere(fileSystem: FileSystem, path: string): Promise<boolean> {
  try {
    await fileSystem.unlink(path);
    return true;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw error;
  }
}
