/** What a reprocess finds, counted. */
import type { Difference, DifferenceKind } from './differences.ts';

export interface SeriesReport {
  readonly datastream: string;
  /** Observations that the readings say and nobody sees. */
  added: number;
  /** Another value, time or origin. */
  changed: number;
  /** Observations that no reading says any more. */
  removed: number;
  /** Another verdict alone. */
  judged: number;
  /** Their readings are gone: left as they are, and judged again by the value that is kept. */
  left: number;
}

export interface ReprocessFindings {
  /** Registry version that was judged by. */
  readonly version: number;
  /** Readings up to here were judged. */
  readonly upTo: number;
  /** Of these: messages run again, and those that nobody can read any more. */
  readonly readings: number;
  readonly readingsGone: number;
  /** Readings whose entries of quarantine end or begin. */
  readonly readingsRequeued: number;
  /** Observations compared. */
  readonly observations: number;
  readonly differences: number;
  /** Records for `readings`, and their bytes. */
  readonly steps: number;
  readonly stepBytes: number;
  /** Taken from the disk meanwhile. */
  readonly scratchBytes: number;
  readonly tookMs: number;
  /** Those with anything to tell, by datastream. */
  readonly series: readonly SeriesReport[];
}

/** Counts while keys are compared. */
export interface Tally {
  readonly series: Map<number, SeriesReport>;
  observations: number;
  differences: number;
  steps: number;
  stepBytes: number;
}

export function createTally(): Tally {
  return { series: new Map(), observations: 0, differences: 0, steps: 0, stepBytes: 0 };
}

export function reportOf(tally: Tally, series: number, datastream: string): SeriesReport {
  let report = tally.series.get(series);
  if (report === undefined) {
    report = { datastream, added: 0, changed: 0, removed: 0, judged: 0, left: 0 };
    tally.series.set(series, report);
  }
  return report;
}

export function countDifference(report: SeriesReport, { kind }: Difference): void {
  report[kind satisfies DifferenceKind] += 1;
}
