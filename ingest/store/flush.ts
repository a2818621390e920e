/** One flush of the tail: its units (series and day), in slices that the writer commits. */
import type { Position } from '../log/log.ts';
import type { BalanceTotals } from '../observations/batch.ts';
import type { Sink } from './columns/bytes.ts';
import { decodeBlock, encodeBlock, recogniseTexts } from './columns/block.ts';
import { clearRows, createRows, type Rows } from './columns/rows.ts';
import type { StoreConfig } from './config.ts';
import { createDayWriter } from './day-writer.ts';
import { addDay, dayOf, encodeDays } from './directory.ts';
import { createEntryWriter } from './entries.ts';
import { currentRows, dropRepeats, orderOf } from './merge.ts';
import { createPublicationWriter } from './publications.ts';
import { newerLatest, searchLatest } from './latest.ts';
import { createScanner } from './scan.ts';
import type { Tail } from './tail.ts';
import { naming, type SeriesRecord, type View } from './view.ts';

/** What the view says of itself once the flush is whole. */
export interface FlushStanding {
  readonly position: Position;
  readonly totals: BalanceTotals;
  readonly consumed: Position;
  readonly publishedAt: number;
  readonly registryVersion: number;
}

export interface Flush {
  readonly standing: FlushStanding;
  readonly series: readonly number[];
  /** Next series, and of it the first day that is not written yet. */
  at: number;
  fromDay: number;
  quarantineAt: number;
  controlAt: number;
  isDone: boolean;
}

export type FlushMark = Omit<Flush, 'standing' | 'series'>;

export interface FlushOptions {
  readonly view: View;
  readonly tail: Tail;
  readonly sink: Sink;
  readonly config: StoreConfig;
  readonly isCircular: (series: number) => boolean;
}

export interface FlushWriter {
  begin(standing: FlushStanding): Flush;
  /** Writes units until `isOver`, inside a transaction; gives the rows written. */
  writeSlice(flush: Flush, isOver: () => boolean): number;
  mark(flush: Flush): FlushMark;
  /** After a transaction that was rolled back. */
  restore(flush: Flush, mark: FlushMark): void;
}

/** Entries of quarantine or control that are written before the time is looked at. */
const entriesAtOnce = 32;

export function createFlush(options: FlushOptions): FlushWriter {
  const { view, tail, sink } = options;
  const { database } = view;
  const seriesWriter = createSeriesWriter(options);
  const entryWriter = createEntryWriter(view);
  const putPublications = createPublicationWriter(view, sink);
  const putTarget = database.prepare('UPDATE state SET target = ?');
  const putState = database.prepare(
    `UPDATE state SET position = ?, target = ?, published_at = ?, consumed = ?,
     registry_version = ?, totals = ?`,
  );

  /** Some entries up to the flush's end, from `from` on; gives the next place, −1 after the last. */
  function putEntries<Entry>(
    entries: readonly (Entry & { readonly batch: Position })[],
    from: number,
    { target, put }: { readonly target: Position; readonly put: (entry: Entry) => void },
  ): number {
    for (let at = from; at < from + entriesAtOnce; at++) {
      const entry = entries[at];
      if (entry === undefined || entry.batch > target) return -1;
      put(entry);
    }
    return from + entriesAtOnce;
  }

  function finish(flush: Flush): void {
    const { position, totals, consumed, publishedAt, registryVersion } = flush.standing;
    putPublications(tail.publications.filter((publication) => publication.position <= position));
    const text = JSON.stringify(totals);
    putState.run(position, position, publishedAt, consumed, registryVersion, text);
    flush.isDone = true;
  }

  function writeUnit(flush: Flush, isOver: () => boolean): number {
    const target = flush.standing.position;
    const series = flush.series[flush.at];
    if (series !== undefined) return seriesWriter.write(flush, series, isOver);
    if (flush.quarantineAt >= 0) {
      const put = entryWriter.putQuarantine;
      flush.quarantineAt = putEntries(tail.quarantine, flush.quarantineAt, { target, put });
    } else if (flush.controlAt >= 0) {
      const put = entryWriter.putControl;
      flush.controlAt = putEntries(tail.control, flush.controlAt, { target, put });
    } else finish(flush);
    return 0;
  }

  return {
    begin: (standing) => ({
      standing,
      series: tail.series(),
      at: 0,
      fromDay: -Infinity,
      quarantineAt: 0,
      controlAt: 0,
      isDone: false,
    }),
    writeSlice(flush, isOver) {
      if (flush.at === 0 && flush.fromDay === -Infinity) putTarget.run(flush.standing.position);
      let rows = 0;
      do rows += writeUnit(flush, isOver);
      while (!flush.isDone && !isOver());
      return rows;
    },
    mark: ({ at, fromDay, quarantineAt, controlAt, isDone }) => ({
      at,
      fromDay,
      quarantineAt,
      controlAt,
      isDone,
    }),
    restore(flush, mark) {
      Object.assign(flush, mark);
      seriesWriter.reload();
      view.dictionary.reload();
    },
  };
}

interface SeriesWriter {
  /** Writes days of one series; moves `flush` on. Gives the rows written. */
  write(flush: Flush, series: number, isOver: () => boolean): number;
  reload(): void;
}

function newSeries(): SeriesRecord {
  return { days: [], latestEndAt: null, latestPosition: 0, latest: null };
}

function createSeriesWriter(options: FlushOptions): SeriesWriter {
  const { view, tail, config, isCircular, sink } = options;
  const { blockPointsMax, rollupPointsMin } = config;
  const days = createDayWriter({ view, sink, blockPointsMax, rollupPointsMin, isCircular });
  const latest = createLatestWriter(options);
  const rows = createRows(1_024);
  const putDays = view.database.prepare(
    `INSERT INTO series VALUES (?, ?, ?, NULL, 0, NULL, NULL)
     ON CONFLICT DO UPDATE SET days = excluded.days`,
  );

  /** The series' rows up to the flush's end, in order, without repeats. */
  function freshRows(series: number, target: Position): Int32Array {
    clearRows(rows);
    rows.series = series;
    tail.collect({ series, fromAt: -Infinity, toAt: Infinity, pin: target }, rows);
    recogniseTexts(rows);
    const order = orderOf(rows, 0, rows.count);
    return order.subarray(0, dropRepeats(rows, order));
  }

  /** The day that was newest is sealed when a newer one begins. */
  function sealNewest(record: SeriesRecord, fresh: Int32Array, newest: number): void {
    const day = record.days.at(-1);
    if (day === undefined || day >= newest) return;
    const isWritten = fresh.some((row) => dayOf(rows.endAt[row]!) === day);
    if (!isWritten) days.write({ day, rows, fresh: new Int32Array(0), seal: true });
  }

  return {
    write(flush, series, isOver) {
      const target = flush.standing.position;
      const fresh = freshRows(series, target);
      const record = view.series(series) ?? newSeries();
      const daysBefore = record.days.length;
      const lastDay = dayOf(rows.endAt[fresh.at(-1)!]!);
      const newest = Math.max(lastDay, record.days.at(-1) ?? lastDay);
      sealNewest(record, fresh, newest);
      let written = 0;
      let at = 0;
      while (at < fresh.length) {
        const day = dayOf(rows.endAt[fresh[at]!]!);
        let end = at + 1;
        while (end < fresh.length && dayOf(rows.endAt[fresh[end]!]!) === day) end++;
        if (day >= flush.fromDay) {
          days.write({ day, rows, fresh: fresh.subarray(at, end), seal: day < newest });
          addDay(record.days, day);
          written += end - at;
          flush.fromDay = day + 1;
        }
        at = end;
        if (written > 0 && at < fresh.length && isOver()) break;
      }
      if (record.days.length > daysBefore)
        putDays.run(series, firstPosition(rows), encodeDays(sink, record.days));
      if (at < fresh.length) return written;
      latest.write(series, record, { rows, target });
      flush.at++;
      flush.fromDay = -Infinity;
      return written;
    },
    reload: () => days.reload(),
  };
}

function firstPosition(rows: Rows): Position {
  let first = Infinity;
  for (let at = 0; at < rows.count; at++) first = Math.min(first, rows.position[at]!);
  return first;
}

interface LatestWriter {
  write(
    series: number,
    record: SeriesRecord,
    fresh: { readonly rows: Rows; readonly target: Position },
  ): void;
}

/** Keeps the latest row of a series beside its days; most often the newest of the rows at hand. */
function createLatestWriter({ view, sink }: FlushOptions): LatestWriter {
  const scanner = createScanner(view);
  const stored = createRows(1);
  const put = view.database.prepare(
    `UPDATE series SET latest_end_at = ?, latest_position = ?, latest_points = ?,
     latest_details = ? WHERE series = ?`,
  );

  /**
   * A reader pinned before `position` does not trust the row: for one that was searched for, because
   * the latest before it went away, that is the flush's end.
   */
  function putRow(series: number, row: { rows: Rows; at: number; position: Position }): void {
    const source = { rows: row.rows, newest: Int32Array.of(row.at), others: new Int32Array(0) };
    const { points, details } = encodeBlock(sink, source, view.dictionary);
    put.run(row.rows.endAt[row.at]!, row.position, points, details, series);
  }

  return {
    write(series, record, { rows, target }) {
      clearRows(stored);
      stored.series = series;
      const { latest } = record;
      if (latest !== null) naming({ series }, () => decodeBlock(latest, stored, view.dictionary));
      const newer = newerLatest(rows, currentRows(rows, 0, target), stored);
      if (newer !== 'search') {
        if (newer >= 0) putRow(series, { rows, at: newer, position: rows.position[newer]! });
        return;
      }
      const isFound = searchLatest(scanner, { series, pin: target }, null, (source, at) =>
        putRow(series, { rows: source, at, position: target }),
      );
      if (!isFound) put.run(null, target, null, null, series);
    },
  };
}
