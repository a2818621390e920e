/** Loss of power, again and again in one world, the view going back or away with it. */
import { digestOf } from '../../../ingest/store/digest.ts';
import { judgeAgain } from './again.ts';
import { judgeRun, countLost } from './promises.ts';
import { readingsFolder } from './life.ts';
import { readingsOf, readRecords } from './readings.ts';
import { run, type RunPlan } from './run.ts';
import { openSpineNetwork, spineConfig } from './seeds.ts';
import { differences, settledLines } from './state.ts';
import { fieldHabits } from './station.ts';
import { openWorld, type World } from './world.ts';

export interface PowerCutOptions {
  readonly rounds: number;
  readonly seed: number;
  readonly tell: (line: string) => void;
}

export interface PowerCutFigures {
  readonly seed: number;
  readonly powerCuts: number;
  readonly acknowledged: number;
  readonly readings: number;
  readonly observations: number;
  readonly lost: number;
  /** Found missing right after a restart, over all of them. */
  readonly lostAfterRestart: number;
  readonly invented: number;
  readonly doubled: number;
  readonly missing: number;
  /** Everything else that is wrong, the end state among it. */
  readonly broken: readonly string[];
}

const minuteMs = 60_000;
const roundMs = 20_000;
const stationIntervalMs = 15_000;

export async function runPowerCuts(
  options: PowerCutOptions,
): Promise<{ readonly held: boolean; readonly figures: PowerCutFigures }> {
  const network = openSpineNetwork(stationIntervalMs);
  const world = openWorld({ seed: options.seed, network });
  try {
    const figures = await cut(world, options);
    const { lost, lostAfterRestart, invented, doubled, missing, broken } = figures;
    const held =
      lost + lostAfterRestart + invented + doubled + missing + broken.length === 0 &&
      figures.powerCuts >= options.rounds;
    return { held, figures };
  } finally {
    world.close();
    network.close();
  }
}

async function cut(
  world: World,
  { rounds, seed, tell }: PowerCutOptions,
): Promise<PowerCutFigures> {
  let lostAfterRestart = 0;
  const lastVersionMs = Math.max(0, ...world.network.versionsAt);
  const plan: RunPlan = {
    // Until the registry has changed for the last time at least.
    minutes: Math.max(rounds * roundMs, lastVersionMs + roundMs) / minuteMs,
    mishaps: Array.from({ length: rounds }, (_, round) => ({
      atMs: 8_000 + Math.floor((round + world.streams.faults.next()) * roundMs),
      mishap: 'power',
    })),
    habits: fieldHabits,
    lostAnswers: 0.02,
    stepMsMax: 2_000,
    config: spineConfig,
    lookMsMax: 1,
    async onRestart({ number, parts }) {
      if (parts === null) return;
      const end = parts.readings.durableEnd.get();
      const records = await readRecords(world.disk, readingsFolder, end);
      lostAfterRestart += countLost(world, readingsOf(records), []);
      if (number % 50 === 0)
        tell(`${number} lives, ${world.ledger.acknowledged.size} acknowledged`);
    },
  };
  const end = await run(world, plan);
  if (end.life.parts === null) throw new Error('the last life is not open');
  const verdict = await judgeRun(world, end.life.parts);
  const settled = settledLines(end.life.parts.store);
  const registry = world.network.registry.current();
  const { digest } = await digestOf({ store: end.life.parts.store, registry });
  const again = { network: world.network, config: spineConfig };
  const bodies = verdict.records.map(({ body }) => body);
  const undisturbed = await judgeAgain({ ...again, bodies }, async (store) => ({
    lines: settledLines(store),
    ...(await digestOf({ store, registry })),
  }));
  await end.life.close();
  end.life.bury();
  const { lost, invented, doubled, missing, acknowledged, readings, observations } = verdict;
  return {
    seed,
    powerCuts: end.powerCuts,
    acknowledged,
    readings,
    observations,
    lost,
    lostAfterRestart,
    invented,
    doubled,
    missing,
    broken: [
      ...verdict.wrong,
      ...differences(settled, undisturbed.lines).map((line) => `disturbed, ${line}`),
      ...(digest === undisturbed.digest ? [] : [`disturbed, digest ${digest}`]),
    ],
  };
}
