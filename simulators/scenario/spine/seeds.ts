/**
 * The spine under seeds: each an hour and more of simulated time with mishaps of every kind, held
 * against every promise at its end, and against the same readings where nothing went wrong.
 */
import { createManualClock } from '../../../devices/clock-manual.ts';
import { createSeededRandom } from '../../../devices/random.ts';
import { ingestConfigSchema, type IngestConfig } from '../../../ingest/config.ts';
import { digestOf } from '../../../ingest/store/digest.ts';
import { judgeAgain } from './again.ts';
import { everyMishap, planMishaps, type Chances } from './faults.ts';
import { openNetwork, spineStartAt, type SpineNetwork } from './network.ts';
import { judgeRun } from './promises.ts';
import { run, type RunPlan } from './run.ts';
import { differences, settledLines } from './state.ts';
import { fieldHabits } from './station.ts';
import { openWorld, type World } from './world.ts';

export interface SeedOutcome {
  readonly seed: number;
  readonly hash: string;
  readonly traceLines: number;
  readonly lives: number;
  readonly faults: number;
  readonly simulatedMinutes: number;
  readonly commits: number;
  readonly acknowledged: number;
  readonly readings: number;
  readonly observations: number;
  readonly rows: number;
  readonly lost: number;
  readonly invented: number;
  readonly doubled: number;
  readonly missing: number;
  /** Every broken promise, as a sentence; none where all hold. */
  readonly broken: readonly string[];
  readonly ended: readonly string[];
}

const minutes = 62;
const minuteMs = 60_000;
const mishapsPlanned = 34;

/** Small stretches, windows and tails: many commits, flushes, evictions and look-backs. */
export const spineConfig: IngestConfig = ingestConfigSchema.parse({
  stretch: { rowsMax: 64, bytesMax: 16_384, readBytesMax: 4_096 },
  windows: { bytesMax: 65_536, points: 16 },
  store: { tailAgeMsMax: 20_000, blockPointsMax: 32, rollupPointsMin: 16, flushSliceMs: 2 },
});

export function openSpineNetwork(intervalMs = minuteMs): SpineNetwork {
  return openNetwork({
    stations: 6,
    intervalMs,
    channelsMax: 4,
    versionsAt: [20 * minuteMs, 40 * minuteMs],
    clock: createManualClock(spineStartAt),
    random: createSeededRandom(1),
  });
}

export interface SeedOptions {
  readonly network: SpineNetwork;
  readonly chances?: Chances;
  readonly onTrace?: (line: string) => void;
}

export async function runSeed(seed: number, options: SeedOptions): Promise<SeedOutcome> {
  const { network, chances = everyMishap, onTrace } = options;
  const world = openWorld({ seed, network, ...(onTrace === undefined ? {} : { onTrace }) });
  const span = { fromMs: 10_000, toMs: minutes * minuteMs };
  const plan: RunPlan = {
    minutes,
    mishaps: planMishaps(world.streams.faults, chances, { count: mishapsPlanned, ...span }),
    habits: fieldHabits,
    lostAnswers: 0.02,
    stepMsMax: 4_000,
    config: spineConfig,
    lookMsMax: 1,
  };
  try {
    return await hold(world, plan);
  } catch (error) {
    return { ...nothingHeld, seed, hash: world.trace.digest(), broken: [String(error)] };
  } finally {
    world.close();
  }
}

/** Of a run that came to no end. */
const nothingHeld = {
  traceLines: 0,
  lives: 0,
  faults: 0,
  simulatedMinutes: 0,
  commits: 0,
  acknowledged: 0,
  readings: 0,
  observations: 0,
  rows: 0,
  lost: 0,
  invented: 0,
  doubled: 0,
  missing: 0,
  ended: [],
} as const;

async function hold(world: World, plan: RunPlan): Promise<SeedOutcome> {
  const end = await run(world, plan);
  const { parts } = end.life;
  if (parts === null) throw new Error('the last life is not open');
  const verdict = await judgeRun(world, parts);
  const settled = settledLines(parts.store);
  const registry = world.network.registry.current();
  const { digest } = await digestOf({ store: parts.store, registry });
  while (!parts.store.flushSlice(1));
  const broken = [...verdict.wrong];
  broken.push(...differences(settledLines(parts.store), settled).map((line) => `flushed, ${line}`));
  const bodies = verdict.records.map(({ body }) => body);
  const undisturbed = await judgeAgain(
    { network: world.network, config: spineConfig, bodies },
    async (store) => ({ lines: settledLines(store), ...(await digestOf({ store, registry })) }),
  );
  broken.push(...differences(settled, undisturbed.lines).map((line) => `disturbed, ${line}`));
  if (digest !== undisturbed.digest) broken.push(`disturbed, digest ${digest}`);
  const hash = world.trace.digest();
  await end.life.close();
  end.life.bury();
  const { lost, invented, doubled, missing, acknowledged, readings, observations, rows } = verdict;
  return {
    seed: world.seed,
    hash,
    traceLines: world.trace.lines,
    lives: end.lives,
    faults: end.faults,
    simulatedMinutes: Math.floor(world.clock.monotonicMs() / minuteMs),
    commits: world.view.commits,
    acknowledged,
    readings,
    observations,
    rows,
    lost,
    invented,
    doubled,
    missing,
    broken,
    ended: end.ended,
  };
}
