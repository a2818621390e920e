/**
 * The only file that knows `node:sqlite` (a release candidate whose class is to be renamed): a
 * change there is a change here. Databases are opened in WAL mode; readers open read-only.
 */
import { DatabaseSync, type StatementSync } from 'node:sqlite';

export type Database = DatabaseSync;
export type Statement = StatementSync;

export interface DatabaseOptions {
  readonly readOnly?: boolean;
  /** How long a statement waits for another connection's lock. */
  readonly busyTimeoutMs?: number;
  /** `full` survives a loss of power with the last commit, `normal` may lose the last commits. */
  readonly synchronous?: 'full' | 'normal';
  /** The file serves as a lock alone: no write-ahead log beside it. */
  readonly lockOnly?: boolean;
}

/** Opens (and, unless read-only, creates) a database file. Throws SQLite's own error. */
export function openDatabase(path: string, options: DatabaseOptions = {}): Database {
  const database = new DatabaseSync(path, {
    readOnly: options.readOnly ?? false,
    timeout: options.busyTimeoutMs ?? 5_000,
  });
  if (options.lockOnly === true) return database;
  if (options.readOnly !== true) database.exec('PRAGMA journal_mode = WAL');
  database.exec(`PRAGMA synchronous = ${options.synchronous === 'normal' ? 'NORMAL' : 'FULL'}`);
  return database;
}

/** Runs `work` in one transaction; rolls back and rethrows when it throws. */
export function transaction<Result>(database: Database, work: () => Result): Result {
  database.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}
