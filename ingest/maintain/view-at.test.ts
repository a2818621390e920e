import { closeSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openDatabase } from '../../devices/database.ts';
import { defaultDevicesConfig } from '../../devices/config.ts';
import { openRegistryReader } from '../../devices/registry-sqlite-reader.ts';
import type { FolderPaths } from './backup.ts';
import type { Finding } from './findings.ts';
import {
  clock,
  createFolder,
  fileSystem,
  storeConfig,
  telemetry,
  temporaryFolder,
} from './folder.fixture.ts';
import { logPlace } from './log-place.ts';
import { digestFolder, verifyView } from './verify-view.ts';

/** The digest, and how often a view had to be built for it. */
async function digestOf(
  paths: FolderPaths,
  end: number,
  tailBytesMax = storeConfig.tailBytesMax,
): Promise<[string, number]> {
  let built = 0;
  const reader = openRegistryReader(paths.registry, { clock, config: defaultDevicesConfig() });
  const { digest, position } = await digestFolder({
    view: paths.view,
    observations: logPlace(fileSystem, paths.observations, end),
    registry: reader.current(),
    config: { ...storeConfig, tailBytesMax },
    clock,
    telemetry,
    makeScratch() {
      built += 1;
      return temporaryFolder();
    },
    onProgress: () => undefined,
  }).finally(() => reader.close());
  expect(position).toBe(end);
  return [digest, built];
}

function problemsOf(paths: FolderPaths): Finding[] {
  const findings: Finding[] = [];
  const reader = openRegistryReader(paths.registry, { clock, config: defaultDevicesConfig() });
  verifyView(paths.view, reader.current(), (finding) => findings.push(finding));
  reader.close();
  return findings;
}

test('the digest is that of the end of the log, however far the view was flushed', async () => {
  const whole = await createFolder(60);
  const [digest, built] = await digestOf(whole, 60);
  expect(built).toBe(0);
  expect(await digestOf(await createFolder(60, 10), 60)).toEqual([digest, 0]);
});

test('without a view, or with a file that is none, one is built for the digest', async () => {
  const paths = await createFolder(60);
  const [digest] = await digestOf(paths, 60);
  rmSync(paths.view);
  expect(await digestOf(paths, 60)).toEqual([digest, 1]);
  writeFileSync(paths.view, 'not a database, whatever its length may be');
  expect(await digestOf(paths, 60)).toEqual([digest, 1]);
});

test('a view that is more than a tail behind is not followed but built', async () => {
  const paths = await createFolder(60, 1);
  const [digest] = await digestOf(paths, 60);
  expect(await digestOf(paths, 60, 1_000)).toEqual([digest, 1]);
});

test('there is no digest of a log that cannot be read whole', async () => {
  const paths = await createFolder(20, 1);
  const path = join(paths.observations, '0000000000000001.segment');
  const byte = readFileSync(path)[900] ?? 0;
  const file = openSync(path, 'r+');
  writeSync(file, Uint8Array.of(byte ^ 1), 0, 1, 900);
  closeSync(file);
  await expect(digestOf(paths, 20)).rejects.toMatchObject({ code: 'LOG_RECORD_DAMAGED' });
  rmSync(paths.view);
  await expect(digestOf(paths, 20)).rejects.toMatchObject({ code: 'LOG_RECORD_DAMAGED' });
});

test('a block that is not what was written is named', async () => {
  const paths = await createFolder(60);
  expect(problemsOf(paths)).toEqual([]);
  const view = openDatabase(paths.view);
  view.exec("UPDATE blocks SET points = x'ff' WHERE id = 1");
  view.close();
  expect(problemsOf(paths)).toMatchObject([
    { part: 'view', file: 'view.db', what: expect.stringMatching(/^A block does not decode /) },
  ]);
});
