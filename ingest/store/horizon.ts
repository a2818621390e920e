/**
 * A view that does not hold everything. Of what ended before its horizon it may lack rows; those are
 * in InfluxDB, and whoever decides something that they bear on adopts their days first.
 *
 *   horizon   one row: the first day that is wholly held, and of each partition of `observations` the
 *             last batch of which rows of earlier days may be lacking (`floors`). What is asked about
 *             them must know all batches up to there; all later rows are here
 *             `knows_latest`: the latest row of every series is here all the same
 *   adopted   (series, day) whose rows were all fetched, and to which nothing is lacking since
 *
 * Days are whole (`directory.ts`), so that a day is held or not, never in part.
 */
import { transaction, type Database, type Statement } from '../../devices/database.ts';
import type { Position } from '../log/log.ts';
import type { ObservationRow } from '../observation.ts';
import { dayOf, endsOfDay } from './directory.ts';
import type { Forgetter, ForgetWork } from './forget.ts';
import { viewFormatHorizon } from './schema.ts';

export interface ViewHorizon {
  /** Every row that ends then or later is held; −Infinity where every row is. */
  readonly knownFromAt: number;
  /** By partition; a view of one partition has one. */
  readonly floors: readonly Position[];
  /** Of each series that has rows the latest is known, however old it is. */
  readonly knowsLatest: boolean;
}

/** Whole days of a series, both inclusive; from −Infinity on: all there are up to the last. */
export interface SeriesDays {
  readonly series: number;
  readonly firstDay: number;
  readonly lastDay: number;
}

/** All rows of these days that ended before the horizon, up to its floor at least. */
export interface Adoption extends SeriesDays {
  readonly rows: readonly ObservationRow[];
}

/** The writer's side. */
export interface StoreHorizon extends ViewHorizon {
  /** What is lacking of the days, from the first to the last of it; undefined where nothing is. */
  missing(days: SeriesDays): SeriesDays | undefined;
  /** Takes the rows as if they had been flushed; twice does no harm. */
  adopt(adoption: Adoption): void;
  /**
   * Takes the newest row of each series that has any before the horizon; in slices, `isLast` with the
   * last. They are shown from the first record of the view's own log on.
   */
  seed(rows: readonly ObservationRow[], isLast: boolean): void;
  /** Moves it: what ends before need no longer be here. `knownFromAt` never goes back. */
  move(to: Pick<ViewHorizon, 'knownFromAt' | 'floors'>): void;
  /** Lets go of what lies before it, in slices; to be begun a while after it was moved. */
  forget(work: ForgetWork): Forgetter;
  /** Position of the last batch that is wholly in the file. */
  flushedTo(): Position;
}

export const noHorizon: ViewHorizon = {
  knownFromAt: Number.NEGATIVE_INFINITY,
  floors: [],
  knowsLatest: true,
};

const tables = `
CREATE TABLE horizon (
  id INTEGER PRIMARY KEY CHECK (id = 1), first_day INTEGER NOT NULL, floors TEXT NOT NULL,
  knows_latest INTEGER NOT NULL);
CREATE TABLE adopted (
  series INTEGER NOT NULL, day INTEGER NOT NULL, PRIMARY KEY (series, day)) WITHOUT ROWID;
PRAGMA user_version = ${viewFormatHorizon};`;

/** Stands for every day of a series: before all that can be told. */
const everyDay = -1_000_000_000;

const firstPosition: Position = 1;

/** The first instant of the first whole day at or behind `at`. */
export function wholeDayFrom(at: number): number {
  return endsOfDay(dayOf(at - 1) + 1).fromAt;
}

/** Reads it as it is now; `noHorizon` where the view holds everything. */
export function createHorizonReader(database: Database): () => ViewHorizon {
  const version = database.prepare('PRAGMA user_version');
  let row: Statement | undefined;
  return () => {
    if (row === undefined) {
      const { user_version: format } = version.get() as { readonly user_version: number };
      if (format < viewFormatHorizon) return noHorizon;
      row = database.prepare('SELECT first_day, floors, knows_latest FROM horizon');
    }
    const held = row.get() as unknown as HorizonRow;
    return {
      knownFromAt: endsOfDay(held.first_day).fromAt,
      floors: JSON.parse(held.floors) as Position[],
      knowsLatest: held.knows_latest === 1,
    };
  };
}

interface HorizonRow {
  readonly first_day: number;
  readonly floors: string;
  readonly knows_latest: number;
}

/** Inside a transaction. `knownFromAt`: a day's first instant. */
export function putHorizon(database: Database, horizon: ViewHorizon): void {
  const { knownFromAt, floors, knowsLatest } = horizon;
  if (!hasTables(database)) database.exec(tables);
  database
    .prepare('INSERT OR REPLACE INTO horizon VALUES (1, ?, ?, ?)')
    .run(dayOf(knownFromAt), JSON.stringify(floors), knowsLatest ? 1 : 0);
}

function hasTables(database: Database): boolean {
  const version = database.prepare('PRAGMA user_version').get() as { user_version: number };
  return version.user_version >= viewFormatHorizon;
}

export interface HorizonParts {
  readonly database: Database;
  /** Writes rows of one series into its blocks; inside a transaction. */
  readonly write: (series: number, rows: readonly ObservationRow[], position: Position) => void;
  /** After a transaction that was rolled back, or that took days away. */
  readonly restore: () => void;
  /** Begins to let go of days. */
  readonly forget: (work: ForgetWork) => Forgetter;
}

export function createHorizon(parts: HorizonParts): StoreHorizon {
  const { database, write, restore } = parts;
  let held = createHorizonReader(database)();
  const positionRow = database.prepare('SELECT position FROM state');

  function isAdopted(series: number, day: number): boolean {
    const found = database
      .prepare('SELECT 1 FROM adopted WHERE series = ? AND day IN (?, ?)')
      .get(series, day, everyDay);
    return found !== undefined;
  }

  function missing({ series, firstDay, lastDay }: SeriesDays): SeriesDays | undefined {
    let last = Math.min(lastDay, dayOf(held.knownFromAt) - 1);
    let first = Math.max(firstDay, everyDay);
    if (first > last) return undefined;
    if (first === everyDay) {
      if (isAdopted(series, everyDay)) return undefined;
      return { series, firstDay: Number.NEGATIVE_INFINITY, lastDay: last };
    }
    while (first <= last && isAdopted(series, first)) first++;
    while (last > first && isAdopted(series, last)) last--;
    return first > last ? undefined : { series, firstDay: first, lastDay: last };
  }

  function wholly(work: () => void): void {
    try {
      transaction(database, work);
    } catch (error) {
      restore();
      throw error;
    }
  }

  return {
    get knownFromAt() {
      return held.knownFromAt;
    },
    get floors() {
      return held.floors;
    },
    get knowsLatest() {
      return held.knowsLatest;
    },
    missing: (days) => (held.knownFromAt === Number.NEGATIVE_INFINITY ? undefined : missing(days)),
    adopt({ series, firstDay, lastDay, rows }) {
      const mark = database.prepare('INSERT OR IGNORE INTO adopted VALUES (?, ?)');
      const old = rows.filter(({ endAt }) => endAt < held.knownFromAt);
      wholly(() => {
        if (old.length > 0) write(series, old, Math.max(...held.floors));
        if (firstDay === Number.NEGATIVE_INFINITY) mark.run(series, everyDay);
        else for (let day = firstDay; day <= lastDay; day++) mark.run(series, day);
      });
    },
    move({ knownFromAt, floors }) {
      if (knownFromAt <= held.knownFromAt) return;
      const moved = { ...held, knownFromAt, floors };
      transaction(database, () => putHorizon(database, moved));
      held = moved;
    },
    forget: (work) => parts.forget(work),
    flushedTo: () => (positionRow.get() as { readonly position: number }).position,
    seed(rows, isLast) {
      const seeded = { ...held, knowsLatest: held.knowsLatest || isLast };
      wholly(() => {
        for (const row of rows) {
          if (row.endAt < held.knownFromAt) write(row.series, [row], firstPosition);
        }
        if (isLast) putHorizon(database, seeded);
      });
      held = seeded;
    },
  };
}
