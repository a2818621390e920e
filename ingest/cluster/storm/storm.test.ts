import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { groundInMemory } from './ground.fixture.ts';
import { calm, changeInCalm, storm } from './nemesis.fixture.ts';
import { prove } from './proof.fixture.ts';
import { openWorld } from './world.fixture.ts';

/** How many storms, from which seed on: more than these are run by hand. */
const seeds = Number(process.env['QUANTRAC_STORMS'] ?? 12);
const seedFirst = Number(process.env['QUANTRAC_STORM_SEED'] ?? 1);

it.each(Array.from({ length: seeds }, (_none, at) => seedFirst + at))(
  'a cluster decides every reading once, as one machine does, through storm %i',
  async (seed) => {
    const { ground, server } = groundInMemory();
    const folder = mkdtempSync(join(tmpdir(), 'quantrac-storm-'));
    // In half of the storms the registry changes between two of them, so that all partitions settle
    // the same readings under the same version and most orders are one machine's. In the other half
    // orders are any, and values say themselves which of them counts.
    const changesRegistry = seed % 2 === 0;
    const isDated = (device: string): boolean => changesRegistry || device.length % 2 === 0;
    const world = await openWorld(ground, { seed, isDated });
    try {
      const happened = await storm({ world, server, turns: 30, turnMsMax: 400, changesRegistry });
      await calm(world);
      if (!changesRegistry) await changeInCalm(world);
      await storm({ world, server, turns: 30, turnMsMax: 400, changesRegistry });
      await calm(world);
      const proof = await prove(world, folder);
      expect(proof.readings).toBeGreaterThan(0);
      if (process.env['QUANTRAC_STORM_TOLD'] !== undefined) {
        const openings = world.workers.map((worker) => worker.openings);
        const endings = world.workers.map((worker) => Object.fromEntries(worker.endings));
        process.stdout.write(
          `${JSON.stringify({ seed, ...proof, openings, happened, endings })}\n`,
        );
      }
    } finally {
      await world.remove();
      rmSync(folder, { recursive: true, force: true });
    }
  },
);
