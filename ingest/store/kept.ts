/** Reads keys with all their rows, from blocks and tail. */
import type { ObservationKey, ObservationRow } from '../observation.ts';
import type { Position } from '../log/log.ts';
import { clearRows, compareKeysAt, compareKeyTo, createRows, type Rows } from './columns/rows.ts';
import { dayOf, endsOfDay, lowerBound } from './directory.ts';
import { dropRepeats, kept, sortRows } from './merge.ts';
import type { KeptQuery } from './store.ts';
import type { Tail } from './tail.ts';
import type { View } from './view.ts';

export interface KeptReader {
  /** Inside `view.reading`. Every row of the key up to `pin`. */
  revisions(key: ObservationKey, pin: Position): ObservationRow[];
  /** Inside `view.reading`. */
  kept(query: KeptQuery, pin: Position): ObservationRow[];
}

/** Rows of one series with ends in a range, up to a position. */
interface Stretch {
  readonly series: number;
  readonly fromAt: number;
  readonly toAt: number;
  readonly pin: Position;
}

export function createKeptReader(view: View, tail: Tail): KeptReader {
  const rows = createRows(1_024);

  /** Places, in order and without repeats, of the stretch's rows and others of the same blocks. */
  function gather(stretch: Stretch): Int32Array {
    const { series, fromAt, toAt, pin } = stretch;
    clearRows(rows);
    rows.series = series;
    for (const day of daysBetween(view.series(series)?.days ?? [], fromAt, toAt)) {
      for (const part of view.day(series, day)?.parts ?? []) {
        if (part.lastEndAt >= fromAt && part.firstEndAt < toAt) view.readBlock(part.block, rows);
      }
    }
    tail.collect(stretch, rows);
    const places = placesUpTo(rows, pin);
    sortRows(rows, places);
    return places.subarray(0, dropRepeats(rows, places));
  }

  return {
    revisions(key, pin) {
      const { series, endAt } = key;
      const order = gather({ series, fromAt: endAt, toAt: endAt + 1, pin });
      return kept(
        rows,
        order.filter((at) => compareKeyTo(rows, at, key) === 0),
      );
    },
    kept({ series, after, toAt: beforeAt = Infinity, limit }, pin) {
      const found: ObservationRow[] = [];
      const afterAt = after?.endAt ?? -Infinity;
      for (const { fromAt, toAt } of stretches(view, tail, { series, pin })) {
        if (toAt <= afterAt) continue;
        if (fromAt >= beforeAt) break;
        const span = { fromAt: Math.max(fromAt, afterAt), toAt: Math.min(toAt, beforeAt) };
        const order = gather({ series, ...span, pin });
        addKeys({ rows, order, after, toAt: beforeAt, limit }, found);
        if (found.length >= limit) break;
      }
      return found;
    },
  };
}

export interface KeyPage {
  readonly rows: Rows;
  readonly order: Int32Array;
  readonly after: ObservationKey | undefined;
  readonly toAt: number;
  readonly limit: number;
}

/** Adds whole keys behind `after` and before `toAt` until the limit is reached. */
export function addKeys(
  { rows, order, after, toAt, limit }: KeyPage,
  found: ObservationRow[],
): void {
  for (let from = 0; from < order.length && found.length < limit;) {
    let to = from + 1;
    while (to < order.length && compareKeysAt(rows, order[from]!, rows, order[to]!) === 0) to++;
    // A block that reaches into the stretch may end behind it.
    if (rows.endAt[order[from]!]! >= toAt) return;
    const isBehind = after === undefined || compareKeyTo(rows, order[from]!, after) > 0;
    if (isBehind) found.push(...kept(rows, order.subarray(from, to)));
    from = to;
  }
}

function placesUpTo(rows: Rows, pin: Position): Int32Array {
  const places = new Int32Array(rows.count);
  let count = 0;
  for (let at = 0; at < rows.count; at++) if (rows.position[at]! <= pin) places[count++] = at;
  return places.subarray(0, count);
}

/** The days of an ascending list that have ends in the range. */
export function daysBetween(
  days: readonly number[],
  fromAt: number,
  toAt: number,
): readonly number[] {
  return days.slice(lowerBound(days, dayOf(fromAt)), lowerBound(days, dayOf(toAt - 1) + 1));
}

/** Days that the tail has rows of a series in. */
export function tailDays(
  tail: Tail,
  { series, pin }: { readonly series: number; readonly pin: Position },
): ReadonlySet<number> {
  const days = new Set<number>();
  tail.visitEnds({ series, pin }, (endAt) => days.add(dayOf(endAt)));
  return days;
}

/**
 * Ends to read at once, ascending: a day that has blocks by itself, days that are in the tail alone
 * together, since each reading goes through all of the series' rows there.
 */
function* stretches(
  view: View,
  tail: Tail,
  held: { readonly series: number; readonly pin: Position },
): Generator<{ readonly fromAt: number; readonly toAt: number }> {
  const stored = view.series(held.series)?.days ?? [];
  const inTail = tailDays(tail, held);
  const isStored = new Set(stored);
  const days = [...new Set([...stored, ...inTail])].toSorted((a, b) => a - b);
  for (let at = 0; at < days.length;) {
    let end = at + 1;
    const alone = !isStored.has(days[at]!);
    while (alone && end < days.length && !isStored.has(days[end]!)) end++;
    yield { fromAt: endsOfDay(days[at]!).fromAt, toAt: endsOfDay(days[end - 1]!).toAt };
    at = end;
  }
}
