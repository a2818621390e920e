import { openDatabase, type Database } from '../../devices/database.ts';
import { logError } from './errors.ts';

export interface OwnerLock {
  release(): void;
}

/**
 * One owner for a log: an exclusive SQLite transaction on `<directory>/owner.lock`. The kernel frees
 * it when the process dies in whatever way, so a `kill -9` leaves nothing to clean up. Throws
 * LOG_OWNED at once where another holds it.
 */
export function takeOwnerLock(directory: string): OwnerLock {
  const path = `${directory}/owner.lock`;
  let database: Database | undefined;
  try {
    database = openDatabase(path, { lockOnly: true, busyTimeoutMs: 0 });
    database.exec('BEGIN EXCLUSIVE');
  } catch (cause) {
    database?.close();
    throw logError('LOG_OWNED', { lock: path }, cause);
  }
  const held = database;
  return {
    release() {
      if (!held.isOpen) return;
      held.exec('ROLLBACK');
      held.close();
    },
  };
}
