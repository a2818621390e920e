/**
 * A cluster as far as ingest sees it: broker nodes that send, worker nodes that decide, a registry that
 * changes, and Kafka, real or in memory, which lies as much as it is told to.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../../devices/clock.ts';
import { createSeededRandom } from '../../../devices/random.ts';
import { openRegistryWriter } from '../../../devices/registry-sqlite.ts';
import type { RegistryWriter } from '../../../devices/registry.ts';
import type { Kafka, KafkaRecord, OutgoingRecord } from '../../log/kafka/kafka.ts';
import type { Reading } from '../../reading.ts';
import { decodeBatch } from '../../observations/batch-codec.ts';
import { lastBatch } from '../batches.ts';
import { readingPlace } from '../route.ts';
import { registryMarkers } from '../registry/markers.ts';
import { openBrokerNode, type BrokerNode } from './broker-node.fixture.ts';
import type { Weather } from './lies.fixture.ts';
import { networkAfter, partitions } from './network.fixture.ts';
import { openWorkerNode, type ClusterNames, type WorkerNode } from './worker-node.fixture.ts';

/** Where the cluster is: the same storm runs over Kafka in memory and over a real one. */
export interface Ground {
  readonly clock: Clock;
  connect(): Kafka;
  /** Lets so much time pass, and run what it wakes. */
  pass(ms: number): Promise<void>;
  /** A name that no other run has used. */
  readonly name: string;
}

export interface World {
  readonly ground: Ground;
  readonly names: ClusterNames;
  readonly registry: RegistryWriter;
  readonly weather: Weather;
  readonly brokers: readonly BrokerNode[];
  readonly workers: readonly WorkerNode[];
  /**
   * Whether a device says when its results came to be. Where none does, which of two equal values
   * counts is a question of their order.
   */
  readonly isDated: (device: string) => boolean;
  /** A number in [0, 1), of the seed. */
  readonly next: () => number;
  /** Versions of the registry that were marked. */
  readonly versions: readonly number[];
  /** Changes the registry and marks the new version in all partitions. */
  changeRegistry(): Promise<void>;
  /** Writes a record that no node wrote. */
  writeForeign(partition: number, headers: Readonly<Record<string, string>>): Promise<void>;
  /** Everything that stands in a partition. */
  records(topic: 'readings' | 'observations', partition: number): Promise<KafkaRecord[]>;
  /** Whether the last batch of a partition has consumed the last reading there. */
  isConsumed(partition: number): Promise<boolean>;
  /** Lets time pass until it resolves. */
  readonly until: <Result>(work: Promise<Result>) => Promise<Result>;
  remove(): Promise<void>;
}

export interface WorldOptions {
  readonly seed: number;
  readonly isDated: World['isDated'];
  readonly brokers?: number;
  readonly workers?: number;
}

const workersStandard = 3;
const brokersStandard = 2;
const startAt = Date.UTC(2026, 0, 2);

export async function openWorld(ground: Ground, options: WorldOptions): Promise<World> {
  const random = createSeededRandom(options.seed);
  const next = (): number => random.next();
  const names: ClusterNames = {
    topics: { readings: `${ground.name}-readings`, observations: `${ground.name}-observations` },
    transactionalId: (partition) => `${ground.name}-observations-${partition}`,
  };
  const kafka = ground.connect();
  await ensureTopics(kafka, names);
  const root = mkdtempSync(join(tmpdir(), 'quantrac-storm-'));
  const registry = openRegistryWriter(join(root, 'registry.db'), { clock: ground.clock, random });
  const weather: Weather = { commits: 0, reads: 0, opens: 0 };
  const versions: number[] = [];
  const until = createUntil(ground);
  const markers = await kafka.openTransactions(`${ground.name}-registry`);

  async function changeRegistry(): Promise<void> {
    const imported = registry.importFile(networkAfter(versions.length), 'storm');
    if (!imported.ok) throw new Error(JSON.stringify(imported.problems));
    const { version } = imported;
    const receivedAt = startAt + version;
    await markers.commit(
      registryMarkers({ topic: names.topics.readings, partitions }, { version, receivedAt }),
    );
    versions.push(version);
  }

  await changeRegistry();
  const brokers: BrokerNode[] = [];
  for (let number = 1; number <= (options.brokers ?? brokersStandard); number++) {
    brokers.push(await openBrokerNode(kafka, names.topics.readings, number));
  }
  const workers: WorkerNode[] = [];
  for (let number = 1; number <= (options.workers ?? workersStandard); number++) {
    const lies = { weather, next };
    const connect = () => ground.connect();
    const { clock } = ground;
    const worker = await openWorkerNode({ number, root, clock, connect, names, registry, lies });
    worker.registryVersion = versions[0]!;
    workers.push(worker);
  }

  return {
    ground,
    names,
    registry,
    weather,
    isDated: options.isDated,
    brokers,
    workers,
    next,
    versions,
    changeRegistry,
    writeForeign: (partition, headers) => writeForeign(kafka, names, { partition, headers }),
    isConsumed: (partition) => isConsumed(kafka, names, partition),
    records: (topic, partition) => recordsOf(kafka, names.topics[topic], partition),
    until,
    async remove() {
      for (const worker of workers) await until(Promise.all([worker.close(), worker.bury()]));
      await markers.close();
      await kafka.close();
      registry.close();
      rmSync(root, { recursive: true, force: true });
    },
  };
}

function ensureTopics(kafka: Kafka, { topics }: ClusterNames): Promise<void> {
  return kafka.ensureTopics(
    Object.values(topics).map((topic) => ({
      topic,
      partitions,
      replicationFactor: 1,
      minInsyncReplicas: 1,
      cleanupPolicy: 'delete',
      retentionMs: -1,
      messageBytesMax: 1_048_576,
    })),
  );
}

async function writeForeign(
  kafka: Kafka,
  { topics }: ClusterNames,
  record: Pick<OutgoingRecord, 'partition' | 'headers'>,
): Promise<void> {
  const producer = await kafka.openProducer();
  const value = Buffer.from('written by another program');
  await producer.send([{ ...record, topic: topics.readings, key: null, value }]);
  await producer.close();
}

async function isConsumed(
  kafka: Kafka,
  { topics }: ClusterNames,
  partition: number,
): Promise<boolean> {
  const last = await lastBatch({ kafka, topic: topics.observations, partition });
  const consumed = last === undefined ? 0 : decodeBatch(last.position, last.value).consumed;
  return consumed >= readingPlace(await lastOffset(kafka, topics.readings, partition), partition);
}

/** Of the last record that is visible; -1 where there is none. */
async function lastOffset(kafka: Kafka, topic: string, partition: number): Promise<number> {
  return (await recordsOf(kafka, topic, partition)).at(-1)?.offset ?? -1;
}

async function recordsOf(kafka: Kafka, topic: string, partition: number): Promise<KafkaRecord[]> {
  const { start, end } = (await kafka.ends(topic))[partition]!;
  const reader = kafka.openReader(topic, partition, start);
  const found: KafkaRecord[] = [];
  while (reader.next < end) {
    found.push(...(await reader.read(1_048_576)));
    if (reader.next < end) await reader.wait();
  }
  reader.close();
  return found;
}

/** Of the ground's own time. */
const patienceMs = 120_000;
const stepMs = 25;

function createUntil(ground: Ground): World['until'] {
  return async (work) => {
    let isOver = false;
    const settle = (): void => void (isOver = true);
    const settled = work.then(settle, settle);
    for (let passedMs = 0; !isOver; passedMs += stepMs) {
      if (passedMs > patienceMs) throw new Error('it never came to an end');
      await Promise.race([settled, ground.pass(stepMs)]);
    }
    return work;
  };
}

export type SentReading = Omit<Reading, 'origin'>;
