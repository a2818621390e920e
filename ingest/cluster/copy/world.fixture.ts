/**
 * The topic `observations` of some partitions, with batches made by hand, and a node that copies it: for
 * what Kafka may hold and must not.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sleep, type Clock } from '../../../devices/clock.ts';
import { openSystemClock } from '../../../devices/clock-system.ts';
import { createSeededRandom } from '../../../devices/random.ts';
import { openRegistryWriter } from '../../../devices/registry-sqlite.ts';
import {
  createRecordedTelemetry,
  type RecordedTelemetry,
} from '../../../devices/telemetry-silent.ts';
import { ingestConfigSchema } from '../../config.ts';
import { kafkaError } from '../../log/kafka/errors.ts';
import type { Kafka, PartitionReader } from '../../log/kafka/kafka.ts';
import { createKafkaServer, type KafkaServer } from '../../log/kafka/memory.ts';
import type { Position } from '../../log/log.ts';
import { encodeBatch } from '../../observations/batch-codec.ts';
import { noTotals } from '../../observations/batch.ts';
import { copyFolder, openCopyNode, type CopyNode } from './node.fixture.ts';
import { metricsOnce } from '../metrics-once.ts';
import type { Past } from '../past.ts';

const topic = 'observations';
const hurry = 20;
const config = ingestConfigSchema.parse({});
/** The first batch is published a moment later; the node's horizon lies days behind. */
const beginAt = Date.UTC(2026, 0, 1);
const nowAt = beginAt + 10 * 86_400_000;

/** What a server of Kafka holds. */
export interface History {
  /** A batch as a worker writes it; `mark` makes its bytes another's. */
  publish(partition: number, position: Position, mark?: number): Promise<void>;
  /** Whatever somebody writes. */
  write(partition: number, value: Buffer, headers?: Record<string, string>): Promise<void>;
}

export interface CopyWorld {
  readonly telemetry: RecordedTelemetry;
  readonly history: History;
  /** Told of what ended the node. */
  readonly failures: readonly unknown[];
  /** The next read of the partition rejects with it. */
  breakRead(partition: number, error: Error): void;
  /** Kafka answers nothing, until the answer is called. */
  leave(): () => void;
  /** From now on Kafka holds what `write` writes and nothing else, and all who read hear of it. */
  begin(write: (history: History) => Promise<void>): Promise<void>;
  /** A node on a folder: a new one, where none is given. `past`: what it need not hold. */
  open(folder?: string, past?: Past): Promise<CopyNode>;
  /** Waits for something; rejects with what ended the node, or when it takes too long. */
  until(isThere: () => boolean): Promise<void>;
  close(): Promise<void>;
}

export async function openCopyWorld(partitions: number): Promise<CopyWorld> {
  const root = mkdtempSync(join(tmpdir(), 'quantrac-copy-'));
  const clock = openHurryingClock();
  openRegistryWriter(join(root, 'registry.db'), { clock, random: createSeededRandom(1) }).close();
  const recorded = createRecordedTelemetry();
  const telemetry = { ...recorded, metrics: metricsOnce(recorded.metrics) };
  let server = await openServer(partitions);
  let history = historyOf(server);
  const breaks = new Map<number, Error>();
  const failures: unknown[] = [];
  let isAway = false;
  const kafka: Kafka = {
    ...server.connect(),
    async ends(name) {
      if (isAway) throw kafkaError('KAFKA_UNREACHABLE', { name });
      return server.connect().ends(name);
    },
    openReader: (name, partition, offset) =>
      breaking(server.connect().openReader(name, partition, offset), () => {
        const error = breaks.get(partition);
        breaks.delete(partition);
        return error;
      }),
  };
  return {
    telemetry,
    failures,
    get history() {
      return history;
    },
    breakRead: (partition, error) => void breaks.set(partition, error),
    leave() {
      isAway = true;
      return () => void (isAway = false);
    },
    async begin(write) {
      const before = server;
      const now = await openServer(partitions);
      await write(historyOf(now));
      server = now;
      history = historyOf(now);
      before.faults.read = () => 'before';
      // So that those who wait look again.
      for (let partition = 0; partition < partitions; partition++) {
        await historyOf(before).write(partition, Buffer.alloc(1));
      }
    },
    open: (folder = copyFolder(root), past) => {
      const fail = (error: unknown): void => void failures.push(error);
      const shared = { root, kafka, partitions, clock, telemetry, config };
      return openCopyNode({ ...shared, folder, past, fail });
    },
    async until(isThere) {
      const startMs = performance.now();
      while (!isThere()) {
        if (failures.length > 0) throw failures[0];
        if (performance.now() - startMs > 60_000) throw new Error('it never came to that');
        await sleep(clock, 5);
      }
    },
    close: async () => rmSync(root, { recursive: true, force: true }),
  };
}

function openHurryingClock(): Clock {
  const system = openSystemClock();
  return {
    now: () => nowAt,
    monotonicMs: () => hurry * system.monotonicMs(),
    schedule: (delayMs, run) => system.schedule(delayMs / hurry, run),
  };
}

async function openServer(partitions: number): Promise<KafkaServer> {
  const server = createKafkaServer();
  const replicas = { replicationFactor: 1, minInsyncReplicas: 1 };
  const kept = { cleanupPolicy: 'delete', retentionMs: -1, messageBytesMax: 1_048_576 } as const;
  await server.connect().ensureTopics([{ topic, partitions, ...replicas, ...kept }]);
  return server;
}

function historyOf(server: KafkaServer): History {
  const kafka = server.connect();
  async function write(
    partition: number,
    value: Buffer,
    headers: Record<string, string> = {},
  ): Promise<void> {
    const writer = await kafka.openTransactions(`observations-${partition}`);
    await writer.commit([{ topic, partition, key: null, value, headers }]);
  }
  return {
    write,
    publish: (partition, position, mark = 0) =>
      write(partition, batchOf(position, mark), { position: String(position) }),
  };
}

function batchOf(position: Position, mark: number): Buffer {
  const bytes = encodeBatch({
    publishedAt: beginAt + position,
    consumed: 2 * position + mark,
    registryVersion: 0,
    totals: { ...noTotals, readingsSettled: 2 * position + mark },
    rows: [],
    quarantined: [],
    control: [],
    sources: [],
  });
  return Buffer.from(bytes);
}

function breaking(reader: PartitionReader, fault: () => Error | undefined): PartitionReader {
  return {
    get next() {
      return reader.next;
    },
    get end() {
      return reader.end;
    },
    get levelAt() {
      return reader.levelAt;
    },
    async read(bytesMax) {
      const error = fault();
      if (error !== undefined) throw error;
      return reader.read(bytesMax);
    },
    wait: (signal) => reader.wait(signal),
    seek: (offset) => reader.seek(offset),
    close: () => reader.close(),
  };
}
