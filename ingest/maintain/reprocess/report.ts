/** What a reprocess finds, counted. */
import type { FileSystem } from '../../log/file-system.ts';
import type { Difference, DifferenceKind } from './differences.ts';
import type { Work } from './work.ts';

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

export async function findingsOf(work: Work, tally: Tally): Promise<ReprocessFindings> {
  const { version, walked, parts, folder } = work;
  const { observations, differences, steps, stepBytes } = tally;
  return {
    version,
    upTo: work.fedTo,
    readings: walked.readings,
    readingsGone: walked.gone.count,
    readingsRequeued: walked.requeued.length,
    observations,
    differences,
    steps,
    stepBytes,
    scratchBytes: await sizeOf(parts.fileSystem, folder),
    tookMs: Math.round(parts.clock.monotonicMs() - work.startedMs),
    series: [...tally.series.values()],
  };
}

async function sizeOf(fileSystem: FileSystem, folder: string): Promise<number> {
  let bytes = 0;
  for (const name of await fileSystem.list(folder)) {
    const file = await fileSystem.open(`${folder}/${name}`, 'read');
    try {
      bytes += await file.size();
    } finally {
      await file.close();
    }
  }
  return bytes;
}
