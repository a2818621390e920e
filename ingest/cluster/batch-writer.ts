/**
 * Appends batches to a partition of `observations`, each in a transaction with the readings that it
 * passes on. When Kafka does not say what became of one, the end of the partition does: the
 * transactional id is opened anew, which ends whatever was begun under it, and then the batch either
 * is the last one there, byte for byte, or it is sent again behind the one before it. Another batch
 * under its number is another worker's, and ends this one. A batch says when it was published, and is
 * never committed long after that: nodes that had all that Kafka held then have told of that moment.
 */
import { sleep, type Clock } from '../../devices/clock.ts';
import { CodedError } from '../../devices/coded-error.ts';
import type { BatchLog } from '../committer.ts';
import type { PassedReading } from '../decide/pending.ts';
import { kafkaError } from '../log/kafka/errors.ts';
import type { Kafka, OutgoingRecord, TransactionalProducer } from '../log/kafka/kafka.ts';
import type { DurableEnd, Position } from '../log/log.ts';
import { lastBatch, type BatchPlaceInTopic, type TopicPartition } from './batches.ts';
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
  /** A batch is committed within so long of its `append`, or rejected with KAFKA_LATE and nowhere. */
  readonly settleMs: number;
}

export interface BatchWriter extends BatchLog {
  /** The last batch when the writer was opened. */
  readonly found: BatchPlaceInTopic | undefined;
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
  const { partition, topics } = options;
  const commits = await openCommits(options);
  return {
    found: commits.found,
    durableEnd: {
      get: () => commits.last,
      waitBeyond: () => Promise.reject(new Error('Only its writer asks for the end')),
    },
    append(sizeBytes, fill, done, passed = []) {
      const value = Buffer.allocUnsafe(sizeBytes);
      fill(value, 0);
      const position = commits.last + 1;
      const { clockBehindMs } = commits;
      const untilMs = options.clock.monotonicMs() + options.settleMs;
      const batch: OutgoingRecord = {
        topic: topics.observations,
        partition,
        key: null,
        value,
        headers: { position: String(position) },
      };
      const others = passed.map((each) => recordOfPassed(each, topics.readings));
      const records = [batch, ...others];
      const offered = { position, value, records, untilMs, clockBehindMs };
      void tell(commits.commit(offered), position, done);
    },
    get clockBehindMs() {
      return commits.clockBehindMs;
    },
    close: () => commits.close(),
  };
}

function recordOfPassed({ partition, reading }: PassedReading, topic: string): OutgoingRecord {
  return readingToRecord(reading, { topic, partition, key: null });
}

async function tell(
  committed: Promise<void>,
  position: Position,
  done: (error: Error | null, position: Position) => void,
): Promise<void> {
  let failure: Error | null = null;
  try {
    await committed;
  } catch (error) {
    failure = error as Error;
  }
  done(failure, failure === null ? position : 0);
}

interface Offered {
  readonly position: Position;
  readonly value: Buffer;
  /** The batch, and the readings that it passes on. */
  readonly records: readonly OutgoingRecord[];
  /** Monotonic: later it is not committed. */
  readonly untilMs: number;
  /** By how much it was known that our clock is behind when the batch was made. */
  readonly clockBehindMs: number;
}

/** True when the batch is the last one committed; false when it never was. */
function wasCommitted(
  { position, value }: Offered,
  now: BatchPlaceInTopic | undefined,
  last: Position,
): boolean {
  if (now?.position === position && now.value.equals(value)) return true;
  // Somebody else wrote in between, and thinks as we do that the partition is theirs.
  const found = now?.position ?? 0;
  if (found !== last) throw kafkaError('KAFKA_FENCED', { last, found });
  return false;
}

interface Commits {
  readonly found: BatchPlaceInTopic | undefined;
  /** Of the last committed batch. */
  readonly last: Position;
  /** As of `TransactionalProducer`, the last that committed. */
  readonly clockBehindMs: number;
  /**
   * Resolves once it is committed, however often that took; rejects what no later try can mend, and
   * KAFKA_LATE: then the id is open, so that what is offered next is sent at once.
   */
  commit(offered: Offered): Promise<void>;
  close(): Promise<void>;
}

async function openCommits(options: BatchWriterOptions): Promise<Commits> {
  const { kafka, clock, events, partition, topics, transactionalId } = options;
  const place: TopicPartition = { kafka, topic: topics.observations, partition };
  let producer: TransactionalProducer | undefined = await kafka.openTransactions(transactionalId);
  const found = await lastBatch(place).catch(async (error: unknown) => {
    await producer?.close();
    throw error;
  });
  let last = found?.position ?? 0;
  let clockBehindMs = 0;
  let isClosed = false;

  async function reopen(): Promise<void> {
    const opened = await kafka.openTransactions(transactionalId);
    if (isClosed) await opened.close();
    else producer = opened;
  }

  /** By Kafka's clock: a batch of a node whose clock is behind says that it is older than it is. */
  function isInTime(offered: Offered): boolean {
    clockBehindMs = producer?.clockBehindMs ?? clockBehindMs;
    const olderMs = Math.max(0, clockBehindMs - offered.clockBehindMs);
    return clock.monotonicMs() + olderMs <= offered.untilMs;
  }

  /** False when it is too late, and nothing of it was sent. */
  async function tryOnce(offered: Offered): Promise<boolean> {
    if (producer === undefined) {
      await reopen();
      if (wasCommitted(offered, await lastBatch(place), last)) return true;
      if (!isInTime(offered)) return false;
    }
    // Undefined where it was closed meanwhile.
    if (producer === undefined) throw givenUp();
    await producer.commit(offered.records, () => isInTime(offered));
    return true;
  }

  async function drop(): Promise<void> {
    const old = producer;
    producer = undefined;
    await old?.close();
  }

  const givenUp = (): Error =>
    kafkaError('KAFKA_FENCED', { transactionalId, reason: 'the partition was given up' });

  return {
    found,
    get last() {
      return last;
    },
    get clockBehindMs() {
      return clockBehindMs;
    },
    async commit(offered) {
      let isLate = false;
      while (!isClosed && !isLate) {
        try {
          isLate = !(await tryOnce(offered));
          if (isLate) continue;
          last = offered.position;
          return;
        } catch (error) {
          if (error instanceof CodedError && !error.canRetry) throw error;
          events.commitDoubtful({ partition, position: offered.position, error });
          await drop();
          await sleep(clock, options.retryMs);
        }
      }
      throw isLate ? kafkaError('KAFKA_LATE', { transactionalId }) : givenUp();
    },
    async close() {
      isClosed = true;
      await drop();
    },
  };
}
