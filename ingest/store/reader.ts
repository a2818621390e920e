/** The questions of the port, answered from view and tail at one position. */
import type { ObservationRow } from '../observation.ts';
import type { BalanceTotals } from '../observations/batch.ts';
import type { Position } from '../log/log.ts';
import {
  clearRows,
  compareKeysAt,
  compareKeyTo,
  createRows,
  rowOf,
  type Rows,
} from './columns/rows.ts';
import { dayMs, dayOf, hourMs, lowerBound, type Part } from './directory.ts';
import { createEntryReader } from './entries.ts';
import { storeError } from './errors.ts';
import { dropRepeats, kept, sortRows } from './merge.ts';
import { createLatestReader } from './latest.ts';
import { createPublicationReader } from './publications.ts';
import { createRollupBuilder, decodeHours, hourOf } from './rollup.ts';
import { createScanner, type Scanner } from './scan.ts';
import type { HourRollup, KeptQuery, RangeQuery, StoreReader } from './store.ts';
import type { Tail } from './tail.ts';
import { naming, type DayRecord, type View } from './view.ts';

/** Where the answers stand; the owner (follower or writer) moves it. */
export interface Standing {
  position: Position;
  totals: BalanceTotals;
}

export interface ReaderOptions {
  readonly view: View;
  readonly tail: Tail;
  readonly standing: Standing;
  /** Whether the series' values are angles, which are also summed on the circle. */
  readonly isCircular: (series: number) => boolean;
  /** Told the database's position at the beginning of each read, before anything is answered. */
  readonly onPosition: (position: Position) => void;
}

export interface Reader {
  /** The questions; where they stand is the owner's to say. */
  readonly questions: Omit<StoreReader, 'position' | 'totals'>;
  /** The row is in the tail already: keeps the rows that `latest` remembers true. */
  noticeRow(row: ObservationRow): void;
  /** Forgets the rows that `latest` remembers. */
  forgetLatest(): void;
}

const everFrom = -Infinity;
const everTo = Infinity;

export function createReader(options: ReaderOptions): Reader {
  const { view, tail, standing } = options;
  const scanner = createScanner(view);
  const entries = createEntryReader(view);
  const positionAt = createPublicationReader(view);
  const rows = createRows(1_024);
  const latest = createLatestReader(view, tail);

  function reading<Result>(read: () => Result): Result {
    return view.reading((position) => {
      options.onPosition(position);
      return read();
    });
  }

  function pinOf(asOf: Position | undefined): Position {
    if (asOf === undefined) return standing.position;
    if (asOf <= standing.position) return asOf;
    throw storeError('STORE_POSITION_AHEAD', { asked: asOf, position: standing.position });
  }

  function range(query: RangeQuery): ObservationRow[] {
    const pin = pinOf(query.asOf);
    const found: ObservationRow[] = [];
    if (query.limit <= 0) return found;
    scanner.scan({ ...query, pin }, tail, (source, at) => {
      found.push(rowOf(source, at));
      return found.length < query.limit;
    });
    return found;
  }

  const questions: Reader['questions'] = {
    latest: (series) =>
      latest.isRemembered(series)
        ? latest.latest(series, standing.position)
        : reading(() => latest.latest(series, standing.position)),
    range: (query) => reading(() => range(query)),
    revisions(key) {
      return reading(() => {
        gatherRows(options, rows, key.series, { fromAt: key.endAt, toAt: key.endAt + 1 });
        const places = placesUpTo(rows, standing.position).filter(
          (at) => compareKeyTo(rows, at, key) === 0,
        );
        sortRows(rows, places);
        return kept(rows, places.subarray(0, dropRepeats(rows, places)));
      });
    },
    kept: (query) => reading(() => keptRows(options, rows, query, pinOf(query.asOf))),
    series: () =>
      reading(() =>
        [...new Set([...view.seriesList(standing.position), ...tail.series()])].toSorted(
          (a, b) => a - b,
        ),
      ),
    hours: (series, fromAt, toAt) =>
      reading(() => hoursOf(options, scanner, { series, fromAt, toAt })),
    quarantine: (query) => reading(() => entries.quarantine(tail, standing.position, query)),
    control: (query) => reading(() => entries.control(tail, standing.position, query)),
    positionAt: (publishedAt) =>
      reading(() => positionAt(tail.publications, { publishedAt, pin: standing.position })),
  };

  return {
    questions,
    noticeRow: (row) => latest.notice(row),
    forgetLatest: () => latest.forget(),
  };
}

function gatherRows(
  { view, tail, standing }: ReaderOptions,
  rows: Rows,
  series: number,
  { fromAt, toAt }: Ends,
): void {
  clearRows(rows);
  rows.series = series;
  const record = view.series(series);
  const days = record === undefined ? [] : daysBetween(record.days, fromAt, toAt);
  for (const day of days) {
    for (const part of view.day(series, day)?.parts ?? []) {
      if (part.lastEndAt >= fromAt && part.firstEndAt < toAt) view.readBlock(part.block, rows);
    }
  }
  tail.collect({ series, fromAt, toAt, pin: standing.position }, rows);
}

function daysBetween(days: readonly number[], fromAt: number, toAt: number): readonly number[] {
  return days.slice(lowerBound(days, dayOf(fromAt)), lowerBound(days, dayOf(toAt - 1) + 1));
}

function placesUpTo(rows: Rows, pin: Position): Int32Array {
  const places = new Int32Array(rows.count);
  let count = 0;
  for (let at = 0; at < rows.count; at++) if (rows.position[at]! <= pin) places[count++] = at;
  return places.subarray(0, count);
}

/** Days that blocks or tail have rows in, ascending. */
function allDays({ view, tail }: ReaderOptions, series: number, pin: Position): number[] {
  const days = new Set(view.series(series)?.days);
  const rows = createRows(64);
  tail.collect({ series, fromAt: everFrom, toAt: everTo, pin }, rows);
  for (let at = 0; at < rows.count; at++) days.add(dayOf(rows.endAt[at]!));
  return [...days].toSorted((a, b) => a - b);
}

function keptRows(
  options: ReaderOptions,
  rows: Rows,
  query: KeptQuery,
  pin: Position,
): ObservationRow[] {
  const { series, after, limit } = query;
  const found: ObservationRow[] = [];
  const days = allDays(options, series, pin);
  const first = after === undefined ? 0 : lowerBound(days, dayOf(after.endAt));
  for (const day of days.slice(first)) {
    const fromAt = Math.max(day * dayMs + 1, after?.endAt ?? everFrom);
    gatherRows(options, rows, series, { fromAt, toAt: (day + 1) * dayMs + 1 });
    const places = placesUpTo(rows, pin);
    sortRows(rows, places);
    const order = places.subarray(0, dropRepeats(rows, places));
    for (let from = 0; from < order.length;) {
      let to = from + 1;
      while (to < order.length && compareKeysAt(rows, order[from]!, rows, order[to]!) === 0) to++;
      const isBehind = after === undefined || compareKeyTo(rows, order[from]!, after) > 0;
      if (isBehind) found.push(...kept(rows, order.subarray(from, to)));
      if (found.length >= limit) return found;
      from = to;
    }
  }
  return found;
}

interface Ends {
  readonly fromAt: number;
  readonly toAt: number;
}

interface HoursQuery extends Ends {
  readonly series: number;
}

function hoursOf(options: ReaderOptions, scanner: Scanner, query: HoursQuery): HourRollup[] {
  const { series } = query;
  const pin = options.standing.position;
  /** Hours named by their end in (fromAt, toAt]; rows with ends in [rowsFrom, rowsTo). */
  const rowsFrom = Math.floor(query.fromAt / hourMs) * hourMs + 1;
  const rowsTo = Math.floor(query.toAt / hourMs) * hourMs + 1;
  const found: HourRollup[] = [];
  if (rowsTo <= rowsFrom) return found;
  for (const day of daysBetween(allDays(options, series, pin), rowsFrom, rowsTo)) {
    const fromAt = Math.max(rowsFrom, day * dayMs + 1);
    const toAt = Math.min(rowsTo, (day + 1) * dayMs + 1);
    const record = options.view.day(series, day);
    const stored = record === undefined ? null : usableHours(record, series, day, pin);
    const dayQuery = { series, fromAt, toAt };
    found.push(
      ...(stored === null
        ? summedHours(options, scanner, dayQuery)
        : mergedHours(options, scanner, dayQuery, stored)),
    );
  }
  return found;
}

/** Kept hours hold for a position that has all rows of the day. */
function usableHours(
  record: DayRecord,
  series: number,
  day: number,
  pin: Position,
): HourRollup[] | null {
  const { hours } = record;
  if (hours === null || record.parts.some((part: Part) => part.positionMax > pin)) return null;
  return naming({ series, day }, () => decodeHours(hours, series, day));
}

function summedHours(options: ReaderOptions, scanner: Scanner, query: HoursQuery): HourRollup[] {
  const { series } = query;
  const builder = createRollupBuilder(series, options.isCircular(series));
  const pin = options.standing.position;
  scanner.scan({ ...query, order: 'asc', pin }, options.tail, (rows, at) => {
    builder.add(rows, at);
    return true;
  });
  return builder.finish();
}

/** Kept hours, those that the tail touches summed again. */
function mergedHours(
  options: ReaderOptions,
  scanner: Scanner,
  query: HoursQuery,
  stored: readonly HourRollup[],
): HourRollup[] {
  const { series, fromAt, toAt } = query;
  const rows = createRows(64);
  options.tail.collect({ ...query, pin: options.standing.position }, rows);
  const touched = new Set<number>();
  for (let at = 0; at < rows.count; at++) touched.add(hourOf(rows.endAt[at]!));
  const found = stored.filter(
    ({ hourAt }) => hourAt >= fromAt && hourAt < toAt && !touched.has(hourAt),
  );
  for (const hourAt of touched) {
    const hour = { series, fromAt: hourAt - hourMs + 1, toAt: hourAt + 1 };
    found.push(...summedHours(options, scanner, hour));
  }
  return found.toSorted((a, b) => a.hourAt - b.hourAt);
}
