/**
 * The latest row of a series: the newest by phenomenon time among the current ones that are neither
 * deletions nor backfill. Kept beside the series' days in the view, and remembered in memory for the
 * series that are asked for.
 */
import type { ObservationKey, ObservationRow } from '../observation.ts';
import type { Position } from '../log/log.ts';
import { decodeBlock } from './columns/block.ts';
import {
  clearRows,
  compareKeys,
  compareKeysAt,
  createRows,
  rowOf,
  type Rows,
} from './columns/rows.ts';
import { canBeLatest, currentRows, findKey, rowCanBeLatest } from './merge.ts';
import { createScanner, type Scanner } from './scan.ts';
import type { Tail } from './tail.ts';
import { naming, type View } from './view.ts';

export interface LatestReader {
  /** Inside `view.reading` where `isRemembered` is false. */
  latest(series: number, pin: Position): ObservationRow | undefined;
  isRemembered(series: number): boolean;
  /** The row is in the tail already: keeps what is remembered true. */
  notice(row: ObservationRow): void;
  /** The tail jumped: nothing that is remembered holds. */
  forget(): void;
}

interface Remembered {
  readonly row: ObservationRow | undefined;
  /** Greatest end of any row of the series: a row beyond it is of a new key. */
  newestAt: number;
}

export function createLatestReader(view: View, tail: Tail): LatestReader {
  const find = createLatestFinder(view, tail);
  const remembered: (Remembered | undefined)[] = [];
  return {
    isRemembered: (series) => remembered[series] !== undefined,
    latest(series, pin) {
      const known = remembered[series];
      if (known !== undefined) return known.row;
      const row = find(series, pin);
      remembered[series] = { row, newestAt: newestEndOf(view, tail, series) };
      return row;
    },
    notice(row) {
      if (!row.current) return;
      const known = remembered[row.series];
      if (known === undefined) return;
      if (row.endAt > known.newestAt) {
        if (rowCanBeLatest(row)) remembered[row.series] = { row, newestAt: row.endAt };
        else known.newestAt = row.endAt;
      } else if (known.row === undefined || compareKeys(row, known.row) >= 0) {
        remembered[row.series] = undefined;
      }
    },
    forget() {
      remembered.length = 0;
    },
  };
}

/** Greatest end of any row of the series, in blocks and tail; −Infinity where there is none. */
export function newestEndOf(view: View, tail: Tail, series: number): number {
  return Math.max(newestStoredEnd(view, series), tail.newestAt(series));
}

/** The same, of the blocks alone. */
export function newestStoredEnd(view: View, series: number): number {
  const day = view.series(series)?.days.at(-1);
  const parts = day === undefined ? undefined : view.day(series, day)?.parts;
  return parts?.at(-1)?.lastEndAt ?? -Infinity;
}

/** From the kept row and the tail, seldom by searching. */
function createLatestFinder(
  view: View,
  tail: Tail,
): (series: number, pin: Position) => ObservationRow | undefined {
  const scanner = createScanner(view);
  const tailRows = createRows(64);
  const keptRow = createRows(1);

  function search(series: number, pin: Position): ObservationRow | undefined {
    let found: ObservationRow | undefined;
    searchLatest(scanner, { series, pin }, tail, (rows, at) => {
      found = rowOf(rows, at);
    });
    return found;
  }

  return (series, pin) => {
    const record = view.series(series);
    const isUsable = record === undefined || record.latestPosition <= pin;
    if (!isUsable) return search(series, pin);
    const stored = record?.latest ?? null;
    clearRows(keptRow);
    keptRow.series = series;
    if (stored !== null) naming({ series }, () => decodeBlock(stored, keptRow, view.dictionary));
    clearRows(tailRows);
    tailRows.series = series;
    tail.collect({ series, fromAt: -Infinity, toAt: Infinity, pin }, tailRows);
    const found = newerLatest(tailRows, currentRows(tailRows, 0, pin), {
      stored: keptRow,
      newestEndAt: () => newestStoredEnd(view, series),
    });
    if (found === 'search') return search(series, pin);
    if (found >= 0) return rowOf(tailRows, found);
    return stored === null ? undefined : rowOf(keptRow, 0);
  };
}

/** What the blocks know of a series' latest row. */
export interface StoredLatest {
  /** One row or none. */
  readonly stored: Rows;
  /** Greatest end of any row in the blocks. */
  readonly newestEndAt: () => number;
}

/**
 * Which of `current` (in order of key) is the latest now: its place, −1 where the stored one stays,
 * or 'search' where only the blocks can say: the stored one is gone, or a newer key may be in them
 * with a greater revision.
 */
export function newerLatest(
  rows: Rows,
  current: Int32Array,
  { stored, newestEndAt }: StoredLatest,
): number | 'search' {
  let best = current.length - 1;
  while (best >= 0 && !canBeLatest(rows, current[best]!)) best--;
  const place = best < 0 ? -1 : current[best]!;
  const hasStored = stored.count > 0;
  const order = place < 0 ? -1 : hasStored ? compareKeysAt(rows, place, stored, 0) : 1;
  if (order > 0) return rows.endAt[place]! > newestEndAt() ? place : 'search';
  if (!hasStored) return -1;
  if (order === 0) return rows.revision[place]! > stored.revision[0]! ? place : -1;
  const key: ObservationKey = rowOf(stored, 0);
  const touched = findKey(rows, current, key);
  if (touched < 0) return -1;
  const row = current[touched]!;
  const isGone = !canBeLatest(rows, row) && rows.revision[row]! > stored.revision[0]!;
  return isGone ? 'search' : -1;
}

/**
 * Searches the newest row that may be the latest, in the blocks and, unless null, the tail; `take`
 * gets it. False where there is none.
 */
export function searchLatest(
  scanner: Scanner,
  { series, pin }: { readonly series: number; readonly pin: Position },
  tail: Tail | null,
  take: (rows: Rows, at: number) => void,
): boolean {
  let isFound = false;
  const query = { series, fromAt: -Infinity, toAt: Infinity, order: 'desc', pin } as const;
  scanner.scan(query, tail, (rows, at) => {
    if (!canBeLatest(rows, at)) return true;
    take(rows, at);
    isFound = true;
    return false;
  });
  return isFound;
}
