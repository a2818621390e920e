import { transaction, type Database } from '../../devices/database.ts';

/**
 * A transaction that need not be durable by itself: it is with the next one that is, which the log
 * of the database holds behind it. So many small steps wait for the disk once.
 */
export function stagedTransaction<Result>(kept: Database, work: () => Result): Result {
  kept.exec('PRAGMA synchronous = NORMAL');
  try {
    return transaction(kept, work);
  } finally {
    kept.exec('PRAGMA synchronous = FULL');
  }
}
