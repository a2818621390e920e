/** How much of time the rows of an hour stand for: what completeness is made of. */
import { hourMs } from './directory.ts';

export interface Coverage {
  /**
   * Milliseconds that the rows' intervals cover together, also before the hour begins: a day's mean
   * stands for its day, and one from half past to half past for its whole hour.
   */
  readonly coveredMs: number;
  /** Distinct instants among the rows: each stands for one interval of its datastream. */
  readonly instants: number;
}

/** The end of the hour that an end of phenomenon time lies in. */
export function hourOf(endAt: number): number {
  return Math.ceil(endAt / hourMs) * hourMs;
}

/** Ends ascend. Rows at several heights of one time count once. */
export function coverageOf(starts: readonly number[], ends: readonly number[]): Coverage {
  let coveredMs = 0;
  let instants = 0;
  let frontier = Number.POSITIVE_INFINITY;
  let instant = Number.NaN;
  for (let at = ends.length - 1; at >= 0; at--) {
    const start = starts[at]!;
    const end = ends[at]!;
    if (start === end) {
      if (end !== instant) instants++;
      instant = end;
      continue;
    }
    if (start >= frontier) continue;
    coveredMs += Math.min(end, frontier) - start;
    frontier = start;
  }
  return { coveredMs, instants };
}

/**
 * Milliseconds that the rows stand for: a row for no more than the datastream's interval, so that
 * running means, each longer than the step between two, do not hide what is missing.
 */
export function representedMs(
  { coveredMs, instants }: Coverage,
  rows: number,
  intervalMs: number,
): number {
  return Math.min(coveredMs, rows * intervalMs) + instants * intervalMs;
}
