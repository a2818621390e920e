/** Writes a series' rows of a flush: its days, then its place in the table of series. */
import { decodeBlock, encodeBlock } from './columns/block.ts';
import { clearRows, createRows, type Rows } from './columns/rows.ts';
import { createDayWriter, type DayWriter } from './day-writer.ts';
import { addDay, dayOf, encodeDays } from './directory.ts';
import type { FlushOptions, FlushProgress } from './flush.ts';
import { newerLatest, newestStoredEnd, searchLatest } from './latest.ts';
import type { Position } from '../log/log.ts';
import { canBeLatest, currentRows, dropRepeats, orderOf } from './merge.ts';
import { createScanner } from './scan.ts';
import type { TailGroups } from './tail.ts';
import { naming, type View } from './view.ts';

export interface SeriesWriter {
  /**
   * Writes the series at `progress.at` day by day, one day at least, and moves `progress` on. Gives
   * the rows written.
   */
  write(groups: TailGroups, progress: FlushProgress, isOver: () => boolean): number;
  /** After a transaction that was rolled back. */
  reload(): void;
}

/**
 * The rows of the series that is being written, from one slice to the next: a series may have years in
 * one flush, and to take them anew for each day of it took 38 s for a year of one-minute rows.
 */
interface TakenRows {
  readonly groups: TailGroups;
  readonly at: number;
  /** In order, without repeats. */
  readonly fresh: Int32Array;
  readonly positionMin: Position;
}

export function createSeriesWriter(options: FlushOptions): SeriesWriter {
  const { view, config, sink, isCircular } = options;
  const { blockPointsMax, rollupPointsMin } = config;
  const dayWriter = createDayWriter({ view, sink, blockPointsMax, rollupPointsMin, isCircular });
  const latestWriter = createLatestWriter(options);
  const rows = createRows(1_024);
  /** The one writer knows each series' days without reading them again. */
  const records = createRecords(view);
  const putDays = view.database.prepare(
    `INSERT INTO series VALUES (?, ?, ?, 0, NULL, NULL)
     ON CONFLICT DO UPDATE SET days = excluded.days`,
  );

  let taken: TakenRows | null = null;

  function take(groups: TailGroups, at: number): TakenRows {
    clearRows(rows);
    rows.series = groups.series[at]!;
    groups.take(at, rows);
    const order = orderOf(rows, 0, rows.count);
    const fresh = order.subarray(0, dropRepeats(rows, order));
    return { groups, at, fresh, positionMin: leastPosition(rows) };
  }

  return {
    write(groups, progress, isOver) {
      const series = groups.series[progress.at]!;
      if (taken?.groups !== groups || taken.at !== progress.at) taken = take(groups, progress.at);
      const { fresh, positionMin } = taken;
      const record = records.of(series);
      const daysBefore = record.days.length;
      const written = writeDays({ dayWriter, rows, fresh, record, progress, isOver });
      if (record.days.length > daysBefore) {
        putDays.run(series, positionMin, encodeDays(sink, record.days));
      }
      const lastDay = dayOf(rows.endAt[fresh.at(-1)!]!);
      if (progress.fromDay <= lastDay) return written;
      latestWriter.write(record, rows);
      record.newestEndAt = Math.max(record.newestEndAt, rows.endAt[fresh.at(-1)!]!);
      progress.at++;
      progress.fromDay = -Infinity;
      taken = null;
      return written;
    },
    reload() {
      taken = null;
      records.forget();
      dayWriter.reload();
    },
  };
}

interface DaysToWrite {
  readonly dayWriter: DayWriter;
  readonly rows: Rows;
  readonly fresh: Int32Array;
  readonly record: WrittenSeries;
  readonly progress: FlushProgress;
  readonly isOver: () => boolean;
}

/** Writes days from `progress.fromDay` on until time is over; a day is sealed once a newer begins. */
function writeDays(work: DaysToWrite): number {
  const { dayWriter, rows, fresh, record, progress } = work;
  const { days } = record;
  const lastDay = dayOf(rows.endAt[fresh.at(-1)!]!);
  const before = days.at(-1);
  const newest = Math.max(lastDay, before ?? lastDay);
  const isLeft = before !== undefined && before < newest && !hasDay(rows, fresh, before);
  if (isLeft) dayWriter.write({ day: before, rows, fresh: new Int32Array(0), seal: true });
  let written = 0;
  for (let at = firstFrom(rows, fresh, progress.fromDay); at < fresh.length;) {
    const day = dayOf(rows.endAt[fresh[at]!]!);
    let end = at + 1;
    while (end < fresh.length && dayOf(rows.endAt[fresh[end]!]!) === day) end++;
    dayWriter.write({ day, rows, fresh: fresh.subarray(at, end), seal: day < newest });
    addDay(days, day);
    written += end - at;
    progress.fromDay = day + 1;
    if (work.isOver()) break;
    at = end;
  }
  return written;
}

/** Place of the first of these rows, which are in order, that is of this day or a later one. */
function firstFrom(rows: Rows, fresh: Int32Array, day: number): number {
  let [low, high] = [0, fresh.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (dayOf(rows.endAt[fresh[middle]!]!) < day) low = middle + 1;
    else high = middle;
  }
  return low;
}

function hasDay(rows: Rows, fresh: Int32Array, day: number): boolean {
  const row = fresh[firstFrom(rows, fresh, day)];
  return row !== undefined && dayOf(rows.endAt[row]!) === day;
}

function leastPosition(rows: Rows): Position {
  let least = Infinity;
  for (let at = 0; at < rows.count; at++) least = Math.min(least, rows.position[at]!);
  return least;
}

interface WrittenSeries {
  readonly days: number[];
  /** Greatest end of any row in the blocks before this flush. */
  newestEndAt: number;
}

interface Records {
  of(series: number): WrittenSeries;
  forget(): void;
}

function createRecords(view: View): Records {
  const known = new Map<number, WrittenSeries>();
  return {
    of(series) {
      let record = known.get(series);
      if (record === undefined) {
        const days = view.series(series)?.days ?? [];
        record = { days, newestEndAt: newestStoredEnd(view, series) };
        known.set(series, record);
      }
      return record;
    },
    forget: () => known.clear(),
  };
}

interface LatestWriter {
  /** `rows` are all of the series' rows of this flush. */
  write(record: WrittenSeries, rows: Rows): void;
}

/** Keeps the latest row of a series beside its days; most often the newest of the rows at hand. */
function createLatestWriter({ view, sink }: FlushOptions): LatestWriter {
  const scanner = createScanner(view);
  const stored = createRows(1);
  const pin = Number.MAX_SAFE_INTEGER;
  const put = view.database.prepare(
    `UPDATE series SET latest_position = ?, latest_points = ?, latest_details = ?
     WHERE series = ?`,
  );

  /**
   * A reader pinned before `position` does not trust the row: for one that was searched for, because
   * the latest before it went away, that is the flush's end.
   */
  function putRow(rows: Rows, at: number, position: Position): void {
    const source = { rows, newest: Int32Array.of(at), others: new Int32Array(0) };
    const { points, details } = encodeBlock(sink, source, view.dictionary);
    put.run(position, points, details, rows.series);
  }

  function readStored(series: number): void {
    clearRows(stored);
    stored.series = series;
    const latest = view.series(series)?.latest ?? null;
    if (latest !== null) naming({ series }, () => decodeBlock(latest, stored, view.dictionary));
  }

  return {
    write(record, rows) {
      const { series } = rows;
      const current = currentRows(rows, 0, pin);
      const last = current.at(-1);
      const isNew = last !== undefined && rows.endAt[last]! > record.newestEndAt;
      if (isNew && canBeLatest(rows, last)) {
        putRow(rows, last, rows.position[last]!);
        return;
      }
      readStored(series);
      const newestEndAt = (): number => record.newestEndAt;
      const newer = newerLatest(rows, current, { stored, newestEndAt });
      if (newer !== 'search') {
        if (newer >= 0) putRow(rows, newer, rows.position[newer]!);
        return;
      }
      let position = 0;
      for (let at = 0; at < rows.count; at++) position = Math.max(position, rows.position[at]!);
      const isFound = searchLatest(scanner, { series, pin }, null, (source, at) =>
        putRow(source, at, position),
      );
      if (isFound) return;
      put.run(position, null, null, series);
    },
  };
}
