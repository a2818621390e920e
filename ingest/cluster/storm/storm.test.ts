import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { KafkaServer } from '../../log/kafka/memory.ts';
import { realKafka } from '../../log/kafka/real.fixture.ts';
import { groundInMemory, groundOn } from './ground.fixture.ts';
import { calm, changeInCalm, storm } from './nemesis.fixture.ts';
import { prove } from './proof.fixture.ts';
import { openWorld, type Ground } from './world.fixture.ts';

/**
 * How many storms, and from which seed on; more of them are run by hand:
 * `QUANTRAC_STORMS=500 QUANTRAC_STORM_SEED=1 TMPDIR=/dev/shm vitest run ingest/cluster/storm`.
 */
const storms = Number(process.env['QUANTRAC_STORMS'] ?? 6);
const stormsOnKafka = Number(process.env['QUANTRAC_STORMS_ON_KAFKA'] ?? 2);
const seedFirst = Number(process.env['QUANTRAC_STORM_SEED'] ?? 1);
/** Each storm says what it was like. */
const isTold = process.env['QUANTRAC_STORM_TOLD'] !== undefined;

const seedsOf = (count: number): number[] =>
  Array.from({ length: count }, (_none, at) => seedFirst + at);

interface Weathered {
  readonly ground: Ground;
  readonly server?: KafkaServer;
  readonly turns: number;
}

async function weather(seed: number, { ground, server, turns }: Weathered): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'quantrac-storm-'));
  // In half of the storms the registry changes between two of them, so that all partitions settle
  // the same readings under the same version and most orders are one machine's. In the other half
  // orders are any, and values say themselves which of them counts.
  const changesRegistry = seed % 2 === 0;
  const isDated = (device: string): boolean => changesRegistry || device.length % 2 === 0;
  const world = await openWorld(ground, { seed, isDated });
  const options = { world, turns, turnMsMax: 400, changesRegistry };
  const strike = () => storm(server === undefined ? options : { ...options, server });
  try {
    const happened = await strike();
    await calm(world);
    if (!changesRegistry) await changeInCalm(world);
    await strike();
    await calm(world);
    const proof = await prove(world, folder);
    expect(proof.readings).toBeGreaterThan(0);
    if (isTold) {
      const openings = world.workers.map((worker) => worker.openings);
      const endings = world.workers.map((worker) => Object.fromEntries(worker.endings));
      const told = { seed, ...proof, openings, happened, endings };
      process.stdout.write(`${JSON.stringify(told)}\n`);
    }
  } finally {
    await world.remove();
    rmSync(folder, { recursive: true, force: true });
  }
}

describe('a cluster decides every reading once, as one machine does', () => {
  it.each(seedsOf(storms))('through storm %i', (seed) =>
    weather(seed, { ...groundInMemory(), turns: 30 }),
  );

  const real = realKafka('storm');
  describe.skipIf(!real.isPresent)(`on Kafka itself${real.absent}`, () => {
    it.each(seedsOf(stormsOnKafka))(
      'through storm %i',
      (seed) => weather(seed, { ground: groundOn(real), turns: 12 }),
      120_000,
    );
  });
});
