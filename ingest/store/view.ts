/** The view's database, statement by statement. Knows the tables; decides nothing. */
import type { Database } from '../../devices/database.ts';
import type { BalanceTotals, SourceMark } from '../observations/batch.ts';
import type { Position } from '../log/log.ts';
import { DamagedBytes } from './columns/bytes.ts';
import { decodeBlock, type Block } from './columns/block.ts';
import type { Rows } from './columns/rows.ts';
import { openDictionary, type Dictionary } from './dictionary.ts';
import { decodeDays, decodeDirectory, type DayDirectory } from './directory.ts';
import { storeError } from './errors.ts';

export interface ViewState {
  readonly storeId: string;
  readonly position: Position;
  readonly target: Position;
  readonly publishedAt: number;
  readonly consumed: Position;
  readonly registryVersion: number;
  readonly totals: BalanceTotals;
  readonly sources: readonly SourceMark[] | undefined;
}

export interface SeriesRecord {
  readonly days: number[];
  readonly latestPosition: Position;
  readonly latest: Block | null;
}

export interface DayRecord extends DayDirectory {
  readonly hours: Uint8Array | null;
}

export interface View {
  readonly database: Database;
  readonly dictionary: Dictionary;
  /** Runs `read` in one short transaction: all it reads is true at one commit. */
  reading<Result>(read: (position: Position) => Result): Result;
  state(): ViewState;
  series(series: number): SeriesRecord | undefined;
  /** Series with a row up to a position. */
  seriesList(pin: Position): number[];
  day(series: number, day: number): DayRecord | undefined;
  /** Decodes a block behind what `rows` holds. */
  readBlock(id: number, rows: Rows): { readonly newest: number; readonly others: number };
}

interface StateRecord {
  readonly store_id: string;
  readonly position: number;
  readonly target: number;
  readonly published_at: number;
  readonly consumed: number;
  readonly registry_version: number;
  readonly totals: string;
  readonly sources: string | null;
}

interface SeriesRow {
  readonly days: Uint8Array;
  readonly latest_position: number;
  readonly latest_points: Uint8Array | null;
  readonly latest_details: Uint8Array | null;
}

/**
 * `isOwner`: nobody else writes this database, so that what one thread reads one after another is
 * true at one commit without a transaction.
 */
export function openView(database: Database, isOwner = false): View {
  const begin = database.prepare('BEGIN');
  const commit = database.prepare('COMMIT');
  const stateRow = database.prepare('SELECT * FROM state');
  const positionRow = database.prepare('SELECT position FROM state');
  const seriesRow = database.prepare('SELECT * FROM series WHERE series = ?');
  const seriesRows = database.prepare('SELECT series FROM series WHERE first_position <= ?');
  const dayRow = database.prepare('SELECT parts, hours FROM days WHERE day = ? AND series = ?');
  const blockRow = database.prepare('SELECT points, details FROM blocks WHERE id = ?');
  const dictionary = openDictionary(database);

  return {
    database,
    dictionary,
    reading(read) {
      if (isOwner || database.isTransaction)
        return read((positionRow.get() as { position: number }).position);
      begin.run();
      try {
        return read((positionRow.get() as { position: number }).position);
      } finally {
        commit.run();
      }
    },
    state() {
      const row = stateRow.get() as unknown as StateRecord;
      return {
        storeId: row.store_id,
        position: row.position,
        target: row.target,
        publishedAt: row.published_at,
        consumed: row.consumed,
        registryVersion: row.registry_version,
        totals: JSON.parse(row.totals) as BalanceTotals,
        sources: row.sources === null ? undefined : (JSON.parse(row.sources) as SourceMark[]),
      };
    },
    series(series) {
      const row = seriesRow.get(series) as unknown as SeriesRow | undefined;
      if (row === undefined) return undefined;
      const points = row.latest_points;
      const details = row.latest_details;
      return {
        days: naming({ series }, () => decodeDays(row.days)),
        latestPosition: row.latest_position,
        latest: points === null || details === null ? null : { points, details },
      };
    },
    seriesList: (pin) => (seriesRows.all(pin) as { series: number }[]).map((found) => found.series),
    day(series, day) {
      const row = dayRow.get(day, series) as
        | { parts: Uint8Array; hours: Uint8Array | null }
        | undefined;
      if (row === undefined) return undefined;
      const directory = naming({ series, day }, () => decodeDirectory(row.parts, day));
      return { ...directory, hours: row.hours };
    },
    readBlock(id, rows) {
      const row = blockRow.get(id) as unknown as Block | undefined;
      if (row === undefined) throw storeError('STORE_DAMAGED', { block: id, missing: true });
      return naming({ block: id }, () => decodeBlock(row, rows, dictionary));
    },
  };
}

/** Says where damaged bytes were met. */
export function naming<Result>(
  place: Readonly<Record<string, number>>,
  read: () => Result,
): Result {
  try {
    return read();
  } catch (error) {
    if (error instanceof DamagedBytes) throw storeError('STORE_DAMAGED', place, error);
    throw error;
  }
}
