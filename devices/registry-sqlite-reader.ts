import { existsSync } from 'node:fs';
import type { Clock } from './clock.ts';
import type { DevicesConfig } from './config.ts';
import { openDatabase, type Database } from './database.ts';
import { devicesError } from './errors.ts';
import type { ObservedProperty } from './model.ts';
import { createCore, readerOf } from './registry/core.ts';
import { checkRegistry, registryFormat } from './registry/tables.ts';
import type { RegistryReader } from './registry.ts';

/**
 * The registry in one SQLite file (`registry/tables.ts` says what is in it), for reading: every
 * worker that reads holds its own read-only connection and its own compiled versions, and sees a
 * change when it calls `refresh`. Apart from the writer, so that a reader loads no more than it
 * needs.
 */
export interface RegistryReaderOptions {
  /** Wall clock: secrets expire by it. */
  readonly clock: Clock;
  readonly config: DevicesConfig;
  /** What can be measured; by default the shipped catalogue. */
  readonly properties?: ReadonlyMap<string, ObservedProperty>;
}

/** Opens an existing registry read-only. Throws DEVICES_REGISTRY_MISSING, …_FOREIGN or …_NEWER. */
export function openRegistryReader(path: string, options: RegistryReaderOptions): RegistryReader {
  const database = openExisting(path, options.config.busyTimeoutMs);
  return closingOnError(database, () => {
    if (checkRegistry(database, path) < registryFormat) {
      throw devicesError('DEVICES_REGISTRY_MISSING', { path, reason: 'not made or migrated yet' });
    }
    return readerOf(createCore(database, options));
  });
}

export function openExisting(path: string, busyTimeoutMs: number): Database {
  try {
    return openDatabase(path, { readOnly: true, busyTimeoutMs });
  } catch (error) {
    // SQLITE_NOTADB: the file is there, and is no database.
    const isForeign = error instanceof Error && 'errcode' in error && error.errcode === 26;
    const code = isForeign ? 'DEVICES_REGISTRY_FOREIGN' : 'DEVICES_REGISTRY_MISSING';
    throw devicesError(code, { path }, error);
  }
}

/** A foreign or newer file must not even get a write-ahead log beside it. */
export function refuseStrange(path: string, busyTimeoutMs: number): void {
  if (!existsSync(path)) return;
  const present = openExisting(path, busyTimeoutMs);
  closingOnError(present, () => checkRegistry(present, path));
  present.close();
}

export function closingOnError<Result>(database: Database, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    database.close();
    throw error;
  }
}
