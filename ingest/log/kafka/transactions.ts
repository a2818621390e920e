/**
 * Whole transactions under one transactional id. kafkajs calls its transactions experimental: after
 * any error a producer is dropped, never mended, and the caller looks at the end of the partition
 * to see what became of the transaction. What is proved then is Kafka's own rule, that whoever
 * initialises the id later ends what was begun under it and fences whoever began it.
 */
import type { Producer as KafkaJsProducer, Transaction } from 'kafkajs';
import type { Clock } from '../../../devices/clock.ts';
import { aheadOf, type ClockSeen } from './clock-difference.ts';
import type { KafkaConfig } from './config.ts';
import { kafkaError } from './errors.ts';
import type { OutgoingRecord, TransactionalProducer } from './kafka.ts';
import type { Client } from './client.ts';
import { kafkaErrorOf } from './errors-of.ts';
import { givenPartition, messagesOf } from './topic-messages.ts';

const allReplicas = -1;
/** Of a record's headers and key, beside its value. */
const recordOverheadBytes = 500;

export interface TransactionsParts {
  readonly client: Client;
  readonly config: KafkaConfig;
  readonly clock: Clock;
  readonly clockSeen?: ClockSeen | undefined;
}

export async function openTransactions(
  parts: TransactionsParts,
  transactionalId: string,
): Promise<TransactionalProducer> {
  const { client, config } = parts;
  const { kafkajs } = client;
  const producer = kafkajs.producer({
    transactionalId,
    idempotent: false,
    maxInFlightRequests: 1,
    transactionTimeout: config.transactionTimeoutMs,
    allowAutoTopicCreation: false,
    createPartitioner: () => givenPartition,
    // Of one partition at a time (`sendAll`): what is sent again has the number that it had.
    retry: { retries: 5 },
  });
  try {
    await producer.connect();
    // The first transaction initialises the id, which fences; nothing was added, so nothing is ended.
    const first = await producer.transaction();
    await first.abort();
  } catch (error) {
    await disconnect(producer);
    throw kafkaErrorOf(error, { transactionalId });
  }
  let isSpent = false;
  let clockBehindMs: number | undefined;
  const clockSeen = (aheadMs: number): void => {
    clockBehindMs = Math.max(0, -aheadMs);
    parts.clockSeen?.(aheadMs);
  };
  return {
    get clockBehindMs() {
      return clockBehindMs;
    },
    async commit(records, isWanted) {
      if (isSpent) throw kafkaError('KAFKA_OUTCOME_UNKNOWN', { transactionalId });
      try {
        const transaction = await producer.transaction();
        await sendAll(transaction, records, { ...parts, clockSeen });
        if (isWanted?.() === false) {
          // Where this is not answered either, whoever opens the id next ends it.
          await transaction.abort().catch(() => undefined);
          throw kafkaError('KAFKA_LATE', { transactionalId });
        }
        await transaction.commit();
      } catch (error) {
        isSpent = true;
        await disconnect(producer);
        throw kafkaErrorOf(error, { transactionalId }, 'KAFKA_OUTCOME_UNKNOWN');
      }
    },
    close: () => disconnect(producer),
  };
}

/**
 * One partition after another: of a send of several kafkajs sends those again that another server leads
 * by the next try, although they are stored, and numbers them anew.
 */
async function sendAll(
  transaction: Transaction,
  records: readonly OutgoingRecord[],
  { config, clock, clockSeen }: TransactionsParts,
): Promise<void> {
  const { requestTimeoutMs, messageBytesMax } = config;
  for (const ofOne of byPartition(records)) {
    for (const some of slicesOf(ofOne, messageBytesMax / 2)) {
      const topicMessages = messagesOf(some);
      const askedAt = clock.now();
      const [stored] = await transaction.sendBatch({
        topicMessages,
        acks: allReplicas,
        timeout: requestTimeoutMs,
      });
      const aheadMs = aheadOf(stored?.logAppendTime, { askedAt, answeredAt: clock.now() });
      if (aheadMs !== undefined) clockSeen?.(aheadMs);
    }
  }
}

/** In order, each of one partition. */
function byPartition(records: readonly OutgoingRecord[]): Iterable<readonly OutgoingRecord[]> {
  return Map.groupBy(records, ({ topic, partition }) => `${partition} ${topic}`).values();
}

/**
 * In order, each of at most about `bytesMax` (at least one record): what is sent at once to one
 * partition is one batch there, and a topic's bound is that of a batch.
 */
function slicesOf(
  records: readonly OutgoingRecord[],
  bytesMax: number,
): (readonly OutgoingRecord[])[] {
  const slices: OutgoingRecord[][] = [];
  let bytes = Infinity;
  for (const record of records) {
    const size = (record.value?.length ?? 0) + recordOverheadBytes;
    if (bytes + size > bytesMax) {
      slices.push([]);
      bytes = 0;
    }
    slices.at(-1)!.push(record);
    bytes += size;
  }
  return slices;
}

/** That a connection that is given up cannot be closed in order changes nothing. */
async function disconnect(producer: KafkaJsProducer): Promise<void> {
  await producer.disconnect().catch(() => undefined);
}
