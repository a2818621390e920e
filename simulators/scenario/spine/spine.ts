/** The scenario `spine`: many seeds, one after the other, one of them twice. */
import type { SeedOutcome } from './seeds.ts';
import { inThreads } from './threads.ts';

export interface SpineOptions {
  readonly seeds: number;
  readonly from: number;
  readonly tell: (line: string) => void;
  /** Threads that work beside each other; 1: all in this one. */
  readonly threads?: number;
}

export interface SpineFigures {
  readonly seeds: number;
  readonly from: number;
  readonly simulatedMinutes: number;
  readonly faults: number;
  readonly faultsMin: number;
  readonly lives: number;
  readonly viewCommits: number;
  readonly acknowledged: number;
  readonly readings: number;
  readonly observations: number;
  readonly rows: number;
  readonly lost: number;
  readonly invented: number;
  readonly doubled: number;
  readonly missing: number;
  /** Seeds in which a promise was broken, each with what. */
  readonly broken: readonly { readonly seed: number; readonly what: readonly string[] }[];
  /** The first seed run twice gave the same trace. */
  readonly sameTrace: boolean;
  readonly hash: string;
}

export interface SpineOutcome {
  readonly held: boolean;
  readonly figures: SpineFigures;
}

const faultsWanted = 20;
const tellEvery = 25;

export interface SeedsOptions {
  readonly threads?: number;
  readonly tell?: (line: string) => void;
}

/** Runs the seeds `from` … `from + count − 1`; outcomes in that order. */
export async function runSeeds(
  from: number,
  count: number,
  { threads = 1, tell = () => undefined }: SeedsOptions = {},
): Promise<SeedOutcome[]> {
  const seeds = Array.from({ length: count }, (_, index) => from + index);
  const parts = Array.from({ length: Math.min(threads, count) }, (_, thread) =>
    seeds.filter((seed) => seed % threads === (from + thread) % threads),
  );
  const outcomes: SeedOutcome[] = [];
  await inThreads(
    parts.map((part) => ({ kind: 'seeds', seeds: part })),
    (given) => {
      const outcome = given as SeedOutcome;
      outcomes.push(outcome);
      for (const what of outcome.broken) tell(`seed ${outcome.seed}: ${what}`);
      if (outcomes.length % tellEvery === 0) tell(`${outcomes.length} of ${count} seeds`);
    },
  );
  return outcomes.toSorted((a, b) => a.seed - b.seed);
}

export async function runSpine(options: SpineOptions): Promise<SpineOutcome> {
  const { seeds, from, tell, threads = 2 } = options;
  const outcomes = await runSeeds(from, seeds, { threads, tell });
  const [again] = await runSeeds(from, 1);
  const sum = (pick: (outcome: SeedOutcome) => number): number =>
    outcomes.reduce((total, outcome) => total + pick(outcome), 0);
  const figures: SpineFigures = {
    seeds,
    from,
    simulatedMinutes: sum((each) => each.simulatedMinutes),
    faults: sum((each) => each.faults),
    faultsMin: Math.min(...outcomes.map((each) => each.faults)),
    lives: sum((each) => each.lives),
    viewCommits: sum((each) => each.commits),
    acknowledged: sum((each) => each.acknowledged),
    readings: sum((each) => each.readings),
    observations: sum((each) => each.observations),
    rows: sum((each) => each.rows),
    lost: sum((each) => each.lost),
    invented: sum((each) => each.invented),
    doubled: sum((each) => each.doubled),
    missing: sum((each) => each.missing),
    broken: outcomes
      .filter(({ broken }) => broken.length > 0)
      .map(({ seed, broken }) => ({ seed, what: broken })),
    sameTrace: again !== undefined && again.hash === outcomes[0]?.hash,
    hash: outcomes[0]?.hash ?? '',
  };
  const { lost, invented, doubled, missing, broken, sameTrace, faultsMin } = figures;
  const held =
    lost + invented + doubled + missing + broken.length === 0 &&
    sameTrace &&
    faultsMin >= faultsWanted;
  return { held, figures };
}
