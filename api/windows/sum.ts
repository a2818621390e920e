/**
 * What one window adds up to, from hour rollups or from rows, in one and the same sum. Angles are
 * summed as unit vectors. `functions.ts` makes values of it.
 */
import type { ObservationRow } from '../../ingest/observation.ts';
import { coverageOf, hourOf, representedMs } from '../../ingest/store/coverage.ts';
import type { HourRollup } from '../../ingest/store/store.ts';
import type { Intervals } from './intervals.ts';
import { createSortedRuns, type SortedRuns } from './sorted-runs.ts';
import { timeOf, type PartnerResults, type WindQuantity } from './wind-partner.ts';

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
  /** Rows with flag 1, 2 or 3 and a result, whatever `quality` asks for: validity is of these. */
  usable: number;
  /** Mean so far, where a deviation is wanted. */
  centre: number;
  /** Sum of squares of the distances from the mean (Welford), where a deviation is wanted. */
  squares: number;
  /** Where percentiles are wanted. */
  readonly values: SortedRuns;
  /** Sums over pairs of speed and direction; `length` of speeds. Where a vector is wanted. */
  readonly vector: { count: number; east: number; north: number; length: number };
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
    usable: 0,
    centre: 0,
    squares: 0,
    values: createSortedRuns(),
    vector: { count: 0, east: 0, north: 0, length: 0 },
  };
}

/** What must be added up, beside what the rollups of hours hold. */
export interface Needs {
  readonly deviation: boolean;
  readonly values: boolean;
  readonly vector: boolean;
}

export type Order = 'asc' | 'desc';

/** Hours must be added in the order of the rules. */
export function addHour(
  into: WindowSum,
  hour: HourRollup,
  { order, intervals }: Pick<RowRules, 'order' | 'intervals'>,
): void {
  into.coveredMs += representedMs(hour, hour.count, intervals.ofHour(hour.hourAt));
  into.suspect += hour.suspect;
  into.failed += hour.failed;
  into.missing += hour.missing;
  into.usable += hour.count;
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
  readonly intervals: Pick<Intervals, 'ofHour'>;
  readonly isCircular: boolean;
  /** The order of time in which the rows are added. */
  readonly order: Order;
  readonly needs: Needs;
  /** The rows of the other half of the wind, as far as these rows may meet them. */
  readonly partner?:
    | { readonly quantity: WindQuantity; readonly results: PartnerResults }
    | undefined;
}

/** What counts where `quality` says nothing else, and what validity is the share of. */
export const usualFlags: ReadonlySet<number> = new Set([1, 2, 3]);

/** Adds one row, in the order of the rules. */
export function addRow(into: WindowSum, row: ObservationRow, rules: RowRules): void {
  addKind(into, row);
  const result = rules.flags.has(row.verdict.flag) ? row.result : null;
  if (rules.partner !== undefined) addVector(into, row, result, rules.partner);
  if (result === null) return;
  if (rules.order === 'desc' || into.rows === 0) into.first = result;
  if (rules.order === 'asc' || into.rows === 0) into.last = result;
  if (rules.needs.deviation) addDeviation(into, result);
  if (rules.needs.values) into.values.add(result);
  into.rows += 1;
  into.sum += result;
  into.min = Math.min(into.min, result);
  into.max = Math.max(into.max, result);
  cover(into, row, rules.intervals);
  if (!rules.isCircular) return;
  const radians = (result * Math.PI) / 180;
  into.sumSin += Math.sin(radians);
  into.sumCos += Math.cos(radians);
}

/** How usable it is, whatever counts. */
function addKind(into: WindowSum, { verdict: { flag }, result }: ObservationRow): void {
  if (flag === 3) into.suspect += 1;
  else if (flag === 4) into.failed += 1;
  else if (flag === 9) into.missing += 1;
  if (result !== null && usualFlags.has(flag)) into.usable += 1;
}

/** Welford (1962): stable also where the values are great and their differences small. */
function addDeviation(into: WindowSum, result: number): void {
  const before = result - into.centre;
  into.centre += (result - into.centre) / (into.rows + 1);
  into.squares += before * (result - into.centre);
}

/**
 * East and north of where the wind comes from, as long as it is fast. A calm is a vector of no
 * length, one of the N that the mean is over (EPA-454/R-99-005, 6.2.2), whatever its direction:
 * stations report none then.
 */
function addVector(
  into: WindowSum,
  row: ObservationRow,
  result: number | null,
  { quantity, results }: NonNullable<RowRules['partner']>,
): void {
  const other = results.get(timeOf(row)) ?? null;
  const [speed, direction] = quantity === 'speed' ? [other, result] : [result, other];
  if (speed === null || (direction === null && speed !== 0)) return;
  const { vector } = into;
  vector.count += 1;
  if (direction === null || speed === 0) return;
  const radians = (direction * Math.PI) / 180;
  vector.east += speed * Math.sin(radians);
  vector.north += speed * Math.cos(radians);
  vector.length += speed;
}

/** Hour by hour, as the rollups are made, so that both ways come to the same. */
function cover(
  into: WindowSum,
  { startAt, endAt }: ObservationRow,
  intervals: Pick<Intervals, 'ofHour'>,
): void {
  const { open } = into;
  const hourAt = hourOf(endAt);
  if (open.hourAt !== hourAt) {
    into.coveredMs = coveredOf(into, intervals);
    open.hourAt = hourAt;
    open.starts.length = 0;
    open.ends.length = 0;
  }
  open.starts.push(startAt);
  open.ends.push(endAt);
}

/** Milliseconds that the rows of the window stand for. */
export function coveredOf(
  { coveredMs, open }: WindowSum,
  intervals: Pick<Intervals, 'ofHour'>,
): number {
  const { starts, ends } = open;
  if (ends.length === 0) return coveredMs;
  const isAscending = (ends[0] ?? 0) <= (ends.at(-1) ?? 0);
  const coverage = isAscending
    ? coverageOf(starts, ends)
    : coverageOf(starts.toReversed(), ends.toReversed());
  return coveredMs + representedMs(coverage, ends.length, intervals.ofHour(open.hourAt));
}
