import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../devices/clock.ts';
import { openSystemClock } from '../devices/clock-system.ts';
import { createSeededRandom } from '../devices/random.ts';
import { openRegistryWriter } from '../devices/registry-sqlite.ts';
import type { RegistryWriter } from '../devices/registry.ts';
import { createRecordedTelemetry, type RecordedTelemetry } from '../devices/telemetry-silent.ts';
import { ingestConfigSchema, type IngestConfig } from './config.ts';
import { logConfigSchema } from './log/config.ts';
import { createDurableEnd } from './log/durable-end.ts';
import { openNodeFileSystem } from './log/file-system-node.ts';
import type { LogReader, LogWriter, Position } from './log/log.ts';
import { openLogReader, openLogWriter } from './log/segment-log.ts';
import { openIngest, type Ingest, type IngestOptions } from './main.ts';
import { decodeBatch } from './observations/batch-codec.ts';
import type { Batch } from './observations/batch.ts';
import { appendReading } from './reading-codec.ts';
import type { Reading } from './reading.ts';
import type { StoreWriter } from './store/store.ts';
import { openStoreWriter } from './store/writer.ts';

/** The 1st of January 2026: where the tests' own time begins. */
export const dayAt = Date.UTC(2026, 0, 1);
export const minuteMs = 60_000;

const station = {
  id: 'ha-noi',
  name: { vi: 'Hà Nội', en: 'Ha Noi' },
  owner: 'agency',
  latitude: 21.0285,
  longitude: 105.8542,
  timeZone: 'Asia/Ho_Chi_Minh',
  class: 'regulatory',
};

/** One station of two devices: own JSON with three channels, and a rain gauge without a clock. */
const network = {
  format: 'quantrac-registry/1',
  owners: [{ id: 'agency', name: { vi: 'Sở', en: 'Agency' }, kind: 'state' }],
  stations: [station],
  datastreams: [
    stream('t', 'air-temperature', 'instant'),
    stream('rh', 'relative-humidity', 'instant'),
    stream('pm', 'pm2.5', 'mean'),
    stream('rain', 'rainfall', 'sum'),
    stream('spare', 'rainfall', 'sum'),
  ],
  devices: [
    { id: 'logger', owner: 'agency' },
    { id: 'gauge', owner: 'agency' },
    { id: 'strange', owner: 'agency', codec: 'senml-json' },
  ],
  deployments: [
    deployment('logger', 't', 'ta'),
    deployment('logger', 'rh', 'rh'),
    deployment('logger', 'pm', 'pm'),
    deployment('gauge', 'rain', 'rain'),
  ],
};

function stream(id: string, property: string, aggregation: string) {
  return { id, station: 'ha-noi', property, slug: id, aggregation, intervalMs: 10 * minuteMs };
}

function deployment(device: string, datastream: string, channel: string, more: object = {}) {
  return { device, datastream, channel, from: '2020-01-01T00:00:00Z', ...more };
}

/** What a process holds of the folder: ended by `close`, or left lying as a crash leaves it. */
export interface Life {
  readonly ingest: Ingest;
  readonly store: StoreWriter;
  readonly failures: unknown[];
  readonly trimmed: Position[];
  close(): Promise<void>;
  /** As after `kill -9`: nothing that is begun comes to an end. */
  crash(): void;
}

export interface LifeOptions {
  readonly config?: object;
  /** Stand between ingest and what it is given. */
  readonly wrap?: (options: IngestOptions) => Partial<IngestOptions>;
}

/** A data folder with its two logs and a registry, whose ingest can be opened, killed and reopened. */
export interface Room {
  readonly registry: RegistryWriter;
  readonly telemetry: RecordedTelemetry;
  readonly directory: string;
  append(reading: Partial<Reading>): Promise<Position>;
  /** A message of the logger, own JSON. */
  send(message: object | string, more?: Partial<Reading>): Promise<Position>;
  /** Deploys the channel `extra` of the logger to the datastream `spare`. */
  deployExtra(): void;
  /** A marker for the registry as it is now. */
  mark(): Promise<Position>;
  open(options?: LifeOptions): Promise<Life>;
  batches(): Promise<Batch[]>;
  bodies(): Promise<Buffer[]>;
  removeView(): void;
  remove(): Promise<void>;
}

export async function openRoom(clock: Clock = openSystemClock()): Promise<Room> {
  const directory = mkdtempSync(join(tmpdir(), 'quantrac-ingest-'));
  const telemetry = createRecordedTelemetry();
  const fileSystem = openNodeFileSystem();
  const random = createSeededRandom(1);
  const ends = { readings: createDurableEnd(), observations: createDurableEnd() };
  const openLog = (name: 'readings' | 'observations'): Promise<LogWriter> =>
    openLogWriter({
      ...{ fileSystem, clock, random, telemetry, name, lock: null },
      directory: join(directory, name),
      config: logConfigSchema.parse({}),
      durableEnd: ends[name],
    });
  const openReader = (name: 'readings' | 'observations'): Promise<LogReader> =>
    openLogReader({ fileSystem, directory: join(directory, name), durableEnd: ends[name] });
  const readings = await openLog('readings');
  const observations = await openLog('observations');
  const registry = openRegistryWriter(join(directory, 'registry.db'), { clock, random });
  importAll(network);

  function importAll(content: object): void {
    const imported = registry.importFile(content, 'test');
    if (!imported.ok) throw new Error(JSON.stringify(imported.problems));
  }

  function append(reading: Partial<Reading>): Promise<Position> {
    const whole: Reading = {
      kind: 'message',
      door: 'mqtt',
      receivedAt: clock.now(),
      device: 'logger',
      topic: 'env/v1/logger/obs',
      payload: new Uint8Array(0),
      ...reading,
    };
    return new Promise((resolve, reject) => {
      appendReading(readings, whole, (error, position) =>
        error === null ? resolve(position) : reject(error),
      );
    });
  }

  async function bodies(): Promise<Buffer[]> {
    const reader = await openReader('observations');
    const found: Buffer[] = [];
    for (;;) {
      const records = await reader.read(1_000_000);
      if (records.length === 0) break;
      for (const { body } of records) found.push(Buffer.from(body));
    }
    await reader.close();
    return found;
  }

  async function open({ config = {}, wrap }: LifeOptions = {}): Promise<Life> {
    const parsed: IngestConfig = ingestConfigSchema.parse(config);
    const store = openStoreWriter({
      ...{ clock, telemetry, storeId: 'test', isCircular: () => false },
      path: join(directory, 'view.db'),
      config: parsed.store,
      logEnd: ends.observations.get(),
    });
    const failures: unknown[] = [];
    const trimmed: Position[] = [];
    const life = { isDead: false };
    const options: IngestOptions = {
      ...{ config: parsed, clock, telemetry, registry, store, fileSystem, directory },
      readings: mortalReader(await openReader('readings'), life),
      originals: await openReader('readings'),
      readingsEnd: ends.readings,
      observations: mortal(observations, life),
      ownObservations: await openReader('observations'),
      mayTrimBefore: (position) => trimmed.push(position),
      onFailed: (error) => failures.push(error),
    };
    const ingest = await openIngest({ ...options, ...wrap?.(options) });
    return {
      ...{ ingest, store, failures, trimmed },
      async close() {
        await ingest.close();
        store.close();
      },
      crash: () => void (life.isDead = true),
    };
  }

  return {
    ...{ registry, telemetry, directory, append, bodies, open },
    send: (message, more = {}) =>
      append({
        payload: Buffer.from(typeof message === 'string' ? message : JSON.stringify(message)),
        ...more,
      }),
    deployExtra: () =>
      importAll({
        ...network,
        deployments: [...network.deployments, deployment('logger', 'spare', 'extra')],
      }),
    mark: () =>
      append({
        ...{ kind: 'registry', door: 'internal', device: '', topic: '' },
        payload: Buffer.from(JSON.stringify({ version: registry.current().version })),
      }),
    batches: async () => (await bodies()).map((body, index) => decodeBatch(index + 1, body)),
    removeView() {
      for (const end of ['', '-wal', '-shm'])
        rmSync(join(directory, `view.db${end}`), { force: true });
    },
    async remove() {
      registry.close();
      await readings.close();
      await observations.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Hands appends on until its process is dead; what is then in flight is never answered. */
function mortal(log: LogWriter, life: { readonly isDead: boolean }): LogWriter {
  return {
    get durableEnd() {
      return log.durableEnd;
    },
    get saturated() {
      return log.saturated;
    },
    append(sizeBytes, fill, done) {
      if (life.isDead) return;
      log.append(sizeBytes, fill, (error, position) => {
        if (!life.isDead) done(error, position);
      });
    },
    trimBefore: (position) => log.trimBefore(position),
    close: () => log.close(),
  };
}

/** Gives nothing more to a process that is dead. */
function mortalReader(reader: LogReader, life: { readonly isDead: boolean }): LogReader {
  return {
    get next() {
      return reader.next;
    },
    read: (bytesMax) => (life.isDead ? new Promise(() => undefined) : reader.read(bytesMax)),
    seek: (position) => reader.seek(position),
    skipDamaged: () => reader.skipDamaged(),
    close: () => reader.close(),
  };
}

/** Waits until ingest has settled all readings up to a position. */
export async function settled(life: Life, position: Position): Promise<void> {
  const startMs = performance.now();
  while (life.ingest.stats.consumed < position) {
    if (life.failures.length > 0) throw life.failures[0];
    if (performance.now() - startMs > 10_000) throw new Error(`not settled: ${position}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
