/**
 * Copies of an SQLite database at each of its commits, cheaply. While one generation of the
 * write-ahead log lasts it only grows, so a copy is the file as it stood when the generation began
 * and a length of the log. Where the log's valid end lies is in the wal-index beside it
 * (www.sqlite.org/walformat.html: pages of a frame, `mxFrame` and the salts in its header).
 */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

export interface Generation {
  readonly database: Buffer;
  /** All of the log so far, in the pieces in which it grew. */
  readonly log: Buffer[];
  logBytes: number;
}

/** The database as it was at a commit: its generation's file, and so much of the log. */
export interface Copy {
  readonly generation: Generation;
  readonly logBytes: number;
}

export interface Copier {
  /** Called after a commit, while no transaction is open. */
  copy(): Copy;
}

const indexHeaderBytes = 48;
const logHeaderBytes = 32;
const frameHeaderBytes = 24;

export function createCopier(path: string): Copier {
  let generation: Generation | null = null;
  let salts = '';

  return {
    copy() {
      const index = readRange(`${path}-shm`, 0, indexHeaderBytes);
      const pageBytes = index.readUInt16LE(14);
      const frames = index.readUInt32LE(16);
      const logBytes = frames === 0 ? 0 : logHeaderBytes + frames * (frameHeaderBytes + pageBytes);
      const saltsNow = index.toString('hex', 32, 40);
      if (generation === null || salts !== saltsNow) {
        salts = saltsNow;
        generation = { database: readFileSync(path), log: [], logBytes: 0 };
      }
      const held = generation.logBytes;
      if (held < logBytes) {
        generation.log.push(readRange(`${path}-wal`, held, logBytes - held));
        generation.logBytes = logBytes;
      }
      return { generation, logBytes };
    },
  };
}

function readRange(path: string, offset: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  const file = openSync(path, 'r');
  try {
    const got = readSync(file, bytes, 0, length, offset);
    if (got < length) throw new Error(`${path} ends at ${offset + got}`);
    return bytes;
  } finally {
    closeSync(file);
  }
}
