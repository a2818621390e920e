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
import { createDurableEnd, type SharedDurableEnd } from './log/durable-end.ts';
import type { FileSystem } from './log/file-system.ts';
import { openNodeFileSystem } from './log/file-system-node.ts';
import type { LogReader, LogWriter, Position } from './log/log.ts';
import { openLogReader, openLogWriter } from './log/segment-log.ts';
import type { SegmentLogWriter } from './log/segment-writer.ts';
import { openIngest, type Ingest, type IngestOptions } from './main.ts';
import type { ObservationRow } from './observation.ts';
import { keepReading, blankReading, decodeReading } from './reading-codec.ts';
import type { Reading } from './reading.ts';
import type { StoreWriter } from './store/store.ts';
import { openStoreWriter } from './store/writer.ts';

/** The 1st of January 2026: where the tests' own time begins. */
const dayAt = Date.UTC(2026, 0, 1);
const minuteMs = 60_000;

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
  /** What it takes to follow the observations. */
  readonly following: {
    readonly clock: Clock;
    readonly durableEnd: SharedDurableEnd;
    readonly openReader: () => Promise<LogReader>;
  };
  /** Durable ends of both logs. */
  ends(): { readonly readings: Position; readonly observations: Position };
  /** Leaves nothing of these readings, as an erasure does. */
  blank(positions: readonly Position[]): Promise<number>;
  /** The records of `observations`. */
  bodies(): Promise<Buffer[]>;
  removeView(): void;
  remove(): Promise<void>;
}

/** The folder's owners, who outlive the processes of a test. */
interface Folder {
  readonly directory: string;
  readonly clock: Clock;
  readonly telemetry: RecordedTelemetry;
  readonly fileSystem: FileSystem;
  readonly ends: { readonly readings: SharedDurableEnd; readonly observations: SharedDurableEnd };
  readonly readings: SegmentLogWriter;
  readonly observations: LogWriter;
  readonly registry: RegistryWriter;
}

export async function openRoom(clock: Clock = openSystemClock()): Promise<Room> {
  const folder = await openFolder(clock);
  const { directory, registry, telemetry, readings, observations } = folder;
  importInto(registry, network);
  const append = (reading: Partial<Reading>): Promise<Position> => appendTo(folder, reading);
  return {
    registry,
    telemetry,
    directory,
    append,
    following: {
      clock,
      durableEnd: folder.ends.observations,
      openReader: () => readerOf(folder, 'observations'),
    },
    ends: () => ({
      readings: folder.ends.readings.get(),
      observations: folder.ends.observations.get(),
    }),
    blank: (positions) => blankIn(folder, positions),
    bodies: () => bodiesOf(folder),
    open: (options) => openLife(folder, options ?? {}),
    send: (message, more = {}) =>
      append({
        payload: Buffer.from(typeof message === 'string' ? message : JSON.stringify(message)),
        ...more,
      }),
    deployExtra() {
      const extra = deployment('logger', 'spare', 'extra');
      importInto(registry, { ...network, deployments: [...network.deployments, extra] });
    },
    mark: () =>
      append({
        kind: 'registry',
        door: 'internal',
        device: '',
        topic: '',
        payload: Buffer.from(JSON.stringify({ version: registry.current().version })),
      }),
    removeView() {
      for (const end of ['', '-wal', '-shm']) {
        rmSync(join(directory, `view.db${end}`), { force: true });
      }
    },
    async remove() {
      registry.close();
      await readings.close();
      await observations.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function blankIn({ readings }: Folder, positions: readonly Position[]): Promise<number> {
  return readings.rewrite({
    positions: new Set(positions),
    reason: 'test',
    replace: ({ position, body }) => blankReading(decodeReading(position, body)),
  });
}

function importInto(registry: RegistryWriter, content: object): void {
  const imported = registry.importFile(content, 'test');
  if (!imported.ok) throw new Error(JSON.stringify(imported.problems));
}

async function openFolder(clock: Clock): Promise<Folder> {
  const directory = mkdtempSync(join(tmpdir(), 'quantrac-ingest-'));
  const telemetry = createRecordedTelemetry();
  const fileSystem = openNodeFileSystem();
  const random = createSeededRandom(1);
  const ends = { readings: createDurableEnd(), observations: createDurableEnd() };
  const openLog = (name: 'readings' | 'observations'): Promise<SegmentLogWriter> =>
    openLogWriter({
      fileSystem,
      clock,
      random,
      telemetry,
      name,
      lock: null,
      directory: join(directory, name),
      config: logConfigSchema.parse({}),
      durableEnd: ends[name],
    });
  return {
    directory,
    clock,
    telemetry,
    fileSystem,
    ends,
    readings: await openLog('readings'),
    observations: await openLog('observations'),
    registry: openRegistryWriter(join(directory, 'registry.db'), { clock, random }),
  };
}

function readerOf(folder: Folder, name: 'readings' | 'observations'): Promise<LogReader> {
  const { fileSystem, directory, ends } = folder;
  return openLogReader({ fileSystem, directory: join(directory, name), durableEnd: ends[name] });
}

function appendTo({ clock, readings }: Folder, reading: Partial<Reading>): Promise<Position> {
  const whole: Reading = {
    kind: 'message',
    door: 'mqtt',
    receivedAt: clock.now(),
    device: 'logger',
    topic: 'env/v1/logger/obs',
    payload: new Uint8Array(0),
    ...reading,
  };
  return keepReading(readings, whole);
}

async function bodiesOf(folder: Folder): Promise<Buffer[]> {
  const reader = await readerOf(folder, 'observations');
  const found: Buffer[] = [];
  for (;;) {
    const records = await reader.read(1_000_000);
    if (records.length === 0) break;
    for (const { body } of records) found.push(Buffer.from(body));
  }
  await reader.close();
  return found;
}

async function openLife(folder: Folder, { config = {}, wrap }: LifeOptions): Promise<Life> {
  const { clock, telemetry, directory, fileSystem, registry, ends } = folder;
  const parsed: IngestConfig = ingestConfigSchema.parse(config);
  const store = openStoreWriter({
    clock,
    telemetry,
    storeId: 'test',
    isCircular: () => false,
    path: join(directory, 'view.db'),
    config: parsed.store,
    logEnd: ends.observations.get(),
  });
  const failures: unknown[] = [];
  const trimmed: Position[] = [];
  const life = { isDead: false };
  const options: IngestOptions = {
    config: parsed,
    clock,
    telemetry,
    registry,
    store,
    fileSystem,
    directory,
    readings: mortalReader(await readerOf(folder, 'readings'), life),
    originals: await readerOf(folder, 'readings'),
    readingsEnd: ends.readings,
    observations: mortal(folder.observations, life),
    ownObservations: await readerOf(folder, 'observations'),
    mayTrimBefore: (position) => trimmed.push(position),
    onFailed: (error) => failures.push(error),
  };
  const ingest = await openIngest({ ...options, ...wrap?.(options) });
  return {
    ingest,
    store,
    failures,
    trimmed,
    async close() {
      await ingest.close();
      store.close();
    },
    crash: () => void (life.isDead = true),
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
    if (performance.now() - startMs > 60_000) throw new Error(`not settled: ${position}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Current rows of a datastream, by their end. */
export function rowsOf(room: Room, store: StoreWriter, datastream: string): ObservationRow[] {
  const series = room.registry.current().datastreams.get(datastream)?.series ?? -1;
  const query = { series, fromAt: 0, toAt: everAt, order: 'asc', limit: 100_000 } as const;
  return [...store.range(query)];
}

const everAt = 8e15;

/** An instant of the day, in minutes from its beginning. */
export function at(minutes: number): number {
  return dayAt + minutes * minuteMs;
}

/** So many messages of the logger, ten minutes apart; gives the last position. */
export async function sendSteps(room: Room, count: number, from = 0): Promise<Position> {
  let position = 0;
  for (let step = from; step < from + count; step++) {
    const values = { ta: 20 + (step % 5) / 10, rh: 60 + (step % 7) };
    position = await room.send({ ts: at(step * 10), ...values });
  }
  return position;
}

/** What the two laws leave over: nothing (interfaces.md §7). */
export function imbalance({ totals, consumed }: StoreWriter): readonly [number, number] {
  const ended = totals.readingsSettled + totals.readingsQuarantined + totals.readingsControl;
  const kept =
    totals.measurementsStored +
    totals.measurementsDuplicate +
    totals.measurementsRevision +
    totals.measurementsQuarantined;
  return [consumed - ended, totals.measurementsDecoded - kept];
}
