/**
 * The one merge rule. A row is known by (key, revision); what is met twice counts once. (Rows that
 * were superseded on arrival once all had the revision -1: such are told apart by rank and result.) Of a key's rows up to a position the greatest
 * revision is current; a deletion shows nothing. Every answer of the view, from blocks, from the
 * tail or from both, goes through these functions.
 */
import type { ObservationKey, ObservationRow } from '../observation.ts';
import { maskOf } from '../quality.ts';
import {
  compareKeysAt,
  compareKeyTo,
  compareRanksAt,
  isCurrent,
  isDeletion,
  rowOf,
  type Rows,
} from './columns/rows.ts';

/** Order of rows within a series: key, revision, rank, result, position. */
function compareRows(rows: Rows, a: number, b: number): number {
  return (
    compareKeysAt(rows, a, rows, b) ||
    rows.revision[a]! - rows.revision[b]! ||
    compareRanksAt(rows, a, rows, b) ||
    compareResults(rows.result[a]!, rows.result[b]!) ||
    rows.position[a]! - rows.position[b]!
  );
}

function compareResults(a: number, b: number): number {
  if (Object.is(a, b)) return 0;
  if (Number.isNaN(a)) return -1;
  if (Number.isNaN(b)) return 1;
  return a - b || (Object.is(a, -0) ? -1 : 1);
}

/** Sorts places of rows; the usual stretch comes in order already. */
export function sortRows(rows: Rows, order: Int32Array): void {
  for (let at = 1; at < order.length; at++) {
    if (compareRows(rows, order[at - 1]!, order[at]!) > 0) {
      order.sort((a, b) => compareRows(rows, a, b));
      return;
    }
  }
}

/** Places `from` to `to` in order of key. */
export function orderOf(rows: Rows, from: number, to: number): Int32Array {
  const order = new Int32Array(to - from);
  for (let at = 0; at < order.length; at++) order[at] = from + at;
  sortRows(rows, order);
  return order;
}

function isRepeat(rows: Rows, a: number, b: number): boolean {
  if (rows.revision[a] !== rows.revision[b]) return false;
  if (rows.revision[a]! >= 0) return true;
  return (
    compareRanksAt(rows, a, rows, b) === 0 && compareResults(rows.result[a]!, rows.result[b]!) === 0
  );
}

/** Drops repeats from sorted places; gives how many are left, at the front. */
export function dropRepeats(rows: Rows, order: Int32Array): number {
  let kept = 0;
  for (let at = 0; at < order.length; at++) {
    const row = order[at]!;
    if (kept > 0) {
      const before = order[kept - 1]!;
      if (compareKeysAt(rows, before, rows, row) === 0 && isRepeat(rows, before, row)) continue;
    }
    order[kept++] = row;
  }
  return kept;
}

/** The current row of each key up to `pin`, in order of key; deletions are among them. */
export function currentRows(rows: Rows, from: number, pin: number): Int32Array {
  const order = new Int32Array(rows.count - from);
  let count = 0;
  for (let at = from; at < rows.count; at++) {
    if (isCurrent(rows, at) && rows.position[at]! <= pin) order[count++] = at;
  }
  const sorted = order.subarray(0, count);
  sortRows(rows, sorted);
  let kept = 0;
  for (const row of sorted) {
    if (kept > 0 && compareKeysAt(rows, sorted[kept - 1]!, rows, row) === 0) {
      if (rows.revision[sorted[kept - 1]!] === rows.revision[row]) continue;
      kept--;
    }
    sorted[kept++] = row;
  }
  return sorted.subarray(0, kept);
}

/** Sorted places by what a block needs: each key's current row, and all others. */
export function splitNewest(
  rows: Rows,
  order: Int32Array,
): { readonly newest: Int32Array; readonly others: Int32Array } {
  const newest = new Int32Array(order.length);
  const others = new Int32Array(order.length);
  let newestCount = 0;
  let othersCount = 0;
  for (let at = 0; at < order.length; at++) {
    const row = order[at]!;
    const next = order[at + 1];
    const isLast = next === undefined || compareKeysAt(rows, row, rows, next) !== 0;
    if (isLast && isCurrent(rows, row)) newest[newestCount++] = row;
    else others[othersCount++] = row;
  }
  return { newest: newest.subarray(0, newestCount), others: others.subarray(0, othersCount) };
}

const backfillBit = maskOf(['BACKFILL']);

/** Whether a current row may be the latest: deletions and backfill are not. */
export function canBeLatest(rows: Rows, at: number): boolean {
  return !isDeletion(rows, at) && (rows.verdict[at]!.qualifiers & backfillBit) === 0;
}

export function rowCanBeLatest(row: ObservationRow): boolean {
  return row.type !== 'deletion' && (row.verdict.qualifiers & backfillBit) === 0;
}

/** Whether and where `current` (in order of key) has the key; −1 where not. */
export function findKey(rows: Rows, current: Int32Array, key: ObservationKey): number {
  let low = 0;
  let high = current.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const order = compareKeyTo(rows, current[middle]!, key);
    if (order === 0) return middle;
    if (order < 0) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}

/**
 * Rows of one key as `revisions` gives them: the newest row first (a deletion too), then the others
 * by rank descending, of one rank the newest revision first.
 */
export function kept(rows: Rows, sorted: Int32Array): ObservationRow[] {
  // Nearly every key: one row.
  if (sorted.length === 1) return [rowOf(rows, sorted[0]!)];
  const { newest, others } = splitNewest(rows, sorted);
  const rest = [...others].toSorted(
    (a, b) =>
      compareRanksAt(rows, b, rows, a) ||
      rows.revision[b]! - rows.revision[a]! ||
      compareResults(rows.result[b]!, rows.result[a]!),
  );
  return [...newest, ...rest].map((at) => rowOf(rows, at));
}
