/**
 * One partition over days of a clock that is moved by hand, whose worker may lose its folder, and a
 * sink that stores what it is told to; with a horizon or without.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../devices/clock.ts';
import { openSystemClock } from '../../devices/clock-system.ts';
import { createSeededRandom } from '../../devices/random.ts';
import { openRegistryWriter } from '../../devices/registry-sqlite.ts';
import type { RegistryWriter } from '../../devices/registry.ts';
import { createRecordedTelemetry, type RecordedTelemetry } from '../../devices/telemetry-silent.ts';
import { ingestConfigSchema } from '../config.ts';
import { createMemoryFileSystem } from '../log/file-system-memory.ts';
import type { Kafka } from '../log/kafka/kafka.ts';
import { createKafkaServer, type KafkaServer } from '../log/kafka/memory.ts';
import type { Position } from '../log/log.ts';
import { decodeBatch } from '../observations/batch-codec.ts';
import type { Batch } from '../observations/batch.ts';
import type { Reading } from '../reading.ts';
import { historyOf, type HistoryReader } from '../store/history.ts';
import { openStoreWriter, type ViewWriter } from '../store/writer.ts';
import { batchPositionOf } from './batches.ts';
import { metricsOnce } from './metrics-once.ts';
import { createOldRows } from './old-rows.ts';
import { openPartitionEvents } from './partition-events.ts';
import { openPartition, type PartitionWorker } from './partition-worker.ts';
import { readingToRecord } from './reading-record.ts';
import { readingPlace } from './route.ts';

const hurry = 20;
export const dayMs = 86_400_000;
export const hourMs = 3_600_000;
export const beginAt = Date.UTC(2026, 0, 1);

export const config = ingestConfigSchema.parse({
  stretch: { commitIntervalMs: 1 },
  windows: { bytesMax: 65_536, points: 16, lookBackPointsMax: 16 },
  store: { tailAgeMsMax: 1_000, blockPointsMax: 16 },
});

const network = {
  format: 'quantrac-registry/1',
  owners: [{ id: 'agency', name: { vi: 'Sở', en: 'Agency' }, kind: 'state' }],
  stations: [
    {
      id: 'ha-noi',
      name: { vi: 'Hà Nội', en: 'Ha Noi' },
      owner: 'agency',
      latitude: 21,
      longitude: 105.8,
      timeZone: 'Asia/Ho_Chi_Minh',
      class: 'regulatory',
    },
  ],
  datastreams: [stream('t', 'air-temperature'), stream('rh', 'relative-humidity')],
  devices: [{ id: 'logger', owner: 'agency' }],
  deployments: [deployment('t', 'ta'), deployment('rh', 'rh')],
};

function stream(id: string, property: string) {
  const common = { station: 'ha-noi', slug: id, aggregation: 'instant', intervalMs: hourMs };
  return { id, property, ...common };
}

function deployment(datastream: string, channel: string) {
  return { device: 'logger', datastream, channel, from: '2020-01-01T00:00:00Z' };
}

export const topics = { readings: 'readings', observations: 'observations' };
const partition = 0;

export interface HorizonWorld {
  readonly worker: PartitionWorker;
  /** Batches of the partition. */
  readonly batches: readonly Batch[];
  readonly registry: RegistryWriter;
  readonly state: HorizonState;
  readonly stage: Stage;
  send(message: object, more?: Partial<Reading>): Promise<Position>;
  settled(): Promise<void>;
  /** As a new worker that takes the partition over. */
  reopen(forgets: boolean): Promise<void>;
  /** A view of everything, as one machine would have it. */
  whole(): ViewWriter;
  close(): Promise<void>;
}

/** In the hands of the test. */
export interface HorizonState {
  /** Of the clock of all. */
  now: number;
  /** What the sink has stored wholly; more than there is: everything at once. */
  notedMax: Position;
  /** Thrown by whoever is asked what the sink has stored. */
  away: Error | undefined;
  /** Times that it was asked. */
  asked: number;
  /** Days of series that views let go of. */
  forgotten: number;
}

/** What the sink has stored, as far as it is asked. */
export type HorizonHistory = Pick<HistoryReader, 'kept'> & { close(): void };

export interface HorizonWorldOptions {
  /** Absent: the worker keeps everything. */
  readonly lengthMs?: number;
  readonly waitMs?: number;
  /** Between rounds of forgetting; absent: never. */
  readonly forgetEveryMs?: number;
  /** Absent: in memory. Told the batches that it has stored when it is asked. */
  readonly openHistory?: (world: Stage) => HorizonHistory;
}

/** What outlives the workers. */
export interface Stage {
  readonly root: string;
  readonly server: KafkaServer;
  readonly kafka: Kafka;
  readonly state: HorizonState;
  readonly clock: Clock;
  readonly telemetry: RecordedTelemetry;
  readonly registry: RegistryWriter;
  failure: unknown;
}

export async function openHorizonWorld(options: HorizonWorldOptions): Promise<HorizonWorld> {
  const stage = await openStage();
  const { root, state, registry } = stage;
  const history = (options.openHistory ?? openSink)(stage);
  const sender = await openSender(stage);
  let folder = mkdtempSync(join(root, 'node-'));
  let worker = await openWorker(stage, folder, { options, history });
  return {
    registry,
    state,
    stage,
    send: (message, more) => sender.send(message, more),
    get worker() {
      return worker;
    },
    get batches() {
      return batchesOf(stage);
    },
    async settled() {
      const startMs = performance.now();
      while (worker.ingest.stats.consumed < sender.last) {
        if (performance.now() - startMs > 60_000) throw stage.failure ?? new Error('not settled');
        await new Promise((resolve) => void setImmediate(resolve));
      }
    },
    async reopen(forgets) {
      await worker.close();
      if (forgets) folder = mkdtempSync(join(root, 'node-'));
      worker = await openWorker(stage, folder, { options, history });
    },
    whole() {
      const whole = openWhole(stage);
      for (const [at, batch] of batchesOf(stage).entries()) whole.apply(at + 1, batch);
      return whole;
    },
    async close() {
      await worker.close();
      history.close();
      registry.close();
      rmSync(root, { recursive: true, force: true });
    },
  };
}

async function openStage(): Promise<Stage> {
  const root = mkdtempSync(join(tmpdir(), 'quantrac-horizon-'));
  const server = createKafkaServer();
  const kafka = server.connect();
  await kafka.ensureTopics(Object.values(topics).map((topic) => specificationOf(topic)));
  const state: HorizonState = {
    now: beginAt,
    notedMax: Infinity,
    away: undefined,
    asked: 0,
    forgotten: 0,
  };
  const system = openSystemClock();
  const clock: Clock = {
    now: () => state.now,
    // So that views are flushed while a test runs.
    monotonicMs: () => hurry * system.monotonicMs(),
    schedule: (delayMs, run) => system.schedule(delayMs, run),
  };
  const recorded = createRecordedTelemetry();
  const telemetry = { ...recorded, metrics: metricsOnce(recorded.metrics) };
  const random = createSeededRandom(1);
  const registry = openRegistryWriter(join(root, 'registry.db'), { clock, random });
  const imported = registry.importFile(network, 'test');
  if (!imported.ok) throw new Error(JSON.stringify(imported.problems));
  return { root, server, kafka, state, clock, telemetry, registry, failure: undefined };
}

export function batchesOf({ server }: Pick<Stage, 'server'>): Batch[] {
  return server
    .records(topics.observations, partition)
    .map((record) => decodeBatch(batchPositionOf(record), record.value!));
}

function openWhole({ root, clock, telemetry }: Stage): ViewWriter {
  const path = join(mkdtempSync(join(root, 'whole-')), 'view.db');
  const shared = { clock, telemetry, isCircular: () => false, storeId: 'whole' };
  return openStoreWriter({ ...shared, path, config: config.store, logEnd: 0 });
}

/** A sink that has stored what it was told to when it is asked, and never less than before. */
function openSink(stage: Stage): HorizonHistory {
  const stored = openWhole(stage);
  return {
    kept(query) {
      for (const [at, batch] of batchesOf(stage).entries()) {
        if (at < stage.state.notedMax) stored.apply(at + 1, batch);
      }
      return historyOf(stored).kept(query);
    },
    close: () => stored.close(),
  };
}

async function openSender({ kafka, state, registry }: Stage) {
  const producer = await kafka.openProducer();
  let sent = 0;
  async function send(message: object, more: Partial<Reading> = {}): Promise<Position> {
    sent++;
    const reading: Reading = {
      kind: 'message',
      door: 'mqtt',
      receivedAt: state.now,
      device: 'logger',
      topic: 'env/v1/logger/obs',
      payload: Buffer.from(JSON.stringify(message)),
      origin: { node: 1, position: sent, sequence: sent },
      ...more,
    };
    await producer.send([
      readingToRecord(reading, { topic: topics.readings, partition, key: null }),
    ]);
    return readingPlace(sent - 1, partition);
  }
  await send({ version: registry.current().version }, { kind: 'registry', door: 'internal' });
  return {
    send,
    get last() {
      return readingPlace(sent - 1, partition);
    },
  };
}

interface WorkerParts {
  readonly options: HorizonWorldOptions;
  readonly history: HorizonHistory;
}

async function openWorker(
  stage: Stage,
  directory: string,
  { options, history }: WorkerParts,
): Promise<PartitionWorker> {
  const { kafka, clock, telemetry, registry, state } = stage;
  const { lengthMs, waitMs = 2_000 } = options;
  const notedPosition = async (): Promise<Position> => {
    state.asked++;
    if (state.away !== undefined) throw state.away;
    return Math.min(state.notedMax, batchesOf(stage).length);
  };
  const oldRows = createOldRows({ history, notedPosition, waitMs });
  const fileSystem = createMemoryFileSystem();
  await fileSystem.makeDirectory(directory);
  return openPartition({
    kafka,
    clock,
    settleMs: 5_000,
    telemetry,
    events: {
      ...openPartitionEvents(telemetry),
      forgotten: ({ days }) => void (state.forgotten += days),
    },
    registry,
    untilRegistry: () => undefined,
    config,
    partition,
    partitions: 1,
    topics,
    transactionalId: 'observations-0',
    storeId: 'horizon',
    fileSystem,
    directory,
    isCircular: () => false,
    horizon:
      lengthMs === undefined
        ? undefined
        : { lengthMs, notedPosition, oldRows, forgetEveryMs: options.forgetEveryMs ?? 1e9 },
    signal: new AbortController().signal,
    onEnded: (error) => void (stage.failure = error),
  });
}

function specificationOf(topic: string) {
  const replicas = { replicationFactor: 1, minInsyncReplicas: 1 };
  const kept = { cleanupPolicy: 'delete', retentionMs: -1, messageBytesMax: 1_048_576 } as const;
  return { topic, partitions: 1, ...replicas, ...kept };
}
