/** The scenario `spine`: many seeds, one after the other, one of them twice. */
import { openSpineNetwork, runSeed, type SeedOutcome } from './seeds.ts';

export interface SpineOptions {
  readonly seeds: number;
  readonly from: number;
  readonly tell: (line: string) => void;
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

/** Runs the seeds `from` … `from + seeds − 1`. */
export async function runSeeds(
  from: number,
  count: number,
  tell: (line: string) => void = () => undefined,
): Promise<SeedOutcome[]> {
  const network = openSpineNetwork();
  const outcomes: SeedOutcome[] = [];
  try {
    for (let seed = from; seed < from + count; seed += 1) {
      const outcome = await runSeed(seed, { network });
      outcomes.push(outcome);
      for (const what of outcome.broken) tell(`seed ${seed}: ${what}`);
      if (outcomes.length % tellEvery === 0) tell(`${outcomes.length} of ${count} seeds`);
    }
  } finally {
    network.close();
  }
  return outcomes;
}

export async function runSpine({ seeds, from, tell }: SpineOptions): Promise<SpineOutcome> {
  const outcomes = await runSeeds(from, seeds, tell);
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
