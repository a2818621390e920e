/**
 * Values of one window, from hour rollups or from rows, in one and the same sum. Angles are summed
 * as unit vectors; their mean is the direction of the sum.
 */
import type { ObservationRow } from '../../ingest/observation.ts';
import { coverageOf, hourOf, representedMs } from '../../ingest/store/coverage.ts';
import type { HourRollup } from '../../ingest/store/store.ts';

export const functionNames = ['mean', 'min', 'max', 'sum', 'count', 'first', 'last'] as const;
export type FunctionName = (typeof functionNames)[number];

export interface WindowSum {
  rows: number;
  sum: number;
  min: number;
  max: number;
  sumSin: number;
  sumCos: number;
  first: number;
  last: number;
  /** Of the hours that are finished. */
  coveredMs: number;
  /** Rows of the hour that is being added up, one by one. */
  readonly open: { hourAt: number; readonly starts: number[]; readonly ends: number[] };
  suspect: number;
  failed: number;
  missing: number;
}

export function createWindowSum(): WindowSum {
  return {
    rows: 0,
    sum: 0,
    min: Infinity,
    max: -Infinity,
    sumSin: 0,
    sumCos: 0,
    first: NaN,
    last: NaN,
    coveredMs: 0,
    open: { hourAt: Number.NaN, starts: [], ends: [] },
    suspect: 0,
    failed: 0,
    missing: 0,
  };
}

export type Order = 'asc' | 'desc';

/** Hours must be added in the order of the rules. */
export function addHour(
  into: WindowSum,
  hour: HourRollup,
  { order, intervalMs }: Pick<RowRules, 'order' | 'intervalMs'>,
): void {
  into.coveredMs += representedMs(hour, hour.count, intervalMs);
  into.suspect += hour.suspect;
  into.failed += hour.failed;
  into.missing += hour.missing;
  if (hour.count === 0) return;
  if (order === 'desc' || into.rows === 0) into.first = hour.first;
  if (order === 'asc' || into.rows === 0) into.last = hour.last;
  into.rows += hour.count;
  into.sum += hour.sum;
  into.min = Math.min(into.min, hour.min);
  into.max = Math.max(into.max, hour.max);
  into.sumSin += hour.sumSin;
  into.sumCos += hour.sumCos;
}

export interface RowRules {
  /** Flags that count; the others are only counted by kind. */
  readonly flags: ReadonlySet<number>;
  /** What an instant stands for. */
  readonly intervalMs: number;
  readonly isCircular: boolean;
  /** The order of time in which the rows are added. */
  readonly order: Order;
}

/** Adds one row, in the order of the rules. */
export function addRow(into: WindowSum, row: ObservationRow, rules: RowRules): void {
  const { flag } = row.verdict;
  if (flag === 3) into.suspect += 1;
  else if (flag === 4) into.failed += 1;
  else if (flag === 9) into.missing += 1;
  const { result } = row;
  if (result === null || !rules.flags.has(flag)) return;
  if (rules.order === 'desc' || into.rows === 0) into.first = result;
  if (rules.order === 'asc' || into.rows === 0) into.last = result;
  into.rows += 1;
  into.sum += result;
  into.min = Math.min(into.min, result);
  into.max = Math.max(into.max, result);
  cover(into, row, rules.intervalMs);
  if (!rules.isCircular) return;
  const radians = (result * Math.PI) / 180;
  into.sumSin += Math.sin(radians);
  into.sumCos += Math.cos(radians);
}

/** Hour by hour, as the rollups are made, so that both ways come to the same. */
function cover(into: WindowSum, { startAt, endAt }: ObservationRow, intervalMs: number): void {
  const { open } = into;
  const hourAt = hourOf(endAt);
  if (open.hourAt !== hourAt) {
    into.coveredMs = coveredOf(into, intervalMs);
    open.hourAt = hourAt;
    open.starts.length = 0;
    open.ends.length = 0;
  }
  open.starts.push(startAt);
  open.ends.push(endAt);
}

/** Milliseconds that the rows of the window stand for. */
export function coveredOf({ coveredMs, open }: WindowSum, intervalMs: number): number {
  const { starts, ends } = open;
  if (ends.length === 0) return coveredMs;
  const isAscending = (ends[0] ?? 0) <= (ends.at(-1) ?? 0);
  const coverage = isAscending
    ? coverageOf(starts, ends)
    : coverageOf(starts.toReversed(), ends.toReversed());
  return coveredMs + representedMs(coverage, ends.length, intervalMs);
}

/** Null where the function has no value: no rows, or angles that cancel out. */
export function valueOf(name: FunctionName, sum: WindowSum, isCircular: boolean): number | null {
  if (name === 'count') return sum.rows;
  if (sum.rows === 0) return null;
  switch (name) {
    case 'mean':
      return isCircular ? vectorMean(sum) : sum.sum / sum.rows;
    case 'min':
      return isCircular ? null : sum.min;
    case 'max':
      return isCircular ? null : sum.max;
    case 'sum':
      return isCircular ? null : sum.sum;
    case 'first':
      return sum.first;
    case 'last':
      return sum.last;
  }
}

function vectorMean({ sumSin, sumCos, rows }: WindowSum): number | null {
  if (Math.hypot(sumSin, sumCos) < 1e-9 * rows) return null;
  const degrees = (Math.atan2(sumSin, sumCos) * 180) / Math.PI;
  return degrees < 0 ? degrees + 360 : degrees;
}
