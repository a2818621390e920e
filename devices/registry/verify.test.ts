import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createManualClock } from '../clock-manual.ts';
import { copyDatabase, openDatabase } from '../database.ts';
import { createSeededRandom } from '../random.ts';
import { openRegistryWriter } from '../registry-sqlite.ts';
import { verifyRegistry } from './verify.ts';

const owner = { id: 'o', name: { vi: 'Sở', en: 'Department' }, kind: 'state' };

function createRegistryFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'quantrac-registry-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'registry.db');
  const registry = openRegistryWriter(path, {
    clock: createManualClock(0),
    random: createSeededRandom(1),
  });
  const file = {
    format: 'quantrac-registry/1',
    owners: [owner],
    devices: [{ id: 'd', owner: 'o' }],
  };
  expect(registry.importFile(file, 'test')).toMatchObject({ ok: true });
  registry.importFile({ ...file, owners: [{ ...owner, licence: 'CC-BY-4.0' }] }, 'test');
  registry.provision(['d'], { rotate: true, actor: 'test' });
  registry.close();
  return path;
}

test('a registry that only grew has nothing wrong, and neither has its copy', async () => {
  const path = createRegistryFile();
  expect(verifyRegistry(path)).toEqual({ problems: [], version: 3 });
  await copyDatabase(path, `${path}.copy`);
  expect(verifyRegistry(`${path}.copy`)).toEqual({ problems: [], version: 3 });
});

test('a history that was changed by hand is named row by row', () => {
  const path = createRegistryFile();
  const database = openDatabase(path);
  database.exec('DROP TRIGGER history_update; DROP TRIGGER history_delete');
  database.exec(`UPDATE history SET after = '{' WHERE position = 1`);
  database.exec('DELETE FROM history WHERE position = 2');
  database.close();
  const { problems } = verifyRegistry(path);
  expect(problems).toContain('trigger history_update is not as this version made it');
  expect(problems).toContain('history row 1 holds no JSON');
  expect(problems).toContain('history row 3 follows row 1');
  expect(problems).toContain('history row 3 changes owner o from what it was not');
});

test('numbers of series that were taken away are noticed', () => {
  const path = createRegistryFile();
  const database = openDatabase(path);
  database.exec(`INSERT INTO series VALUES (1, 'x')`);
  database.close();
  expect(verifyRegistry(path).problems).toEqual(['1 series have numbers up to 1']);
});
