/** The same kept readings once more, on a new disk where nothing goes wrong. */
import type { IngestConfig } from '../../../ingest/config.ts';
import type { StoreReader } from '../../../ingest/store/store.ts';
import { startLife, type ServerLife } from './life.ts';
import type { SpineNetwork } from './network.ts';
import { settle } from './run.ts';
import { openWorld, type World } from './world.ts';

const recordsAtOnce = 2_000;
const stepsMax = 200_000;

export interface AgainOptions {
  readonly network: SpineNetwork;
  readonly config: IngestConfig;
  readonly bodies: Iterable<Buffer>;
}

/** Calls `use` with the view at rest; everything is gone when it returns. */
export async function judgeAgain<Result>(
  options: AgainOptions,
  use: (store: StoreReader, world: World) => Result | Promise<Result>,
): Promise<Result> {
  const { network, config } = options;
  const world = openWorld({ seed: 1, network });
  const life = startLife({ world, number: 1, config, death: null, lookMsMax: 0 });
  try {
    await until(world, life, () => life.status === 'open');
    let bodies: Buffer[] = [];
    for (const body of options.bodies) {
      bodies.push(body);
      if (bodies.length < recordsAtOnce) continue;
      await append(world, life, bodies);
      bodies = [];
    }
    await append(world, life, bodies);
    const { store } = partsOf(life);
    while (!store.flushSlice(10_000));
    return await use(store, world);
  } finally {
    await life.close();
    life.bury();
    world.close();
  }
}

function partsOf(life: ServerLife) {
  if (life.parts === null) throw new Error(`ingest ended: ${String(life.error)}`);
  return life.parts;
}

async function append(world: World, life: ServerLife, bodies: readonly Buffer[]): Promise<void> {
  const { readings, store } = partsOf(life);
  const end = readings.durableEnd.get() + bodies.length;
  for (const body of bodies) {
    readings.append(
      body.length,
      (target, at) => target.set(body, at),
      (error) => {
        if (error !== null) throw error;
      },
    );
  }
  await until(world, life, () => store.consumed === end);
}

async function until(world: World, life: ServerLife, isDone: () => boolean): Promise<void> {
  for (let steps = 0; !isDone(); steps += 1) {
    if (life.status === 'ended' || steps > stepsMax) {
      throw new Error(`ingest does not get on: ${String(life.error)}`);
    }
    await settle();
    if (!isDone()) world.clock.advance(5);
  }
}
