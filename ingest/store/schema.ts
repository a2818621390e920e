/**
 * The file `view.db`, format 3 (since 2, hours count their instants; since 3, publications are by
 * partition). A view that does not hold everything since the first batch is of format 4: format 3
 * with the tables of its horizon (`horizon.ts`), so that an older version does not take it for whole.
 *
 * Constraints. One writer; readers on read-only connections. Everything in it follows from
 * `observations` up to `state.position`: the file may be deleted at any time and is built again with
 * the same answers. It is written with synchronous NORMAL: a loss of power may set it back to an
 * earlier commit, never to a broken one.
 *
 * Tables.
 *   state         one row: position, totals and sources of the last whole flush; `target`: up to where single
 *                 series may already be written (equal to position when no flush is under way)
 *   series        a series' first position, its days (directory.ts) and its latest row (a block of
 *                 one, with its position)
 *   days          (day, series) → its parts, and its hours where they are kept. By day first, so that
 *                 what is written together lies together
 *   blocks        points and details (columns/block.ts) of at most 1,024 rows; numbered as written, so
 *                 that a flush appends
 *   verdicts, texts   the dictionaries
 *   quarantine, control   by (batch, ordinal in the batch)
 *   publications  (publishedAt, position, number in its partition) of each batch, 1,024 of a
 *                 partition to a row, coded by column
 *
 * Writing. A flush takes everything up to `target`, the tail's end when it began, in transactions of
 * at most a slice, each with whole (series, day) units, and moves `position` and the totals in the
 * last one. In between (and after a crash in between) single series are ahead of `position`: their
 * rows carry their own positions, so a reader pinned at p leaves out what is beyond p, and reading
 * the log again from `position` on finds them by (key, revision) and drops the repeats.
 *
 * Recovery. None: open, read `position`, follow the log from the next one. Format 2 is brought to 3
 * as it is, an older one is emptied and built again; a newer one is refused before anything is
 * written.
 */
import { noTotals } from '../observations/batch.ts';
import { existsSync, rmSync, statSync } from 'node:fs';
import { openDatabase, transaction, type Database } from '../../devices/database.ts';
import { storeError } from './errors.ts';

export const viewFormatVersion = 3;
/** Of a view that begins at a horizon. */
export const viewFormatHorizon = 4;
/** The oldest format that is not emptied but brought to the newest one. */
export const viewFormatKept = 2;
/** `QTRV`, in the header of the file. */
export const viewApplicationId = 0x51_54_52_56;

const publicationIndexes = `
CREATE INDEX publications_by_time ON publications (partition, first_published_at, first_position);
CREATE INDEX publications_by_number ON publications (partition, first_number);`;

const tables = `
CREATE TABLE state (
  id INTEGER PRIMARY KEY CHECK (id = 1), store_id TEXT NOT NULL, position INTEGER NOT NULL,
  target INTEGER NOT NULL, published_at INTEGER NOT NULL, consumed INTEGER NOT NULL,
  registry_version INTEGER NOT NULL, totals TEXT NOT NULL, sources TEXT);
CREATE TABLE series (
  series INTEGER PRIMARY KEY, first_position INTEGER NOT NULL, days BLOB NOT NULL,
  latest_position INTEGER NOT NULL, latest_points BLOB, latest_details BLOB);
CREATE TABLE days (
  day INTEGER NOT NULL, series INTEGER NOT NULL, parts BLOB NOT NULL, hours BLOB,
  PRIMARY KEY (day, series)) WITHOUT ROWID;
CREATE TABLE blocks (id INTEGER PRIMARY KEY, points BLOB NOT NULL, details BLOB NOT NULL);
CREATE TABLE verdicts (
  id INTEGER PRIMARY KEY, flag INTEGER NOT NULL, tests TEXT NOT NULL,
  qualifiers INTEGER NOT NULL, reason TEXT, rules TEXT NOT NULL);
CREATE TABLE texts (id INTEGER PRIMARY KEY, text TEXT NOT NULL);
CREATE TABLE quarantine (
  batch INTEGER NOT NULL, ordinal INTEGER NOT NULL, position INTEGER NOT NULL,
  received_at INTEGER NOT NULL, device TEXT NOT NULL, topic TEXT NOT NULL, channel TEXT,
  code TEXT NOT NULL, offset INTEGER NOT NULL, detail TEXT NOT NULL, payload BLOB,
  ended_by INTEGER, ended_state TEXT,
  PRIMARY KEY (batch, ordinal)) WITHOUT ROWID;
CREATE INDEX quarantine_by_position ON quarantine (position, batch, ordinal);
CREATE INDEX quarantine_by_device ON quarantine (device, position, batch, ordinal);
CREATE INDEX quarantine_open ON quarantine (position, batch, ordinal) WHERE ended_by IS NULL;
CREATE TABLE control (
  batch INTEGER NOT NULL, ordinal INTEGER NOT NULL, position INTEGER NOT NULL,
  received_at INTEGER NOT NULL, device TEXT NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL,
  PRIMARY KEY (batch, ordinal)) WITHOUT ROWID;
CREATE INDEX control_by_device ON control (device, batch, ordinal);
CREATE TABLE publications (
  first_position INTEGER PRIMARY KEY, first_published_at INTEGER NOT NULL,
  count INTEGER NOT NULL, body BLOB NOT NULL,
  partition INTEGER NOT NULL DEFAULT 0, first_number INTEGER NOT NULL DEFAULT 0);
${publicationIndexes}
`;

/** What there was before partitions is all of partition 0, where a number is the position. */
const fromFormat2 = `
ALTER TABLE state ADD COLUMN sources TEXT;
ALTER TABLE publications ADD COLUMN partition INTEGER NOT NULL DEFAULT 0;
ALTER TABLE publications ADD COLUMN first_number INTEGER NOT NULL DEFAULT 0;
UPDATE publications SET first_number = first_position;
DROP INDEX publications_by_time;
${publicationIndexes}
PRAGMA user_version = 3;
`;

/** Deletes the view's files: the next start builds it again from the log. */
export function removeView(path: string): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true });
}

function isNewFile(path: string): boolean {
  return !existsSync(path) || statSync(path).size === 0;
}

/** Format version of the file; throws by name where it is no view or a newer one. */
export function checkFormat(database: Database, path: string): number {
  let version: number;
  let applicationId: number;
  try {
    version = pragma(database, 'user_version');
    applicationId = pragma(database, 'application_id');
  } catch (error) {
    throw storeError('STORE_NOT_A_VIEW', { path }, error);
  }
  if (applicationId !== viewApplicationId) throw storeError('STORE_NOT_A_VIEW', { path });
  if (version > viewFormatHorizon) {
    throw storeError('STORE_NEWER_FORMAT', { path, version, accepted: viewFormatHorizon });
  }
  return version;
}

/** The same, and throws by name for an older one: only the writer knows how to deal with that. */
export function requireFormat(database: Database, path: string): void {
  const version = checkFormat(database, path);
  if (version < viewFormatVersion) {
    throw storeError('STORE_OLDER_FORMAT', { path, version, accepted: viewFormatVersion });
  }
}

function pragma(database: Database, name: 'user_version' | 'application_id'): number {
  return (database.prepare(`PRAGMA ${name}`).get() as Record<string, number>)[name]!;
}

export interface ViewDatabaseOptions {
  readonly path: string;
  readonly storeId: string;
  /** An older format is emptied. */
  readonly onRebuild: (version: number) => void;
  /** In a new file, behind its tables, in one transaction with them. */
  readonly begin: (database: Database) => void;
}

/** Opens the writer's connection, creating the tables in a new file. */
export function openViewDatabase({
  path,
  storeId,
  onRebuild,
  begin,
}: ViewDatabaseOptions): Database {
  const version = isNewFile(path) ? viewFormatVersion : readFormat(path);
  if (version < viewFormatKept) {
    onRebuild(version);
    removeView(path);
  }
  const isNew = isNewFile(path);
  const database = openDatabase(path, { synchronous: 'normal' });
  if (!isNew) {
    if (version < viewFormatVersion) transaction(database, () => database.exec(fromFormat2));
    return database;
  }
  transaction(database, () => {
    database.exec(tables);
    database.exec(`PRAGMA application_id = ${viewApplicationId}`);
    database.exec(`PRAGMA user_version = ${viewFormatVersion}`);
    database
      .prepare('INSERT INTO state VALUES (1, ?, 0, 0, 0, 0, 0, ?, NULL)')
      .run(storeId, JSON.stringify(noTotals));
    begin(database);
  });
  return database;
}

/** Reads the format on a connection that writes nothing. */
function readFormat(path: string): number {
  const database = openReadOnly(path);
  try {
    return checkFormat(database, path);
  } finally {
    database.close();
  }
}

/** Opens a reader's connection; STORE_NO_VIEW before the writer has made the file. */
export function openReadOnly(path: string): Database {
  if (isNewFile(path)) throw storeError('STORE_NO_VIEW', { path });
  try {
    return openDatabase(path, { readOnly: true });
  } catch (error) {
    throw storeError('STORE_NOT_A_VIEW', { path }, error);
  }
}
