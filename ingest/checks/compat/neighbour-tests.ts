import type { Digit } from '../check.ts';

/**
 * Tests of ioos_qc that compare with neighbours, over whole arrays. NaN stands for missing; times
 * are ms UTC, durations seconds as there.
 */
export interface SpikeThresholds {
  /** A threshold of 0 is ignored. */
  readonly suspect: number;
  readonly fail: number;
  readonly method?: 'average' | 'differential';
}

/** First, last and whatever has a missing neighbour are not evaluated; thresholds are strict. */
export function spike(values: readonly number[], thresholds: SpikeThresholds): Digit[] {
  const { suspect, fail, method = 'average' } = thresholds;
  return values.map((value, at) => {
    if (Number.isNaN(value)) return 9;
    const before = values[at - 1] ?? Number.NaN;
    const after = values[at + 1] ?? Number.NaN;
    if (Number.isNaN(before) || Number.isNaN(after)) return 2;
    const height =
      method === 'average' ? averageHeight(before, value, after) : stepHeight(before, value, after);
    if (fail !== 0 && height > fail) return 4;
    return suspect !== 0 && height > suspect ? 3 : 1;
  });
}

function averageHeight(before: number, value: number, after: number): number {
  return Math.abs(value - (before + after) / 2);
}

/** The smaller of both steps where they have opposite signs. */
function stepHeight(before: number, value: number, after: number): number {
  const up = value - before;
  const down = after - value;
  return up * down < 0 ? Math.min(Math.abs(up), Math.abs(down)) : 0;
}

/**
 * Units per second, strictly greater. The step in time is cut to whole seconds, so less than one is
 * an infinite rate; the first value and one after a missing value pass.
 */
export function rateOfChange(
  values: readonly number[],
  times: readonly number[],
  thresholds: { readonly suspect: number; readonly fail?: number },
): Digit[] {
  const { suspect, fail = Number.POSITIVE_INFINITY } = thresholds;
  return values.map((value, at) => {
    if (Number.isNaN(value)) return 9;
    const seconds = Math.trunc(((times[at] ?? Number.NaN) - (times[at - 1] ?? Number.NaN)) / 1_000);
    const rate = Math.abs((value - (values[at - 1] ?? Number.NaN)) / seconds);
    if (fail !== Number.POSITIVE_INFINITY && rate > fail) return 4;
    return rate > suspect ? 3 : 1;
  });
}

export interface FlatThresholds {
  readonly suspectSeconds: number;
  readonly failSeconds: number;
  /** Strictly smaller ranges are flat: with 0, the default, none is. */
  readonly tolerance?: number;
  /** Median interval; taken from the times where it is not said. */
  readonly intervalSeconds?: number;
}

/** Windows of a count of points that end at the judged one; missing values inside are passed over. */
export function flatLine(
  values: readonly number[],
  times: readonly number[],
  thresholds: FlatThresholds,
): Digit[] {
  if (values.length < 3) return values.map(() => 1);
  const { suspectSeconds, failSeconds, tolerance = 0 } = thresholds;
  const interval = thresholds.intervalSeconds ?? Math.trunc(median(steps(times)) / 1_000);
  const suspectCount = Math.trunc(Math.trunc(suspectSeconds) / interval);
  const failCount = Math.trunc(Math.trunc(failSeconds) / interval);
  return values.map((value, at) => {
    if (Number.isNaN(value)) return 9;
    if (isFlat(values, at, failCount, tolerance)) return 4;
    return isFlat(values, at, suspectCount, tolerance) ? 3 : 1;
  });
}

function isFlat(values: readonly number[], at: number, count: number, tolerance: number): boolean {
  if (at < count) return false;
  const window = values.slice(at - count, at + 1).filter((value) => !Number.isNaN(value));
  return Math.max(...window) - Math.min(...window) < tolerance;
}

export interface AttenuatedThresholds {
  readonly suspect: number;
  readonly fail: number;
  readonly periodSeconds: number;
  /** Fewer values in the window are not evaluated; without it early windows are judged as they are. */
  readonly observationsMin?: number;
  readonly measure?: 'std' | 'range';
}

/**
 * Spread in the trailing window (t − period, t]: the population's standard deviation, or the range.
 * One value alone has none, so without `observationsMin` the first values fail at once.
 */
export function attenuatedSignal(
  values: readonly number[],
  times: readonly number[],
  thresholds: AttenuatedThresholds,
): Digit[] {
  const { suspect, fail, periodSeconds, observationsMin = 1, measure = 'std' } = thresholds;
  return values.map((value, at) => {
    if (Number.isNaN(value)) return 9;
    const sinceAt = (times[at] ?? Number.NaN) - periodSeconds * 1_000;
    const window = values
      .slice(0, at + 1)
      .filter((each, place) => (times[place] ?? Number.NaN) > sinceAt && !Number.isNaN(each));
    if (window.length < observationsMin) return 2;
    const spread =
      measure === 'range' ? Math.max(...window) - Math.min(...window) : deviation(window);
    if (spread < fail) return 4;
    return spread < suspect ? 3 : 1;
  });
}

function deviation(window: readonly number[]): number {
  const mean = window.reduce((sum, value) => sum + value, 0) / window.length;
  const squares = window.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return Math.sqrt(squares / window.length);
}

function steps(times: readonly number[]): number[] {
  return times.slice(1).map((time, at) => time - (times[at] ?? Number.NaN));
}

function median(numbers: readonly number[]): number {
  const ordered = numbers.toSorted((left, right) => left - right);
  const middle = Math.floor(ordered.length / 2);
  const upper = ordered[middle] ?? Number.NaN;
  return ordered.length % 2 === 1 ? upper : ((ordered[middle - 1] ?? Number.NaN) + upper) / 2;
}
