/**
 * What the doors out keep for themselves, in the file `feeds.db`: everything that clients rely on and
 * that no log holds (citations, manifests, subscriptions, receipts, figures of usage). The API is its
 * one writer. Tables only grow, by rows and by columns that may be null: whoever does not know a column goes on
 * without it.
 */
import { openDatabase, transaction, type Database } from '../../devices/database.ts';
import { apiError } from '../errors.ts';
import { keptColumns, keptTables, type KeptColumn } from './tables.ts';

/** Grows by one whenever the meaning of a table changes; a new table is no new meaning. */
const keptFormat = 1;

/** Throws API_KEPT_NEWER for a file that a later version of the product has written. */
export function openKept(path: string, busyTimeoutMs: number): Database {
  const database = openDatabase(path, { busyTimeoutMs, synchronous: 'full' });
  try {
    const found = Number(database.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
    if (found > keptFormat) throw apiError('API_KEPT_NEWER', { path, found, known: keptFormat });
    transaction(database, () => {
      for (const table of keptTables) database.exec(table);
      for (const column of keptColumns) addColumn(database, column);
      database.exec(`PRAGMA user_version = ${keptFormat}`);
    });
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function addColumn(database: Database, { table, column, type }: KeptColumn): void {
  const columns = database.prepare(`PRAGMA table_info(${table})`).all();
  if (columns.some(({ name }) => name === column)) return;
  database.exec(`ALTER TABLE ${table} ADD COLUMN ${column} ${type}`);
}
