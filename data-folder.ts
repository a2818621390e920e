/**
 * The data folder: one format version, one store id, one owner.
 *
 * `format.json` is written once, when the folder is made, and again by `restore` and by a migration:
 * `{"format":"quantrac-data/1","storeId":…,"earlier":[{"storeId":…,"upTo":…}]}`. A newer version is
 * refused before anything is written. The owner holds an exclusive lock on `owner.lock` (a SQLite
 * transaction, so that the kernel frees it when the process dies in whatever way).
 */
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Random } from './devices/random.ts';
import { openDatabase } from './devices/database.ts';
import { startError } from './errors.ts';

export interface StoreIdentity {
  readonly storeId: string;
  /** Earlier ids of the same data: their cursors are good up to and including the position. */
  readonly earlier: readonly { readonly storeId: string; readonly upTo: number }[];
}

interface FormatFile extends StoreIdentity {
  readonly format: string;
}

export interface DataFolder {
  readonly path: string;
  readonly identity: StoreIdentity;
  readonly readings: string;
  readonly observations: string;
  readonly view: string;
  readonly registry: string;
  /** What the doors out keep for themselves. */
  readonly feeds: string;
  /** Files that they have made and that can be made again. */
  readonly files: string;
  /** Bytes of citations, which must be there for ever. */
  readonly citations: string;
  /** The private key of manifests, mode 0600. */
  readonly signingKey: string;
  /** The access log of a node without an api. */
  readonly access: string;
  readonly controlSocket: string;
  readonly release: () => void;
}

const formatName = 'quantrac-data/1';
/** Stands in the folder while a backup is copied into it. */
const restoreMark = 'restore.unfinished';

/** Makes the folder if there is none, checks its version, and becomes its one owner. */
export function openDataFolder(path: string, random: Random): DataFolder {
  makeFolder(path);
  const existing = readFormat(path);
  const release = takeOwnership(path);
  try {
    const identity = existing ?? writeFormat(path, { storeId: mintStoreId(random), earlier: [] });
    return { ...pathsOf(path), identity, release };
  } catch (error) {
    release();
    throw error;
  }
}

/** Paths of a folder that somebody else owns, for readers. */
export function pathsOf(path: string): Omit<DataFolder, 'identity' | 'release'> {
  return {
    path,
    readings: join(path, 'readings'),
    observations: join(path, 'observations'),
    view: join(path, 'view.db'),
    registry: join(path, 'registry.db'),
    feeds: join(path, 'feeds.db'),
    files: join(path, 'files'),
    citations: join(path, 'citations'),
    signingKey: join(path, 'signing.pem'),
    access: join(path, 'access'),
    controlSocket: join(path, 'control.sock'),
  };
}

export interface EmptyFolder extends Omit<DataFolder, 'identity'> {
  /** What was put there is whole: from now on it is a data folder of this identity. */
  finish(identity: StoreIdentity): void;
}

/**
 * Takes a new or empty folder to put a data folder there, and marks it as unfinished. Throws
 * START_FOLDER_USED for one that holds anything.
 */
export function openEmptyFolder(path: string): EmptyFolder {
  makeFolder(path);
  readFormat(path);
  const found = readdirSync(path).filter((name) => name !== 'owner.lock');
  if (found.length > 0) {
    throw startError('START_FOLDER_USED', { folder: path, found: found.slice(0, 3) });
  }
  const release = takeOwnership(path);
  const mark = join(path, restoreMark);
  closeSync(openSync(mark, 'w', 0o600));
  syncFolder(path);
  return {
    ...pathsOf(path),
    release,
    finish(identity) {
      writeFormat(path, identity);
      unlinkSync(mark);
      syncFolder(path);
    },
  };
}

/** Undefined where there is no format file yet. Throws START_ codes for a newer or broken one. */
export function readFormat(path: string): StoreIdentity | undefined {
  if (existsSync(join(path, restoreMark))) {
    throw startError('START_RESTORE_UNFINISHED', { folder: path });
  }
  const file = join(path, 'format.json');
  if (!existsSync(file)) {
    const strangers = existsSync(path)
      ? readdirSync(path).filter((name) => !/^(owner\.lock|\.)/.test(name))
      : [];
    if (strangers.length > 0)
      throw startError('START_FOLDER_STRANGE', { folder: path, found: strangers.slice(0, 3) });
    return undefined;
  }
  const content = readFormatFile(path, file);
  if (content.format !== formatName)
    throw startError('START_FOLDER_VERSION', {
      folder: path,
      found: content.format,
      readable: formatName,
    });
  return { storeId: content.storeId, earlier: content.earlier };
}

function readFormatFile(folder: string, file: string): FormatFile {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as FormatFile;
  } catch (error) {
    throw startError('START_FOLDER_VERSION', { folder, problem: String(error) }, error);
  }
}

export function mintStoreId(random: Random): string {
  return Buffer.from(random.bytes(9)).toString('base64url');
}

/** Written whole, synced and renamed, so that a loss of power leaves the old file or the new one. */
export function writeFormat(path: string, identity: StoreIdentity): StoreIdentity {
  const temporary = join(path, '.format.json');
  const content: FormatFile = { format: formatName, ...identity };
  const file = openSync(temporary, 'w', 0o600);
  try {
    writeSync(file, `${JSON.stringify(content)}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, join(path, 'format.json'));
  syncFolder(path);
  return identity;
}

function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    chmodSync(path, 0o700);
  } catch (error) {
    throw startError('START_FOLDER_UNWRITABLE', { folder: path, problem: String(error) }, error);
  }
}

function takeOwnership(path: string): () => void {
  try {
    const lock = openDatabase(join(path, 'owner.lock'), { busyTimeoutMs: 0, lockOnly: true });
    try {
      lock.exec('BEGIN EXCLUSIVE');
    } catch (error) {
      lock.close();
      throw error;
    }
    return () => lock.close();
  } catch (error) {
    const busy = error instanceof Error && /locked/.test(error.message);
    if (busy) throw startError('START_FOLDER_OWNED', { folder: path }, error);
    throw startError('START_FOLDER_UNWRITABLE', { folder: path, problem: String(error) }, error);
  }
}
