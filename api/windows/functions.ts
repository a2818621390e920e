/**
 * What can be asked of a window, by name, and its value. Everything is of the rows that count
 * (flags 1, 2 and 3, or those of `quality`).
 *
 *   mean        arithmetic mean; of angles the direction of the sum of unit vectors, in [0, 360)
 *   sd          sample standard deviation (n − 1), null below two rows; of angles Yamartino's
 *               (1984, J. Climate Appl. Meteor. 23, 1362): asin(e)·(1 + (2/√3 − 1)·e³) in degrees,
 *               e² = 1 − (mean sine)² − (mean cosine)²
 *   p01 … p99   percentile by linear interpolation between the two nearest of the sorted values:
 *               Hyndman and Fan (1996, Am. Stat. 50, 361), definition 7, as NumPy, R and Excel's
 *               PERCENTILE.INC have it; angles have none
 *   vectorDirection, vectorSpeed, vectorCount
 *               resultant mean of the wind: each row with the row of the other quantity of the same
 *               station, height, interval and phenomenon time (`wind-partner.ts`). A speed of 0 is a
 *               calm and counts as a vector of no length, also where no direction goes with it;
 *               vectorCount of a wind direction has those calms for which it has a row
 */
import { badParameter } from '../errors.ts';
import { readList } from '../filter.ts';
import type { Datastream, ObservedProperty } from '../../devices/model.ts';
import { percentileOf } from './sorted-runs.ts';
import type { Needs, WindowSum } from './sum.ts';
import { quantityOf } from './wind-partner.ts';

export const plainFunctions = ['mean', 'min', 'max', 'sum', 'count', 'first', 'last'] as const;
const rowFunctions = ['sd', 'vectorDirection', 'vectorSpeed', 'vectorCount'] as const;
export type FunctionName =
  | (typeof plainFunctions)[number]
  | (typeof rowFunctions)[number]
  | `p${number}`;

export const usualFunctions: readonly FunctionName[] = ['mean', 'min', 'max', 'sum', 'count'];
const functionsMax = 32;
const percentile = /^p(0[1-9]|[1-9]\d)$/;

/** Throws API_PARAMETER_INVALID that names `functions`; the usual ones without the parameter. */
export function readFunctions(text: string | undefined): readonly FunctionName[] {
  const values = readList(text, 'functions', functionsMax);
  return values === null ? usualFunctions : [...values].map(readFunction);
}

function readFunction(text: string): FunctionName {
  if (percentile.test(text)) return text as FunctionName;
  const known: readonly FunctionName[] = [...plainFunctions, ...rowFunctions];
  const found = known.find((name) => name === text);
  if (found === undefined) throw badParameter('functions', [...known, 'p01 to p99'].join(', '));
  return found;
}

export function needsOf(functions: readonly FunctionName[]): Needs {
  return {
    deviation: functions.includes('sd'),
    values: functions.some((name) => percentile.test(name)),
    vector: functions.some((name) => name.startsWith('vector')),
  };
}

/** Whether the rows themselves must be read; a deviation of angles is in the rollups. */
export function needsRows(needs: Needs, isCircular: boolean): boolean {
  return needs.vector || ((needs.values || needs.deviation) && !isCircular);
}

export interface Measured {
  readonly datastream: Pick<Datastream, 'property' | 'aggregation'>;
  readonly isCircular: boolean;
  readonly sum: WindowSum;
}

/** Null where the function has no value: too few rows, angles that cancel out, or none of its kind. */
export function valueOf(name: FunctionName, measured: Measured): number | null {
  const { sum, isCircular } = measured;
  if (name === 'count') return sum.rows;
  if (name === 'first') return sum.rows === 0 ? null : sum.first;
  if (name === 'last') return sum.rows === 0 ? null : sum.last;
  if (name.startsWith('vector')) return windValue(name, measured);
  if (sum.rows === 0) return null;
  return isCircular ? angleValue(name, sum) : lineValue(name, sum);
}

function lineValue(name: FunctionName, sum: WindowSum): number | null {
  if (name === 'mean') return sum.sum / sum.rows;
  if (name === 'min' || name === 'max' || name === 'sum') return sum[name];
  if (name === 'sd') return sum.rows < 2 ? null : Math.sqrt(sum.squares / (sum.rows - 1));
  return percentileOf(sum.values, Number(name.slice(1)) / 100);
}

function angleValue(name: FunctionName, sum: WindowSum): number | null {
  if (name === 'mean') return unitVectorMean(sum);
  return name === 'sd' ? yamartino(sum) : null;
}

function windValue(name: FunctionName, { datastream, sum: { vector } }: Measured): number | null {
  const quantity = quantityOf(datastream.property);
  if (quantity === null) return null;
  if (name === 'vectorCount') return vector.count;
  if (name === 'vectorSpeed') return quantity === 'speed' ? resultantSpeed(vector) : null;
  return quantity === 'direction' ? resultantDirection(vector) : null;
}

export const fittingFunctions = ['mean', 'sum', 'min', 'max', 'last'] as const;

/** The function whose value stands for the whole window, by the nature of what is measured. */
export function fittingFunction(
  { aggregation }: Pick<Datastream, 'aggregation'>,
  property: Pick<ObservedProperty, 'id'> | undefined,
): (typeof fittingFunctions)[number] {
  switch (aggregation) {
    case 'sum':
      return 'sum';
    case 'min':
      return 'min';
    case 'max':
      return 'max';
    case 'counter':
      // A total that only grows: where it stands at the end.
      return 'last';
    case 'instant':
      return amounts.has(property?.id ?? '') ? 'sum' : 'mean';
    case 'mean':
      return 'mean';
  }
}

/** Each value is an amount of its own, however its datastream is described. */
const amounts: ReadonlySet<string> = new Set(['rainfall', 'evaporation']);

function unitVectorMean({ sumSin, sumCos, rows }: WindowSum): number | null {
  if (Math.hypot(sumSin, sumCos) < 1e-9 * rows) return null;
  const degrees = degreesOf(sumSin, sumCos);
  return degrees < 0 ? degrees + 360 : degrees;
}

function degreesOf(east: number, north: number): number {
  return (Math.atan2(east, north) * 180) / Math.PI;
}

function yamartino({ sumSin, sumCos, rows }: WindowSum): number {
  const length = (sumSin / rows) ** 2 + (sumCos / rows) ** 2;
  const e = Math.sqrt(Math.max(0, 1 - length));
  return ((Math.asin(Math.min(1, e)) * 180) / Math.PI) * (1 + (2 / Math.sqrt(3) - 1) * e ** 3);
}

/**
 * Where the wind comes from, in (0, 360]: north is 360, as WMO-No. 8 writes it. Null in a calm or
 * where vectors cancel out, which WMO writes as 0: no value is ever written as a number here.
 */
function resultantDirection({ east, north, length }: WindowSum['vector']): number | null {
  if (length === 0 || Math.hypot(east, north) < 1e-9 * length) return null;
  const degrees = degreesOf(east, north);
  return degrees <= 0 ? degrees + 360 : degrees;
}

function resultantSpeed({ east, north, count }: WindowSum['vector']): number | null {
  return count === 0 ? null : Math.hypot(east, north) / count;
}
