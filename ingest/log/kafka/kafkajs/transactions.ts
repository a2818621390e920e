/**
 * Whole transactions under one transactional id. kafkajs calls its transactions experimental: after
 * any error a producer is dropped, never mended, and the caller looks at the end of the partition
 * to see what became of the transaction. What is proved then is Kafka's own rule, that whoever
 * initialises the id later ends what was begun under it and fences whoever began it.
 */
import type { Producer as KafkaJsProducer, Transaction } from 'kafkajs';
import type { KafkaConfig } from '../config.ts';
import { kafkaError } from '../errors.ts';
import type { OutgoingRecord, TransactionalProducer } from '../kafka.ts';
import type { Client } from './client.ts';
import { kafkaErrorOf } from './errors-of.ts';
import { givenPartition, messagesOf } from './producer.ts';

const allReplicas = -1;

export async function openTransactions(
  { kafkajs }: Client,
  config: KafkaConfig,
  transactionalId: string,
): Promise<TransactionalProducer> {
  const producer = kafkajs.producer({
    transactionalId,
    idempotent: false,
    maxInFlightRequests: 1,
    transactionTimeout: config.transactionTimeoutMs,
    allowAutoTopicCreation: false,
    createPartitioner: () => givenPartition,
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
  return {
    async commit(records) {
      if (isSpent) throw kafkaError('KAFKA_OUTCOME_UNKNOWN', { transactionalId });
      try {
        await commitAll(await producer.transaction(), records, config.requestTimeoutMs);
      } catch (error) {
        isSpent = true;
        await disconnect(producer);
        throw kafkaErrorOf(error, { transactionalId }, 'KAFKA_OUTCOME_UNKNOWN');
      }
    },
    close: () => disconnect(producer),
  };
}

async function commitAll(
  transaction: Transaction,
  records: readonly OutgoingRecord[],
  timeout: number,
): Promise<void> {
  await transaction.sendBatch({ topicMessages: messagesOf(records), acks: allReplicas, timeout });
  await transaction.commit();
}

/** That a connection that is given up cannot be closed in order changes nothing. */
async function disconnect(producer: KafkaJsProducer): Promise<void> {
  await producer.disconnect().catch(() => undefined);
}
