import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createManualClock } from '../clock-manual.ts';
import { createSeededRandom } from '../random.ts';
import { openRegistryWriter } from '../registry-sqlite.ts';
import { changesContract } from './changes.contract.ts';
import { createOwnChanges } from './changes.ts';

changesContract(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'quantrac-changes-'));
  const registry = openRegistryWriter(join(folder, 'registry.db'), {
    clock: createManualClock(Date.UTC(2026, 0, 1)),
    random: createSeededRandom(1),
  });
  const node = { changes: createOwnChanges(registry), registry, holds: async () => undefined };
  return {
    one: node,
    other: node,
    async remove() {
      registry.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
});
