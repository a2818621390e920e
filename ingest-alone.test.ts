import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readConfiguration, type Configuration } from './configuration.ts';
import { openDataFolder, pathsOf } from './data-folder.ts';
import { sleep } from './devices/clock.ts';
import { openSystemClock } from './devices/clock-system.ts';
import { openSystemRandom } from './devices/random.ts';
import { defaultDevicesConfig } from './devices/config.ts';
import { openRegistryReader } from './devices/registry-sqlite-reader.ts';
import { openRegistryWriter } from './devices/registry-sqlite.ts';
import { createRecordedTelemetry } from './devices/telemetry-silent.ts';
import { eraseOrder, timesBy, type EraseWish } from './erase-order.ts';
import { eraseAgain } from './erase-again.ts';
import { openIngestAlone, type IngestAlone } from './ingest-alone.ts';
import { openNodeFileSystem } from './ingest/log/file-system-node.ts';
import { lastRecord } from './ingest/log/record-at.ts';
import { eraseData, type EraseReport } from './ingest/maintain/erase.ts';
import type { KnownOrder } from './ingest/maintain/erasure-orders.ts';
import type { Finding } from './ingest/maintain/findings.ts';
import { logPlace } from './ingest/maintain/log-place.ts';
import { endsOf, verifyFolder } from './ingest/maintain/verify-folder.ts';
import { digestFolder, verifyView } from './ingest/maintain/verify-view.ts';
import { openViewAt } from './ingest/maintain/view-at.ts';
import { decodeBatch } from './ingest/observations/batch-codec.ts';
import type { Batch } from './ingest/observations/batch.ts';
import type { Reading } from './ingest/reading.ts';

const clock = openSystemClock();
const random = openSystemRandom();
const fileSystem = openNodeFileSystem();
const onProgress = (): void => undefined;
const startAt = Date.UTC(2026, 0, 1);
const hourMs = 3_600_000;

const network = {
  format: 'quantrac-registry/1',
  owners: [
    { id: 'agency', name: { vi: 'Sở', en: 'Agency' }, kind: 'state' },
    { id: 'neighbour', name: { vi: 'Bạn', en: 'Neighbour' }, kind: 'citizen' },
  ],
  stations: ['a', 'b'].map((id) => ({
    id,
    name: { vi: id, en: id },
    owner: 'agency',
    latitude: 21,
    longitude: 105.8,
    timeZone: 'Asia/Ho_Chi_Minh',
    class: 'regulatory',
  })),
  datastreams: ['a', 'b'].map((station) => ({
    id: `${station}.temperature`,
    station,
    property: 'air-temperature',
    aggregation: 'instant',
    intervalMs: 600_000,
  })),
  devices: [
    { id: 'dev-a', owner: 'agency' },
    { id: 'dev-b', owner: 'neighbour' },
  ],
  deployments: ['a', 'b'].map((station) => ({
    device: `dev-${station}`,
    datastream: `${station}.temperature`,
    channel: 'temp',
    from: '2020-01-01T00:00:00Z',
  })),
};

interface Scene {
  readonly configuration: Configuration;
  readonly path: string;
}

function createScene(): Scene {
  const path = join(mkdtempSync(join(tmpdir(), 'quantrac-alone-')), 'data');
  onTestFinished(() => rmSync(join(path, '..'), { recursive: true }));
  const configuration = readConfiguration({ flags: { 'data-dir': path }, environment: {} });
  const folder = openDataFolder(path, random);
  const registry = openRegistryWriter(folder.registry, { clock, random });
  expect(registry.importFile(network, 'test')).toMatchObject({ ok: true });
  registry.close();
  folder.release();
  return { configuration, path };
}

function messageOf(device: string, slot: number, value: string): Reading {
  const at = startAt + slot * 600_000;
  const payload = Buffer.from(`{"ts":${at},"temp":${value}}`);
  const topic = `env/v1/${device}/obs`;
  return { kind: 'message', door: 'mqtt', receivedAt: at + 500, device, topic, payload };
}

/** Batches up to the one that has settled everything appended. */
async function settled({ paths, ends }: IngestAlone): Promise<Batch> {
  for (;;) {
    const { readings, observations } = await ends();
    const record = await lastRecord(logPlace(fileSystem, paths.observations, observations));
    const batch = record === null ? null : decodeBatch(record.position, record.body);
    if (batch !== null && batch.consumed === readings) return batch;
    await sleep(clock, 5);
  }
}

async function withIngest<Result>(
  scene: Scene,
  work: (alone: IngestAlone) => Promise<Result>,
): Promise<Result> {
  const alone = await openIngestAlone(scene.configuration, { clock, random });
  try {
    return await work(alone);
  } finally {
    await alone.close();
  }
}

function erase(scene: Scene, wish: Partial<EraseWish>): Promise<EraseReport> {
  const whole = { device: null, owner: null, fromAt: null, toAt: null, reason: 'order 7', ...wish };
  return withIngest(scene, (alone) => {
    const registry = alone.registry.current();
    const timesOf = timesBy(registry, scene.configuration.ingest.decode);
    return eraseData(eraseOrder(whole, registry), { ...alone, timesOf, onProgress });
  });
}

/** What verify finds, and the digest. */
async function proved({ path, configuration }: Scene): Promise<[Finding[], string]> {
  const findings: Finding[] = [];
  const onFinding = (finding: Finding): void => void findings.push(finding);
  const paths = pathsOf(path);
  const options = { paths, fileSystem, clock, storeId: null, liveEnds: null };
  const report = await verifyFolder({ ...options, onFinding, onProgress });
  const reader = openRegistryReader(paths.registry, { clock, config: defaultDevicesConfig() });
  const registry = reader.current();
  verifyView(paths.view, registry, onFinding);
  const { digest } = await digestFolder({
    view: paths.view,
    observations: report.observations,
    registry,
    config: configuration.ingest.store,
    clock,
    telemetry: createRecordedTelemetry(),
    makeScratch: () => path,
    onProgress,
  });
  reader.close();
  return [findings, digest];
}

/** Current rows of both series as `device slot result`. */
async function shown({ path, configuration }: Scene): Promise<string[]> {
  const paths = pathsOf(path);
  const { observations } = await verifyFolder({
    paths,
    fileSystem,
    clock,
    storeId: null,
    liveEnds: null,
    onFinding: (finding) => expect(finding).toBeUndefined(),
    onProgress,
  });
  const view = await openViewAt({
    path: paths.view,
    observations,
    config: configuration.ingest.store,
    clock,
    telemetry: createRecordedTelemetry(),
    isCircular: () => false,
    makeScratch: () => path,
    onProgress,
  });
  const everAt = startAt + 1_000 * hourMs;
  const rows = [0, 1].flatMap((series) =>
    view.store.range({ series, fromAt: 0, toAt: everAt, order: 'asc', limit: 1_000 }),
  );
  view.close();
  return rows.map((row) => `${row.device} ${(row.endAt - startAt) / 600_000} ${row.result}`);
}

/** Files of the folder that hold these bytes. */
function filesWith(folder: string, bytes: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return filesWith(path, bytes);
    return readFileSync(path).includes(bytes) ? [path] : [];
  });
}

const secret = 'a-name-that-must-go';

async function fill(scene: Scene): Promise<void> {
  await withIngest(scene, async (alone) => {
    for (let slot = 0; slot < 6; slot++) {
      await alone.append(messageOf('dev-a', slot, `2${slot}.5`));
      await alone.append(messageOf('dev-b', slot, `1${slot}.5`));
    }
    await alone.append(messageOf('dev-a', 6, `"${secret}"`));
    await alone.append(messageOf('dev-a', 7, `${secret} is no JSON`));
    await settled(alone);
  });
}

test('what a device said goes everywhere, all else stays, and everything still proves', async () => {
  const scene = createScene();
  await fill(scene);
  expect(filesWith(scene.path, secret).length).toBeGreaterThan(1);
  const report = await erase(scene, { device: 'dev-a' });
  expect(report).toMatchObject({ stretches: 2, readings: 8 });
  expect(filesWith(scene.path, secret)).toEqual([]);
  expect(filesWith(scene.path, '"temp":2')).toEqual([]);
  expect(await shown(scene)).toEqual([0, 1, 2, 3, 4, 5].map((slot) => `dev-b ${slot} 1${slot}.5`));
  const [findings, digest] = await proved(scene);
  expect(findings).toEqual([]);
  rmSync(pathsOf(scene.path).view);
  await withIngest(scene, settled);
  expect(await proved(scene)).toEqual([[], digest]);
});

test('a re-send of what was erased is a duplicate, and later values are taken', async () => {
  const scene = createScene();
  await fill(scene);
  await erase(scene, { device: 'dev-a' });
  const totals = await withIngest(scene, async (alone) => {
    const before = (await settled(alone)).totals;
    await alone.append(messageOf('dev-a', 2, '22.5'));
    await alone.append(messageOf('dev-a', 9, '29.5'));
    const after = (await settled(alone)).totals;
    return [
      after.measurementsDuplicate - before.measurementsDuplicate,
      after.measurementsStored - before.measurementsStored,
    ];
  });
  expect(totals).toEqual([1, 1]);
  expect(await shown(scene)).toContain('dev-a 9 29.5');
});

test('a period takes the readings that came or were measured in it', async () => {
  const scene = createScene();
  await fill(scene);
  await withIngest(scene, async (alone) => {
    // Sent again much later: a duplicate that made no row, and holds the same value.
    await alone.append({ ...messageOf('dev-a', 2, '22.5'), receivedAt: startAt + 20 * hourMs });
    await settled(alone);
  });
  const period = { fromAt: startAt + 600_000, toAt: startAt + 1_800_000 };
  expect(await erase(scene, { device: 'dev-a', ...period })).toMatchObject({ readings: 3 });
  const left = (await shown(scene)).filter((line) => line.startsWith('dev-a'));
  expect(left.map((line) => line.split(' ')[1])).toEqual(['0', '3', '4', '5']);
  expect(filesWith(scene.path, '22.5')).toEqual([]);
  expect((await proved(scene))[0]).toEqual([]);
});

test('an owner is erased with all its devices, and the same order again changes nothing', async () => {
  const scene = createScene();
  await fill(scene);
  expect(await erase(scene, { owner: 'neighbour' })).toMatchObject({ stretches: 2, readings: 6 });
  const [, digest] = await proved(scene);
  expect(await erase(scene, { owner: 'neighbour' })).toMatchObject({ stretches: 0, batches: 0 });
  expect(await proved(scene)).toEqual([[], digest]);
  expect((await shown(scene)).every((line) => line.startsWith('dev-a'))).toBe(true);
});

test('after a restore, an erasure that was cut short is carried out, one that was finished is not', async () => {
  const scene = createScene();
  await fill(scene);
  await erase(scene, { device: 'dev-b' });
  const wish = { decision: 'erase', device: 'dev-a', owner: null, series: null };
  const rest = { fromAt: null, toAt: null, reason: 'order 8', actor: 'test' };
  await withIngest(scene, async (alone) => {
    const payload = Buffer.from(JSON.stringify({ ...wish, ...rest }));
    const order = { kind: 'decision', door: 'internal', device: 'dev-a', topic: '' } as const;
    await alone.append({ ...order, receivedAt: clock.now(), payload });
    await settled(alone);
  });
  const again = async (later: readonly KnownOrder[]): Promise<number> => {
    const { readings, observations } = await endsOf(fileSystem, pathsOf(scene.path));
    const manifest = {
      readings: { first: 1, end: readings },
      observations: { first: 1, end: observations },
    };
    const { release, ...folder } = openDataFolder(scene.path, random);
    const held = { ...folder, release: () => undefined };
    const count = await eraseAgain({ ...scene, folder: held, manifest, later, onProgress });
    release();
    return count;
  };
  expect(await again([])).toBe(1);
  expect(await shown(scene)).toEqual([]);
  expect(filesWith(scene.path, secret)).toEqual([]);
  expect(await again([])).toBe(0);
  const gone = { position: 99, device: 'dev-c', owner: null, ...rest };
  expect(await again([gone, { ...gone, device: 'dev-a' }])).toBe(1);
  expect((await proved(scene))[0]).toEqual([]);
});

test('a device or owner that nobody knows is refused before anything is written', async () => {
  const scene = createScene();
  const unknown = { code: 'START_USAGE' };
  await expect(erase(scene, { device: 'dev-c' })).rejects.toMatchObject(unknown);
  await expect(erase(scene, { owner: 'nobody' })).rejects.toMatchObject(unknown);
  expect(await withIngest(scene, (alone) => alone.ends())).toEqual({
    readings: 0,
    observations: 0,
  });
});
