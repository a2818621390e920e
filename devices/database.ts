/**
 * The only file that knows `node:sqlite` (a release candidate whose class is to be renamed): a
 * change there is a change here. Databases are opened in WAL mode; readers open read-only.
 */
import { backup, DatabaseSync, type StatementSync } from 'node:sqlite';

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

/**
 * Runs `work` and takes back all that it wrote. Answers what that was, as a changeset of SQLite's
 * session extension, beside what `work` answered. Tables without a primary key are not in it.
 */
export function rehearse<Result>(
  database: Database,
  work: () => Result,
): { readonly result: Result; readonly changeset: Uint8Array } {
  database.exec('BEGIN IMMEDIATE');
  try {
    const session = database.createSession();
    try {
      const result = work();
      return { result, changeset: session.changeset() };
    } finally {
      session.close();
    }
  } finally {
    if (database.isTransaction) database.exec('ROLLBACK');
  }
}

/**
 * Writes what a changeset holds. False where a row is not as it was there, or is missing, or stands
 * in the way; then nothing of it was written. Tables that are not here are passed over in silence:
 * the caller knows what there must be afterwards. Throws SQLite's own error for bytes that are none.
 */
export function applyChangeset(database: Database, changeset: Uint8Array): boolean {
  return database.applyChangeset(changeset);
}

/** Pages copied at once, in a thread of the pool: 1 MiB of a file with the usual pages. */
const pagesAtOnce = 256;

/**
 * Copies a database while others write it (SQLite's online backup): all of the copy is true at one
 * commit. The copy has no write-ahead log, so that it is one file. The target must not exist.
 */
export async function copyDatabase(
  source: string,
  target: string,
  onProgress: (donePages: number, allPages: number) => void = () => undefined,
): Promise<void> {
  const database = openDatabase(source, { readOnly: true });
  try {
    // A read transaction pins the commit: without it each foreign write would begin the copy anew.
    database.exec('BEGIN');
    database.prepare('SELECT count(*) FROM sqlite_schema').get();
    await backup(database, target, {
      rate: pagesAtOnce,
      progress: ({ totalPages, remainingPages }) =>
        onProgress(totalPages - remainingPages, totalPages),
    });
  } finally {
    database.close();
  }
  const copy = new DatabaseSync(target);
  try {
    copy.exec('PRAGMA journal_mode = DELETE');
  } finally {
    copy.close();
  }
}

/** What SQLite's own check finds wrong with an open database, at most 100 sentences. */
export function integrityProblems(database: Database): string[] {
  const rows = database.prepare('PRAGMA integrity_check(100)').all();
  const found = rows.map((row) => String(row['integrity_check']));
  return found.length === 1 && found[0] === 'ok' ? [] : found;
}
