/**
 * Appends batches to a partition of `observations`, each in a transaction with the readings that it
 * passes on. When Kafka does not say what became of one, the end of the partition does: the
 * transactional id is opened anew, which ends whatever was begun under it, and then the batch either
 * is the last one there or it is sent again.
 */
import { sleep, type Clock } from '../../devices/clock.ts';
import { CodedError } from '../../devices/coded-error.ts';
import type { BatchLog } from '../committer.ts';
import type { PassedReading } from '../decide/pending.ts';
import { kafkaError } from '../log/kafka/errors.ts';
import type { Kafka, OutgoingRecord, TransactionalProducer } from '../log/kafka/kafka.ts';
import type { DurableEnd, Position } from '../log/log.ts';
import { lastBatch, type TopicPartition } from './batches.ts';
import type { PartitionEvents } from './partition-events.ts';
import { readingToRecord } from './reading-record.ts';

export interface BatchWriterOptions {
  readonly kafka: Kafka;
  readonly clock: Clock;
  readonly events: PartitionEvents;
  readonly partition: number;
  readonly topics: { readonly readings: string; readonly observations: string };
  /** Of this partition alone: whoever opens it is its writer. */
  readonly transactionalId: string;
  readonly retryMs: number;
}

export interface BatchWriter extends BatchLog {
  /** Of the last committed batch; 0 before the first. */
  readonly durableEnd: DurableEnd;
  /** What is under way is given up: it is found by whoever opens the partition next. */
  close(): Promise<void>;
}

/**
 * Fences whoever wrote here before, and finds the end. Rejects KAFKA_UNREACHABLE or KAFKA_REFUSED; the
 * caller opens again.
 */
export async function openBatchWriter(options: BatchWriterOptions): Promise<BatchWriter> {
  const { kafka, clock, events, partition, topics, transactionalId } = options;
  const place: TopicPartition = { kafka, topic: topics.observations, partition };
  let producer: TransactionalProducer | undefined = await kafka.openTransactions(transactionalId);
  let last = (await lastBatch(place))?.position ?? 0;
  let isClosed = false;

  /** True when the batch is the last one committed; false when it never was. */
  async function wasCommitted(position: Position): Promise<boolean> {
    producer ??= await kafka.openTransactions(transactionalId);
    const found = (await lastBatch(place))?.position ?? 0;
    if (found !== position && found !== last) {
      // Somebody else wrote in between, and thinks as we do that the partition is theirs.
      throw kafkaError('KAFKA_FENCED', { transactionalId, last, found });
    }
    return found === position;
  }

  async function commit(position: Position, records: readonly OutgoingRecord[]): Promise<void> {
    let isDoubtful = producer === undefined;
    while (!isClosed) {
      try {
        if (isDoubtful && (await wasCommitted(position))) return;
        await producer?.commit(records);
        return;
      } catch (error) {
        if (error instanceof CodedError && !error.canRetry) throw error;
        events.commitDoubtful({ partition, position, error });
        isDoubtful = true;
        await drop();
        await sleep(clock, options.retryMs);
      }
    }
    throw kafkaError('KAFKA_FENCED', { transactionalId, reason: 'the partition was given up' });
  }

  async function drop(): Promise<void> {
    const old = producer;
    producer = undefined;
    await old?.close();
  }

  function recordsOf(
    position: Position,
    value: Buffer,
    passed: readonly PassedReading[],
  ): OutgoingRecord[] {
    const headers = { position: String(position) };
    return [
      { topic: topics.observations, partition, key: null, value, headers },
      ...passed.map((each) =>
        readingToRecord(each.reading, {
          topic: topics.readings,
          partition: each.partition,
          key: null,
        }),
      ),
    ];
  }

  return {
    durableEnd: {
      get: () => last,
      waitBeyond: () => Promise.reject(new Error('Only its writer asks for the end')),
    },
    append(sizeBytes, fill, done, passed = []) {
      const value = Buffer.allocUnsafe(sizeBytes);
      fill(value, 0);
      const position = last + 1;
      commit(position, recordsOf(position, value, passed)).then(
        () => {
          last = position;
          done(null, position);
        },
        (error: unknown) => done(error as Error, 0),
      );
    },
    async close() {
      isClosed = true;
      await drop();
    },
  };
}
