import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { createManualClock } from '../../devices/clock-manual.ts';
import { createSeededRandom } from '../../devices/random.ts';
import { openRegistryWriter } from '../../devices/registry-sqlite.ts';
import { createRecordedTelemetry } from '../../devices/telemetry-silent.ts';
import { logConfigSchema } from '../log/config.ts';
import { createDurableEnd } from '../log/durable-end.ts';
import { openNodeFileSystem } from '../log/file-system-node.ts';
import type { Position } from '../log/log.ts';
import { openLogWriter } from '../log/segment-log.ts';
import type { SegmentLogWriter } from '../log/segment-writer.ts';
import type { ObservationRow } from '../observation.ts';
import { encodeBatch } from '../observations/batch-codec.ts';
import type { Batch } from '../observations/batch.ts';
import { keepReading } from '../reading-codec.ts';
import type { Reading } from '../reading.ts';
import { storeConfigSchema } from '../store/config.ts';
import { noTotals } from '../observations/batch.ts';
import { openStoreWriter } from '../store/writer.ts';
import type { FolderPaths } from './backup.ts';

const startAt = Date.UTC(2026, 0, 1);
const minuteMs = 60_000;
export const fileSystem = openNodeFileSystem();
export const clock = createManualClock(startAt);
export const telemetry = createRecordedTelemetry();
export const storeConfig = storeConfigSchema.parse({});

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'quantrac-maintain-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function pathsIn(path: string): FolderPaths {
  const at = (name: string): string => join(path, name);
  return {
    path,
    readings: at('readings'),
    observations: at('observations'),
    view: at('view.db'),
    registry: at('registry.db'),
    feeds: at('feeds.db'),
    signingKey: at('signing.pem'),
    citations: at('citations'),
  };
}

/** Small segments, so that a test has sealed ones. */
export function openLog(directory: string, name: string): Promise<SegmentLogWriter> {
  return openLogWriter({
    fileSystem,
    directory,
    name,
    config: logConfigSchema.parse({ segmentBytesMax: 4_096, sealPauseMs: 0 }),
    clock,
    random: createSeededRandom(1),
    telemetry,
    durableEnd: createDurableEnd(),
    lock: null,
  });
}

export function append(log: SegmentLogWriter, body: Uint8Array): Promise<Position> {
  return new Promise((resolve, reject) => {
    log.append(
      body.length,
      (target, at) => target.set(body, at),
      (error, position) => (error === null ? resolve(position) : reject(error)),
    );
  });
}

export function keep(log: SegmentLogWriter, reading: Reading): Promise<Position> {
  return keepReading(log, reading);
}

/** The n-th message: of device `d0`, `d1` or `d2`, one value of series 0, 1 or 2. */
export function readingOf(number: number): Reading {
  const device = `d${number % 3}`;
  const at = startAt + number * minuteMs;
  return {
    kind: 'message',
    door: 'mqtt',
    receivedAt: at,
    device,
    topic: `env/v1/${device}/obs`,
    payload: Buffer.from(`{"ts":${at},"temperature":${number / 10}}`),
  };
}

function rowOf(number: number, position: Position): ObservationRow {
  const { device, receivedAt } = readingOf(number);
  return {
    series: number % 3,
    endAt: receivedAt,
    startAt: receivedAt,
    heightMm: Number.NaN,
    revision: 0,
    current: true,
    type: 'insert',
    cause: 'value',
    result: number / 10,
    verdict: { flag: 1, tests: '1111222222222222', qualifiers: 0, reason: null, rules: '0badc0de' },
    resultAt: Number.NaN,
    receivedAt,
    publishedAt: receivedAt,
    rank: { klass: 1, at: receivedAt, node: 0, position },
    device,
    raw: { name: 'temperature', value: String(number / 10), unit: null, time: String(receivedAt) },
    payloadHash: -1,
    latitude: Number.NaN,
    longitude: Number.NaN,
  };
}

export function batchOf(number: number, position: Position): Batch {
  return {
    publishedAt: startAt + number * minuteMs,
    consumed: position,
    totals: {
      ...noTotals,
      readingsSettled: position,
      measurementsDecoded: position,
      measurementsStored: position,
    },
    registryVersion: 1,
    rows: [rowOf(number, position)],
    quarantined: [],
    control: [],
  };
}

/** A data folder as a server that was stopped leaves it. */
export async function createFolder(messages: number, flushed = messages): Promise<FolderPaths> {
  const paths = pathsIn(temporaryFolder());
  const readings = await openLog(paths.readings, 'readings');
  const observations = await openLog(paths.observations, 'observations');
  for (let number = 0; number < messages; number++) {
    const position = await keep(readings, readingOf(number));
    await append(observations, encodeBatch(batchOf(number, position)));
  }
  await readings.sealed();
  await observations.sealed();
  const store = openStoreWriter({
    path: paths.view,
    config: storeConfig,
    clock,
    telemetry,
    isCircular: () => false,
    storeId: 'store-1',
    logEnd: messages,
  });
  for (let number = 0; number < flushed; number++) {
    store.apply(number + 1, batchOf(number, number + 1));
  }
  while (!store.flushSlice(1_000));
  store.close();
  await readings.close();
  await observations.close();
  createRegistry(paths.registry);
  return paths;
}

function createRegistry(path: string): void {
  const registry = openRegistryWriter(path, { clock, random: createSeededRandom(1) });
  const owner = { id: 'o', name: { vi: 'Sở', en: 'Department' }, kind: 'state' };
  const devices = ['d0', 'd1', 'd2'].map((id) => ({ id, owner: 'o' }));
  registry.importFile({ format: 'quantrac-registry/1', owners: [owner], devices }, 'test');
  registry.close();
}
