import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openDataFolder } from './data-folder.ts';
import { openSystemRandom } from './devices/random.ts';
import {
  createFolders,
  ensureTopics,
  openTestNode,
  plainNames,
} from './ingest/cluster/registry/nodes.fixture.ts';
import { createKafkaServer } from './ingest/log/kafka/memory.ts';

function run(...words: string[]): Promise<{ readonly code: unknown; readonly text: string }> {
  return new Promise((resolve) => {
    const options = { cwd: import.meta.dirname };
    execFile(process.execPath, ['quantrac.js', ...words], options, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, text: stdout + stderr }),
    );
  });
}

test('the folder of a stopped node is no platform to back up', async () => {
  const folders = createFolders();
  onTestFinished(() => folders.remove());
  const folder = folders.folder('node');
  openDataFolder(folder, openSystemRandom()).release();
  const kafka = createKafkaServer();
  await ensureTopics(kafka.connect(), plainNames);
  const node = await openTestNode(kafka.connect(), plainNames, { number: 1, folder });
  await node.close();
  const target = join(folders.folder('target'), 'backup');
  const { code, text } = await run('backup', target, '--data-dir', folder);
  expect({ code, isNamed: text.includes('START_NOT_IN_CLUSTER') }).toEqual({
    code: 2,
    isNamed: true,
  });
  expect(existsSync(join(target, 'manifest.json'))).toBe(false);
});
