/**
 * Walks a series' current rows at a position, in order of key, through blocks and tail at once.
 * Blocks are decoded one at a time into rows that are used again: whoever is visited takes what it
 * needs and does not come back.
 */
import type { ObservationKey } from '../observation.ts';
import type { Position } from '../log/log.ts';
import {
  clearRows,
  compareKeysAt,
  compareKeyTo,
  createRows,
  isDeletion,
  type Rows,
} from './columns/rows.ts';
import { dayOf, lowerBound, type Part } from './directory.ts';
import { currentRows } from './merge.ts';
import type { Tail } from './tail.ts';
import type { View } from './view.ts';

export interface ScanQuery {
  readonly series: number;
  readonly fromAt: number;
  readonly toAt: number;
  readonly order: 'asc' | 'desc';
  readonly pin: Position;
  readonly after?: ObservationKey;
}

/** Gives false to stop. */
export type Visit = (rows: Rows, at: number) => boolean;

export interface Scanner {
  /** Must run inside `view.reading`. `tail` null leaves the tail out. */
  scan(query: ScanQuery, tail: Tail | null, visit: Visit): void;
}

interface Walk {
  readonly query: ScanQuery;
  readonly visit: Visit;
  /** 1 ascending, −1 descending. */
  readonly sign: 1 | -1;
  readonly tailRows: Rows;
  readonly tailOrder: Int32Array;
  /** Next of `tailOrder`, from either end. */
  tailAt: number;
  stopped: boolean;
}

export function createScanner(view: View): Scanner {
  const partRows = createRows(1_024);
  const tailRows = createRows(64);

  return {
    scan(query, tail, visit) {
      clearRows(tailRows);
      tailRows.series = query.series;
      tail?.collect(query, tailRows);
      const tailOrder = currentRows(tailRows, 0, query.pin);
      const sign = query.order === 'asc' ? 1 : -1;
      const walk: Walk = {
        query,
        visit,
        sign,
        tailRows,
        tailOrder,
        tailAt: sign === 1 ? 0 : tailOrder.length - 1,
        stopped: false,
      };
      for (const part of partsOf(view, query)) {
        if (!mayHold(part, query)) continue;
        visitPart(view, walk, part, partRows);
        if (walk.stopped) break;
      }
      while (!walk.stopped && hasTail(walk)) visitTail(walk);
      clearRows(partRows);
      clearRows(tailRows);
    },
  };
}

/** The parts of the days in question, in the order of the walk; days are read one by one. */
function* partsOf(view: View, query: ScanQuery): Generator<Part> {
  const { series, fromAt, toAt, after } = query;
  const record = view.series(series);
  if (record === undefined) return;
  const ascending = query.order === 'asc';
  const from = ascending && after !== undefined ? Math.max(fromAt, after.endAt) : fromAt;
  const to = !ascending && after !== undefined ? Math.min(toAt, after.endAt + 1) : toAt;
  const first = lowerBound(record.days, dayOf(from));
  const end = lowerBound(record.days, dayOf(to - 1) + 1);
  const days = record.days.slice(first, end);
  for (const day of ascending ? days : days.toReversed()) {
    const directory = view.day(series, day);
    if (directory === undefined) continue;
    yield* ascending ? directory.parts : directory.parts.toReversed();
  }
}

function mayHold(part: Part, query: ScanQuery): boolean {
  if (part.lastEndAt < query.fromAt || part.firstEndAt >= query.toAt) return false;
  const { after } = query;
  if (after === undefined) return true;
  return query.order === 'asc' ? part.lastEndAt >= after.endAt : part.firstEndAt <= after.endAt;
}

function visitPart(view: View, walk: Walk, part: Part, rows: Rows): void {
  clearRows(rows);
  rows.series = walk.query.series;
  const { newest } = view.readBlock(part.block, rows);
  const { pin } = walk.query;
  const picked = part.positionMax <= pin ? null : currentRows(rows, 0, pin);
  const count = picked === null ? newest : picked.length;
  for (let at = 0; at < count && !walk.stopped; at++) {
    const place = walk.sign === 1 ? at : count - 1 - at;
    const row = picked === null ? place : picked[place]!;
    if (visitTailBefore(walk, rows, row)) continue;
    if (!walk.stopped) visitOne(walk, rows, row);
  }
}

function hasTail(walk: Walk): boolean {
  return walk.tailAt >= 0 && walk.tailAt < walk.tailOrder.length;
}

function visitTail(walk: Walk): void {
  const row = walk.tailOrder[walk.tailAt]!;
  walk.tailAt += walk.sign;
  visitOne(walk, walk.tailRows, row);
}

/** Visits the tail's rows before the block's; true where the tail has the newer row of its key. */
function visitTailBefore(walk: Walk, rows: Rows, row: number): boolean {
  while (!walk.stopped && hasTail(walk)) {
    const tailRow = walk.tailOrder[walk.tailAt]!;
    const order = walk.sign * compareKeysAt(walk.tailRows, tailRow, rows, row);
    if (order > 0) return false;
    if (order < 0) {
      visitTail(walk);
      continue;
    }
    if (walk.tailRows.revision[tailRow]! > rows.revision[row]!) {
      visitTail(walk);
      return true;
    }
    walk.tailAt += walk.sign;
    return false;
  }
  return false;
}

function visitOne(walk: Walk, rows: Rows, row: number): void {
  const { query } = walk;
  const endAt = rows.endAt[row]!;
  if (endAt < query.fromAt || endAt >= query.toAt || isDeletion(rows, row)) return;
  if (query.after !== undefined && walk.sign * compareKeyTo(rows, row, query.after) <= 0) return;
  if (!walk.visit(rows, row)) walk.stopped = true;
}
