import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { createManualClock } from '../../../devices/clock-manual.ts';
import { createKafkaServer } from '../../log/kafka/memory.ts';
import { calm, storm } from './nemesis.fixture.ts';
import { prove } from './proof.fixture.ts';
import { openWorld, type Ground } from './world.fixture.ts';

/** How many storms, from which seed on: more than these are run by hand. */
const seeds = Number(process.env['QUANTRAC_STORMS'] ?? 12);
const seedFirst = Number(process.env['QUANTRAC_STORM_SEED'] ?? 1);

const stepMs = 5;

function groundInMemory() {
  const clock = createManualClock(Date.UTC(2026, 0, 5));
  const server = createKafkaServer();
  const ground: Ground = {
    clock,
    connect: () => server.connect(),
    name: 'storm',
    async pass(ms) {
      for (let leftMs = ms; leftMs > 0; leftMs -= stepMs) {
        await setImmediate();
        clock.advance(Math.min(stepMs, leftMs));
      }
      await setImmediate();
    },
  };
  return { ground, server };
}

it.each(Array.from({ length: seeds }, (_none, at) => seedFirst + at))(
  'a cluster decides every reading once, as one machine does, through storm %i',
  async (seed) => {
    const { ground, server } = groundInMemory();
    const folder = mkdtempSync(join(tmpdir(), 'quantrac-storm-'));
    const world = await openWorld(ground, { seed });
    try {
      const happened = await storm({ world, server, turns: 40, turnMsMax: 400 });
      await calm(world);
      const proof = await prove(world, folder);
      expect(proof.readings).toBeGreaterThan(0);
      if (process.env['QUANTRAC_STORM_TOLD'] !== undefined) {
        const endings = world.workers.map((worker) => Object.fromEntries(worker.endings));
        process.stdout.write(`${JSON.stringify({ seed, ...proof, happened, endings })}\n`);
      }
    } finally {
      await world.remove();
      rmSync(folder, { recursive: true, force: true });
    }
  },
);
