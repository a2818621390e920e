/**
 * `verify` of the view: whether the database is whole, every block decodes and lies where its
 * directory says, and latest rows and kept hours are what the blocks say. What is found is named;
 * whatever it is, the cure is to delete `view.db`, which is built again from the log.
 */
import { CodedError } from '../../devices/coded-error.ts';
import type { Position } from '../log/log.ts';
import { createRows, clearRows, isDeletion, rowOf, type Rows } from './columns/rows.ts';
import { decodeBlock } from './columns/block.ts';
import { dayOf, type Part } from './directory.ts';
import { compareKeysAt } from './columns/rows.ts';
import { searchLatest } from './latest.ts';
import { createRollupBuilder, decodeHours } from './rollup.ts';
import { createScanner, type Scanner } from './scan.ts';
import { checkFormat, openReadOnly, viewFormatKept } from './schema.ts';
import { naming, openView, type DayRecord, type View } from './view.ts';

export const viewFindings = {
  VIEW_UNREADABLE: 'The file cannot be opened as a view, or a part of it cannot be read',
  VIEW_DATABASE_DAMAGED: 'SQLite finds the database damaged',
  VIEW_AHEAD_OF_LOG: 'The view holds positions beyond the end of the log',
  VIEW_BLOCK_UNREADABLE: 'A block does not decode',
  VIEW_BLOCK_MISPLACED: 'A block holds other rows than its directory says',
  VIEW_BLOCK_UNUSED: 'A block is in no directory',
  VIEW_LATEST_WRONG: 'A latest row is not what the blocks say',
  VIEW_HOURS_WRONG: 'Kept hours are not what the blocks say',
} as const;
export type ViewFindingCode = keyof typeof viewFindings;

export interface ViewFinding {
  readonly code: ViewFindingCode;
  /** Where: series, day, block, and what was found. */
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface CheckViewOptions {
  readonly path: string;
  /** Durable end of `observations`. */
  readonly logEnd: Position;
  readonly isCircular: (series: number) => boolean;
  /** Findings after which it stops. */
  readonly findingsMax: number;
}

/** Reads the whole view on a connection of its own; empty where all is right. */
export function checkView(options: CheckViewOptions): readonly ViewFinding[] {
  const findings: ViewFinding[] = [];
  const report = (code: ViewFindingCode, fields: ViewFinding['fields']): void => {
    if (findings.length < options.findingsMax) findings.push({ code, fields });
  };
  try {
    const database = openReadOnly(options.path);
    try {
      // A much older one is emptied at the next start: nothing in it will be believed.
      if (checkFormat(database, options.path) < viewFormatKept) return findings;
      const view = openView(database);
      view.reading(() => checkAll(view, options, report));
    } finally {
      database.close();
    }
  } catch (error) {
    report('VIEW_UNREADABLE', { path: options.path, error: describe(error) });
  }
  return findings;
}

type Report = (code: ViewFindingCode, fields: ViewFinding['fields']) => void;

function describe(error: unknown): string {
  if (error instanceof CodedError) return `${error.code} ${JSON.stringify(error.fields)}`;
  return error instanceof Error ? error.message : String(error);
}

function checkAll(view: View, options: CheckViewOptions, report: Report): void {
  const { database } = view;
  const messages = database.prepare('PRAGMA integrity_check(10)').all() as {
    integrity_check: string;
  }[];
  for (const { integrity_check: message } of messages) {
    if (message !== 'ok') report('VIEW_DATABASE_DAMAGED', { message });
  }
  const { position, target } = view.state();
  if (Math.max(position, target) > options.logEnd) {
    report('VIEW_AHEAD_OF_LOG', { position, target, logEnd: options.logEnd });
  }
  const scanner = createScanner(view);
  const used = new Set<number>();
  for (const series of view.seriesList(Number.MAX_SAFE_INTEGER)) {
    try {
      const isWhole = checkSeries({ view, options, report, used }, series);
      if (isWhole) checkLatest(view, scanner, series, report);
    } catch (error) {
      report('VIEW_UNREADABLE', { series, error: describe(error) });
    }
  }
  const blocks = database.prepare('SELECT id FROM blocks').iterate() as Iterable<{ id: number }>;
  for (const { id } of blocks) if (!used.has(id)) report('VIEW_BLOCK_UNUSED', { block: id });
}

interface Checking {
  readonly view: View;
  readonly options: CheckViewOptions;
  readonly report: Report;
  /** Blocks that a directory names. */
  readonly used: Set<number>;
}

/** True where all blocks of the series decode and lie right: only then are latest and hours judged. */
function checkSeries(checking: Checking, series: number): boolean {
  const { view, report } = checking;
  const rows = createRows(1_024);
  let isWhole = true;
  for (const day of view.series(series)?.days ?? []) {
    const record = view.day(series, day);
    if (record === undefined) {
      report('VIEW_BLOCK_MISPLACED', { series, day, missing: 'directory' });
      isWhole = false;
      continue;
    }
    isWhole = checkDay(checking, { series, day, record, rows }) && isWhole;
  }
  return isWhole;
}

interface CheckedDay {
  readonly series: number;
  readonly day: number;
  readonly record: DayRecord;
  readonly rows: Rows;
}

function checkDay(checking: Checking, checked: CheckedDay): boolean {
  const { view, options, report, used } = checking;
  const { series, day, record, rows } = checked;
  const builder = createRollupBuilder(series, options.isCircular(series));
  let isWhole = true;
  let lastEndAt = -Infinity;
  for (const part of record.parts) {
    clearRows(rows);
    rows.series = series;
    used.add(part.block);
    try {
      const { newest } = view.readBlock(part.block, rows);
      if (!liesRight(rows, newest, part, { day, lastEndAt })) {
        report('VIEW_BLOCK_MISPLACED', { series, day, block: part.block });
        isWhole = false;
      }
      for (let at = 0; at < newest; at++) if (!isDeletion(rows, at)) builder.add(rows, at);
    } catch (error) {
      report('VIEW_BLOCK_UNREADABLE', { series, day, block: part.block, error: describe(error) });
      isWhole = false;
    }
    lastEndAt = part.lastEndAt;
  }
  const { hours } = record;
  if (!isWhole || hours === null) return isWhole;
  const expected = JSON.stringify(builder.finish());
  const held = JSON.stringify(naming({ series, day }, () => decodeHours(hours, series, day)));
  if (held !== expected) report('VIEW_HOURS_WRONG', { series, day });
  return isWhole;
}

/** Counts, ends, position and order as the directory says, all in the day. */
function liesRight(
  rows: Rows,
  newest: number,
  part: Part,
  { day, lastEndAt }: { readonly day: number; readonly lastEndAt: number },
): boolean {
  let first = Infinity;
  let last = -Infinity;
  let positionMax = 0;
  for (let at = 0; at < rows.count; at++) {
    first = Math.min(first, rows.endAt[at]!);
    last = Math.max(last, rows.endAt[at]!);
    positionMax = Math.max(positionMax, rows.position[at]!);
    if (dayOf(rows.endAt[at]!) !== day) return false;
    if (at > 0 && at < newest && compareKeysAt(rows, at - 1, rows, at) >= 0) return false;
  }
  return (
    first === part.firstEndAt &&
    last === part.lastEndAt &&
    positionMax === part.positionMax &&
    rows.count === part.rows &&
    newest === part.points &&
    first >= lastEndAt
  );
}

function checkLatest(view: View, scanner: Scanner, series: number, report: Report): void {
  let expected = 'none';
  searchLatest(scanner, { series, pin: Number.MAX_SAFE_INTEGER }, null, (rows, at) => {
    expected = JSON.stringify(rowOf(rows, at));
  });
  const stored = view.series(series)?.latest ?? null;
  let held = 'none';
  if (stored !== null) {
    const rows = createRows(1);
    rows.series = series;
    naming({ series }, () => decodeBlock(stored, rows, view.dictionary));
    held = JSON.stringify(rowOf(rows, 0));
  }
  if (held !== expected) report('VIEW_LATEST_WRONG', { series });
}
