/**
 * Sending with acks=all, idempotently, over kafkajs' connections; why not by its own producer, see
 * `produce-request.ts`.
 *
 * The batches of each partition carry a sequence (KIP-98). What was not answered, or answered by a
 * server that does not lead the partition any more, is sent again with the same sequence, so that it
 * is stored once. Where that does not help the producer begins anew under another id: what was stored
 * before is then sent again by whoever asked, and records say themselves which of them came before.
 */
import type Cluster from 'kafkajs/src/cluster/index.js';
import type { NodeConnection } from 'kafkajs/src/cluster/index.js';
import protocolErrors from 'kafkajs/src/protocol/error.js';
import produceResponse from 'kafkajs/src/protocol/requests/produce/v7/response.js';
import { sleep, type Clock } from '../../../devices/clock.ts';
import { aheadOf, type ClockSeen } from './clock-difference.ts';
import type { OutgoingRecord, Producer } from './kafka.ts';
import { kafkaErrorOf } from './errors-of.ts';
import {
  createProduceEncoder,
  type EncodeProduce,
  type PartitionBatch,
  type ProducerIdentity,
} from './produce-request.ts';

export interface ProducerParts {
  readonly openCluster: () => Cluster;
  readonly clock: Clock;
  readonly requestTimeoutMs: number;
  readonly clockSeen?: ClockSeen | undefined;
}

interface Session extends ProducerIdentity {
  readonly parts: ProducerParts;
  readonly cluster: Cluster;
  /** By topic and partition: the number of the next record. */
  readonly sequences: Map<string, number>;
  /** Of each server: the bytes of one must stay while another's are made. */
  readonly encoders: Map<string, EncodeProduce>;
}

/** A batch that was not stored, as far as is known. */
interface Failure {
  readonly batch: PartitionBatch;
  readonly error: unknown;
}

const triesMax = 3;
const pauseMs = 100;
/** Sequences are 32 bits and begin again behind the greatest. */
const sequencesMax = 2 ** 31;
const unusedTransactionMs = 60_000;
const produce = { apiKey: 0, apiVersion: 7, apiName: 'Produce', expectResponse: () => true };

/** The server stored it. */
const storedCode = 0;
/** The server has it already, and newer ones behind it. */
const duplicateCode = 46;

export function createProducer(parts: ProducerParts): Producer {
  let session: Session | undefined;

  async function drop(): Promise<void> {
    const old = session;
    session = undefined;
    if (old !== undefined) await leave(old.cluster);
  }

  return {
    async send(records) {
      if (records.length === 0) return;
      try {
        session ??= await openSession(parts, records[0]!.topic);
        await sendAll(session, records);
      } catch (error) {
        await drop();
        throw kafkaErrorOf(error);
      }
    },
    close: drop,
  };
}

async function openSession(parts: ProducerParts, topic: string): Promise<Session> {
  const cluster = parts.openCluster();
  try {
    await cluster.connect();
    await cluster.addMultipleTargetTopics([topic]);
    const connection = await cluster.findControllerBroker();
    const asked = { transactionalId: null, transactionTimeout: unusedTransactionMs };
    const { producerId, producerEpoch } = await connection.initProducerId(asked);
    const identity = { producerId: BigInt(producerId), producerEpoch };
    return { parts, cluster, ...identity, sequences: new Map(), encoders: new Map() };
  } catch (error) {
    await leave(cluster);
    throw error;
  }
}

async function leave(cluster: Cluster): Promise<void> {
  // It is given up: whether it closes in order is of no interest.
  await cluster.disconnect().catch(() => undefined);
}

async function sendAll(session: Session, records: readonly OutgoingRecord[]): Promise<void> {
  const { cluster, sequences, parts } = session;
  const batches = batchesOf(records, sequences);
  await cluster.addMultipleTargetTopics([...new Set(records.map(({ topic }) => topic))]);
  let left: readonly PartitionBatch[] = batches;
  for (let tries = 1; left.length > 0; tries++) {
    await cluster.refreshMetadataIfNecessary();
    const failures = await sendOnce(session, left);
    const hopeless = failures.find(({ error }) => tries === triesMax || !isPassing(error));
    if (hopeless !== undefined) throw hopeless.error;
    left = failures.map(({ batch }) => batch);
    if (left.length === 0) break;
    await sleep(parts.clock, tries * pauseMs);
    await cluster.refreshMetadata();
  }
  for (const { topic, partition, records: sent, firstSequence } of batches) {
    sequences.set(placeOf(topic, partition), (firstSequence + sent.length) % sequencesMax);
  }
}

/** Each partition's records in their order, under the numbers that come next. */
function batchesOf(
  records: readonly OutgoingRecord[],
  sequences: ReadonlyMap<string, number>,
): PartitionBatch[] {
  const byPlace = Map.groupBy(records, ({ topic, partition }) => placeOf(topic, partition));
  return [...byPlace].map(([place, own]) => {
    const { topic, partition } = own[0]!;
    return { topic, partition, records: own, firstSequence: sequences.get(place) ?? 0 };
  });
}

function placeOf(topic: string, partition: number): string {
  return `${partition} ${topic}`;
}

/** One request to each server that leads any of them. */
async function sendOnce(session: Session, batches: readonly PartitionBatch[]): Promise<Failure[]> {
  const byServer = Map.groupBy(batches, ({ topic, partition }) => {
    const [server = ''] = Object.keys(session.cluster.findLeaderForPartitions(topic, [partition]));
    return server;
  });
  const asked = [...byServer].map(async ([server, led]) => {
    try {
      return await askServer(session, server, led);
    } catch (error) {
      forget(session.cluster, error);
      return led.map((batch) => ({ batch, error }));
    }
  });
  return (await Promise.all(asked)).flat();
}

async function askServer(
  session: Session,
  server: string,
  batches: readonly PartitionBatch[],
): Promise<Failure[]> {
  const { cluster, encoders, parts, producerId, producerEpoch } = session;
  const connection: NodeConnection = await cluster.findBroker({ nodeId: server });
  const encode = encoders.get(server) ?? createProduceEncoder();
  encoders.set(server, encode);
  const timeoutMs = parts.requestTimeoutMs;
  const request = { producerId, producerEpoch, batches, timeoutMs, now: parts.clock.now() };
  const { topics } = await connection.connectionPool.send({
    request: {
      ...produce,
      encode: async () => {
        const bytes = encode(request);
        return { buf: bytes, buffer: bytes };
      },
    },
    // What went wrong is said for each partition: it is looked at below, not thrown at once.
    response: { decode: produceResponse.decode, parse: async (answer) => answer },
  });
  const exchange = { askedAt: request.now, answeredAt: parts.clock.now() };
  const codes = new Map<string, number>();
  for (const { topicName, partitions } of topics) {
    for (const { partition, errorCode, logAppendTime } of partitions) {
      codes.set(placeOf(topicName, partition), errorCode);
      const aheadMs = errorCode === storedCode ? aheadOf(logAppendTime, exchange) : undefined;
      if (aheadMs !== undefined) parts.clockSeen?.(aheadMs);
    }
  }
  return batches.flatMap((batch) => {
    const code = codes.get(placeOf(batch.topic, batch.partition)) ?? unknownCode;
    if (code === storedCode || code === duplicateCode) return [];
    return [{ batch, error: protocolErrors.createErrorFromCode(code) }];
  });
}

/** Kafka's own number for what it has no number for. */
const unknownCode = -1;

/** A connection that was lost is made anew, not asked again. */
function forget(cluster: Cluster, error: unknown): void {
  const { name, host, port } = error as { name?: string; host?: string; port?: number };
  if (name !== 'KafkaJSConnectionClosedError') return;
  if (host !== undefined && port !== undefined) cluster.removeBroker({ host, port });
}

/** kafkajs says of each of its errors whether the same request may succeed later. */
function isPassing(error: unknown): boolean {
  return (error as { retriable?: boolean }).retriable === true;
}
