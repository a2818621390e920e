import {
  closeSync,
  openSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openDatabase } from '../../devices/database.ts';
import { readViewState } from '../store/adopt-view.ts';
import { makeBackup, type FolderPaths } from './backup.ts';
import type { Finding } from './findings.ts';
import {
  append,
  batchOf,
  clock,
  createFolder,
  fileSystem,
  keep,
  openLog,
  pathsIn,
  readingOf,
  temporaryFolder,
} from './folder.fixture.ts';
import { hasManifest, readManifest, type Manifest } from './manifest.ts';
import { checkBackup, copyBackup } from './restore.ts';
import { endsOf, verifyFolder } from './verify-folder.ts';
import { encodeBatch } from '../observations/batch-codec.ts';

const identity = { storeId: 'store-1', earlier: [{ storeId: 'store-0', upTo: 2 }] };
const onProgress = (): void => undefined;

async function backUp(
  paths: FolderPaths,
  targetDirectory: string,
  source = fileSystem,
): Promise<Manifest> {
  const ends = {
    readings: async () => (await endsOf(fileSystem, paths)).readings,
    observations: async () => (await endsOf(fileSystem, paths)).observations,
  };
  return makeBackup({
    fileSystem: source,
    clock,
    paths,
    identity,
    ends,
    targetDirectory,
    onProgress,
  });
}

async function differences(directory: string): Promise<Finding[]> {
  const findings: Finding[] = [];
  const manifest = await readManifest(fileSystem, directory);
  const onFinding = (finding: Finding): void => void findings.push(finding);
  await checkBackup({ fileSystem, clock, directory, manifest, onFinding, onProgress });
  return findings;
}

async function verified(paths: FolderPaths, storeId: string): Promise<Finding[]> {
  const findings: Finding[] = [];
  await verifyFolder({
    paths,
    fileSystem,
    clock,
    storeId,
    liveEnds: null,
    onFinding: (finding) => findings.push(finding),
    onProgress,
  });
  return findings;
}

async function restored(directory: string): Promise<FolderPaths> {
  const paths = pathsIn(temporaryFolder());
  const manifest = await readManifest(fileSystem, directory);
  const target = { targetDirectory: paths.path, storeId: 'store-2' };
  await copyBackup({ fileSystem, directory, manifest, ...target, onProgress });
  return paths;
}

test('a backup is whole, verifies, and restores to the same under a new store id', async () => {
  const paths = await createFolder(100, 70);
  const directory = join(temporaryFolder(), 'backup');
  const manifest = await backUp(paths, directory);
  expect(manifest).toMatchObject({
    format: 'quantrac-backup/1',
    ...identity,
    view: 70,
    observations: { first: 1, end: 100 },
    readings: { first: 1, end: 100 },
    registry: 1,
  });
  expect(await differences(directory)).toEqual([]);
  expect(await verified(pathsIn(directory), 'store-1')).toEqual([]);
  const copy = await restored(directory);
  expect(await verified(copy, 'store-2')).toEqual([]);
  expect(readViewState(copy.view)).toMatchObject({ storeId: 'store-2', position: 70 });
});

test('while both logs grow, no follower in the copy knows more than its source', async () => {
  const paths = await createFolder(30);
  const readings = await openLog(paths.readings, 'readings');
  const observations = await openLog(paths.observations, 'observations');
  let isWriting = true;
  const writing = (async () => {
    for (let number = 30; isWriting; number++) {
      const position = await keep(readings, readingOf(number));
      await append(observations, encodeBatch(batchOf(number, position)));
    }
  })();
  const targetDirectory = join(temporaryFolder(), 'backup');
  const manifest = await makeBackup({
    fileSystem,
    clock,
    paths,
    identity,
    ends: {
      readings: async () => readings.durableEnd.get(),
      observations: async () => observations.durableEnd.get(),
    },
    targetDirectory,
    onProgress,
  });
  isWriting = false;
  await writing;
  await readings.close();
  await observations.close();
  expect(manifest.readings.end).toBeGreaterThanOrEqual(manifest.observations.end);
  expect(await verified(pathsIn(targetDirectory), 'store-1')).toEqual([]);
});

test('a folder that holds anything is refused, and nothing is written there', async () => {
  const paths = await createFolder(1);
  const directory = temporaryFolder();
  writeFileSync(join(directory, 'mine'), '');
  await expect(backUp(paths, directory)).rejects.toMatchObject({
    code: 'INGEST_BACKUP_TARGET_USED',
  });
  expect(readdirSync(directory)).toEqual(['mine']);
});

test('a folder without a view or without logs is backed up as it is', async () => {
  const paths = await createFolder(1);
  rmSync(paths.view);
  rmSync(paths.readings, { recursive: true });
  rmSync(paths.observations, { recursive: true });
  const directory = join(temporaryFolder(), 'backup');
  expect(await backUp(paths, directory)).toMatchObject({ view: null, readings: { end: 0 } });
  expect(await verified(await restored(directory), 'store-2')).toEqual([]);
});

test('what clients rely on and the key that signs come along, the key for its owner alone', async () => {
  const paths = await createFolder(1);
  const feeds = openDatabase(paths.feeds);
  feeds.exec("CREATE TABLE note (text TEXT) STRICT; INSERT INTO note VALUES ('kept')");
  writeFileSync(paths.signingKey, 'secret', { mode: 0o600 });
  const directory = join(temporaryFolder(), 'backup');
  const { files } = await backUp(paths, directory);
  feeds.close();
  expect(files.map(({ path }) => path)).toEqual(
    expect.arrayContaining(['feeds.db', 'signing.pem', 'view.db', 'registry.db']),
  );
  const copy = await restored(directory);
  for (const path of [join(directory, 'signing.pem'), copy.signingKey]) {
    expect([readFileSync(path, 'utf8'), statSync(path).mode & 0o777]).toEqual(['secret', 0o600]);
  }
  const restoredFeeds = openDatabase(copy.feeds, { readOnly: true });
  expect(restoredFeeds.prepare('SELECT text FROM note').get()).toEqual({ text: 'kept' });
  restoredFeeds.close();
});

test('a key that is exchanged while the manifests are copied comes along as the one before does', async () => {
  const paths = await createFolder(1);
  openDatabase(paths.feeds).close();
  const [old, both, fresh] = ['old', 'both', 'fresh'].map(
    (name) => `-----BEGIN PRIVATE KEY-----\n${name}\n-----END PRIVATE KEY-----\n`,
  );
  writeFileSync(paths.signingKey, `${old}${both}`, { mode: 0o600 });
  let looks = 0;
  const exchanging: typeof fileSystem = {
    ...fileSystem,
    open(path, mode) {
      looks += path === paths.signingKey ? 1 : 0;
      if (path === paths.signingKey && looks === 2) writeFileSync(path, `${both}${fresh}`);
      return fileSystem.open(path, mode);
    },
  };
  const directory = join(temporaryFolder(), 'backup');
  await backUp(paths, directory, exchanging);
  expect(readFileSync(join(directory, 'signing.pem'), 'utf8')).toBe(`${old}${both}${fresh}`);
});

test('bytes of citations come along, but not what was being written', async () => {
  const paths = await createFolder(1);
  mkdirSync(paths.citations);
  writeFileSync(join(paths.citations, 'ab01.gz'), 'cited');
  writeFileSync(join(paths.citations, 'ab02.gz.new'), 'half');
  const directory = join(temporaryFolder(), 'backup');
  await backUp(paths, directory);
  const copy = await restored(directory);
  expect(readdirSync(copy.citations)).toEqual(['ab01.gz']);
  expect(readFileSync(join(copy.citations, 'ab01.gz'), 'utf8')).toBe('cited');
});

test('a damaged file is named, and of a log the record in it', async () => {
  const paths = await createFolder(100);
  const directory = join(temporaryFolder(), 'backup');
  await backUp(paths, directory);
  const [segment = ''] = readdirSync(join(directory, 'readings')).filter((name) =>
    name.endsWith('.segment'),
  );
  const path = join(directory, 'readings', segment);
  const byte = readFileSync(path)[300] ?? 0;
  const file = openSync(path, 'r+');
  writeSync(file, Uint8Array.of(byte ^ 1), 0, 1, 300);
  closeSync(file);
  rmSync(join(directory, 'view.db'));
  writeFileSync(join(directory, 'registry.db'), 'short');
  expect(await differences(directory)).toMatchObject([
    { file: 'view.db', what: 'is missing' },
    { file: 'registry.db', what: expect.stringMatching(/^has 5 bytes, not \d+$/) },
    { file: `readings/${segment}`, what: 'its SHA-256 is not that of the manifest' },
    { file: `readings/${segment}`, first: 1, last: 1, offset: 256 },
  ]);
});

test('a file that changes between check and copy stops the restore', async () => {
  const paths = await createFolder(3);
  const directory = join(temporaryFolder(), 'backup');
  await backUp(paths, directory);
  const manifest = await readManifest(fileSystem, directory);
  const path = join(directory, 'registry.db');
  const bytes = readFileSync(path);
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
  writeFileSync(path, bytes);
  const target = { targetDirectory: temporaryFolder(), storeId: 'store-2' };
  await expect(
    copyBackup({ fileSystem, directory, manifest, ...target, onProgress }),
  ).rejects.toMatchObject({ code: 'INGEST_BACKUP_DAMAGED', fields: { file: 'registry.db' } });
});

test('what is no backup, a newer one or a damaged manifest is refused by name', async () => {
  const directory = temporaryFolder();
  await expect(readManifest(fileSystem, directory)).rejects.toMatchObject({
    code: 'INGEST_BACKUP_MISSING',
  });
  expect(await hasManifest(fileSystem, join(directory, 'none'))).toBe(false);
  const write = (text: string): void => writeFileSync(join(directory, 'manifest.json'), text);
  write('{"format":"quantrac-backup/2"}');
  await expect(readManifest(fileSystem, directory)).rejects.toMatchObject({
    code: 'INGEST_BACKUP_VERSION',
  });
  write('{"format":"quantrac-backup/1","files":[{"path":"../x"}]}');
  await expect(readManifest(fileSystem, directory)).rejects.toMatchObject({
    code: 'INGEST_BACKUP_DAMAGED',
  });
  write('{');
  await expect(readManifest(fileSystem, directory)).rejects.toMatchObject({
    code: 'INGEST_BACKUP_DAMAGED',
  });
});
