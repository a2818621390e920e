import { setImmediate } from 'node:timers/promises';

import { createManualClock, type ManualClock } from '../../../devices/clock-manual.ts';
import { createSeededRandom } from '../../../devices/random.ts';
import {
  createRecordedTelemetry,
  type RecordedTelemetry,
} from '../../../devices/telemetry-silent.ts';
import { logConfigSchema } from '../../log/config.ts';
import { createDurableEnd, type SharedDurableEnd } from '../../log/durable-end.ts';
import { createMemoryFileSystem, type MemoryFileSystem } from '../../log/file-system-memory.ts';
import type { FileSystem } from '../../log/file-system.ts';
import { createKafkaServer, type KafkaServer } from '../../log/kafka/memory.ts';
import type { Producer } from '../../log/kafka/kafka.ts';
import type { LogReader, Position } from '../../log/log.ts';
import { openLogReader, openLogWriter } from '../../log/segment-log.ts';
import type { SegmentLogWriter } from '../../log/segment-writer.ts';
import { keepReading } from '../../reading-codec.ts';
import type { Reading } from '../../reading.ts';
import { recordToReading } from '../reading-record.ts';
import { readingPlace } from '../route.ts';
import { forwardConfigSchema, type ForwardConfig } from './config.ts';
import { createForwardEvents } from './events.ts';
import { openForwarder, type Forwarder, type ForwarderOptions } from './forwarder.ts';
import { beginStart, type StartOptions } from './start.ts';
import { createTestRegistry, type TestRegistry } from './network.fixture.ts';

export const topic = 'readings';
export const topics = { readings: topic, observations: 'observations' };
export const partitions = 4;
export const node = 7;
export const startAt = Date.UTC(2026, 0, 1);

/** What outlives the lives of a node: its disk, the registry, Kafka, and what was acknowledged. */
export interface World {
  readonly disk: MemoryFileSystem;
  readonly registry: TestRegistry;
  readonly server: KafkaServer;
  readonly kept: Map<Position, Reading>;
  open(options?: LifeOptions): Promise<Life>;
}

export interface LifeOptions {
  /** Stands between the process and the disk. */
  readonly fileSystem?: FileSystem;
  readonly producer?: (inner: Producer) => Producer;
  /** Stands between the forwarder and the own log. */
  readonly reader?: (inner: LogReader) => LogReader;
  readonly config?: Partial<ForwardConfig>;
  readonly options?: Partial<ForwarderOptions>;
}

export interface Life {
  readonly clock: ManualClock;
  readonly telemetry: RecordedTelemetry;
  readonly forwarder: Forwarder;
  readonly forwardedEnd: SharedDurableEnd;
  readonly readingsEnd: SharedDurableEnd;
  readonly writer: SegmentLogWriter;
  readonly noted: Position[];
  readonly failures: unknown[];
  keep(reading: Partial<Reading>): Promise<Position>;
  /** Lets time pass until it holds. */
  until(holds: () => boolean): Promise<void>;
  /** Until Kafka has all that was kept. */
  drained(): Promise<void>;
  close(): Promise<void>;
}

export async function openWorld(): Promise<World> {
  const disk = createMemoryFileSystem();
  await disk.makeDirectory('/data');
  await disk.makeDirectory('/data/readings');
  const server = createKafkaServer();
  await server.connect().ensureTopics(
    Object.values(topics).map((each) => ({
      topic: each,
      partitions,
      replicationFactor: 1,
      minInsyncReplicas: 1,
      cleanupPolicy: 'delete',
      retentionMs: -1,
      messageBytesMax: 1_048_576,
    })),
  );
  const shared = { disk, server, registry: createTestRegistry(), kept: new Map() };
  return { ...shared, open: (options = {}) => openLife(shared, options) };
}

type Shared = Omit<World, 'open'>;

/** Nothing of it is closed where opening dies: then it is left lying as a crash leaves it. */
async function openLife(world: Shared, options: LifeOptions): Promise<Life> {
  const clock = createManualClock(startAt);
  const telemetry = createRecordedTelemetry();
  const { fileSystem = world.disk } = options;
  const readingsEnd = createDurableEnd();
  const forwardedEnd = createDurableEnd();
  const noted: Position[] = [];
  const failures: unknown[] = [];
  const log = { fileSystem, directory: '/data/readings', durableEnd: readingsEnd };
  const writer = await openLogWriter({
    ...log,
    clock,
    telemetry,
    name: 'readings',
    random: createSeededRandom(1),
    lock: null,
    config: logConfigSchema.parse({ segmentBytesMax: 4_096, allocateBytesMax: 1_000 }),
  });
  const reader = await openLogReader(log);
  const kafka = world.server.connect();
  const inner = await kafka.openProducer();
  const events = createForwardEvents(telemetry);
  const { signal } = new AbortController();
  const asked = { kafka, topics, node, clock, telemetry, events, signal };
  const endAtStart = await proven({ ...asked, fileSystem, directory: '/data' }, readingsEnd.get());
  const forwarder = await openForwarder({
    node,
    topic,
    partitions,
    readings: options.reader?.(reader) ?? reader,
    readingsEnd,
    endAtStart,
    forwardedEnd,
    producer: options.producer?.(inner) ?? inner,
    registry: world.registry,
    fileSystem,
    directory: '/data',
    clock,
    config: { ...forwardConfigSchema.parse({}), ...options.config },
    events,
    noted: (position) => void noted.push(position),
    freeBytes: async () => 1_000_000,
    failed: (error) => void failures.push(error),
    ...options.options,
  });
  const until = (holds: () => boolean): Promise<void> => passTime(clock, holds);
  return {
    clock,
    telemetry,
    forwarder,
    forwardedEnd,
    readingsEnd,
    writer,
    noted,
    failures,
    until,
    async keep(reading) {
      const whole = { ...aReading, ...reading };
      const position = await keepReading(writer, whole);
      world.kept.set(position, whole);
      return position;
    },
    drained: () => until(() => forwarder.position >= readingsEnd.get()),
    async close() {
      await forwarder.close();
      await reader.close();
      await writer.close();
    },
  };
}

async function proven(options: StartOptions, end: Position): Promise<Position> {
  return (await (await beginStart(options, end)).prove()) ?? 0;
}

const aReading: Reading = {
  kind: 'message',
  door: 'mqtt',
  receivedAt: startAt,
  device: 'device-1',
  topic: 'env/v1/device-1/obs',
  payload: Buffer.from('{"t":21.5}'),
};

const stepMs = 50;
const stepsMax = 5_000;

async function passTime(clock: ManualClock, holds: () => boolean): Promise<void> {
  for (let step = 0; step < stepsMax; step++) {
    if (holds()) return;
    await setImmediate();
    clock.advance(stepMs);
  }
  throw new Error('it never came to hold');
}

/** What stands in the topic, partition by partition. */
export function sentOf(server: KafkaServer) {
  return Array.from({ length: partitions }, (_, partition) =>
    server.records(topic, partition).map((record) => ({
      key: record.key?.toString() ?? null,
      reading: recordToReading(record, readingPlace(record.offset, partition)),
    })),
  );
}
