/**
 * A partition of `observations` behind the whole port of a log: the writer and the reader that ingest
 * has there, and around them only what a caller of the port does himself (one batch at a time).
 */
import { openSystemClock } from '../../devices/clock-system.ts';
import { sleep } from '../../devices/clock.ts';
import { createRecordedTelemetry } from '../../devices/telemetry-silent.ts';
import type { Kafka } from '../log/kafka/kafka.ts';
import type { DurableEnd, LogReader, LogWriter, Position } from '../log/log.ts';
import type { LogFixture } from '../log/log.contract.ts';
import { batchPositionOf, lastBatch, offsetOfBatch, type TopicPartition } from './batches.ts';
import { openBatchWriter, type BatchWriter } from './batch-writer.ts';
import { openPartitionEvents } from './partition-events.ts';
import { lookUpPartition } from './partition-log.ts';

const partition = 0;

export interface KafkaLogOptions {
  readonly connect: () => Kafka;
  readonly unique: (name: string) => string;
}

const messageBytesMax = 1_048_576;
/** Between two looks for what is acknowledged and not shown yet. */
const shownMs = 2;

export async function openKafkaLog({ connect, unique }: KafkaLogOptions): Promise<LogFixture> {
  const topic = unique('log');
  const kafka = connect();
  await kafka.ensureTopics([
    {
      topic,
      partitions: 1,
      replicationFactor: 1,
      minInsyncReplicas: 1,
      cleanupPolicy: 'delete',
      retentionMs: -1,
      messageBytesMax,
    },
  ]);
  const place: TopicPartition = { kafka, topic, partition };
  const end = createEnd(place);
  return {
    openWriter: async () => {
      const writer = await openBatchWriter({
        kafka,
        clock: openSystemClock(),
        events: openPartitionEvents(createRecordedTelemetry()),
        partition,
        topics: { readings: topic, observations: topic },
        transactionalId: topic,
        retryMs: 50,
        settleMs: 60_000,
      });
      end.reach(writer.durableEnd.get());
      return oneByOne(writer, end);
    },
    openReader: async (from = 1) => readerOf(place, end, from),
    durableEnd: () => end,
    // The server counts what stands around a value too.
    recordBytesMax: messageBytesMax - 1_000,
    recordBytesTooMany: messageBytesMax + 1,
    refusals: { tooLarge: 'KAFKA_RECORD_TOO_LARGE', closed: 'KAFKA_FENCED' },
    remove: () => kafka.close(),
  };
}

interface ReachedEnd extends DurableEnd {
  reach(position: Position): void;
}

/** What this process knows, or the topic tells, of the last batch. */
function createEnd(place: TopicPartition): ReachedEnd {
  let last = 0;
  const reach = (position: Position): void => {
    last = Math.max(last, position);
  };
  return {
    get: () => last,
    reach,
    async waitBeyond(position, signal) {
      const reader = place.kafka.openReader(place.topic, partition, 0);
      while (last <= position && signal?.aborted !== true) {
        await reader.wait(signal);
        await reader.read(messageBytesMax);
        if (last <= position) reach((await lastBatch(place))?.position ?? 0);
      }
      reader.close();
    },
  };
}

/** As the committer: what is appended meanwhile waits for the batch before it. */
function oneByOne(writer: BatchWriter, end: ReachedEnd): LogWriter {
  let queue: Promise<void> = Promise.resolve();
  let isClosing = false;
  return {
    durableEnd: end,
    saturated: false,
    append(sizeBytes, fill, done) {
      const body = Buffer.alloc(sizeBytes);
      fill(body, 0);
      if (isClosing) queue = queue.then(() => writer.close());
      const before = queue;
      queue = (async () => {
        await before;
        const [error, position] = await new Promise<[Error | null, Position]>((resolve) => {
          const copy = (target: Buffer, at: number): void => void body.copy(target, at);
          writer.append(sizeBytes, copy, (...answer) => resolve(answer));
        });
        if (error === null) end.reach(position);
        done(error, position);
      })();
    },
    // Kafka's own retention does it.
    trimBefore: async () => undefined,
    async close() {
      isClosing = true;
      await queue;
      await writer.close();
    },
  };
}

/**
 * What the end says is there is waited for: Kafka acknowledges the end of a transaction before its
 * markers stand in the partition, and shows it only then.
 */
function readerOf(place: TopicPartition, end: DurableEnd, from: Position): LogReader {
  const { kafka, topic } = place;
  const clock = openSystemClock();
  const { signal } = new AbortController();
  let inner: LogReader | undefined;
  let next = from;

  async function open(): Promise<LogReader> {
    while (((await lastBatch(place))?.position ?? 0) < end.get()) await sleep(clock, shownMs);
    const offset = await offsetOfBatch(place, next);
    return lookUpPartition({
      clock,
      signal,
      toRecord: (record) => ({
        position: batchPositionOf(record),
        body: record.value ?? Buffer.alloc(0),
        rewritten: false,
      }),
      placeOf: (at) => at,
      offsetOf: () => offset,
      open: (at) => kafka.openReader(topic, partition, at),
      endOf: async () => (await kafka.ends(topic))[partition]!.end,
      from: next,
    });
  }

  return {
    get next() {
      return next;
    },
    async read(bytesMax) {
      for (;;) {
        inner ??= await open();
        const records = await inner.read(bytesMax);
        if (records.length === 0 && next <= end.get()) {
          await sleep(clock, shownMs);
          continue;
        }
        next = (records.at(-1)?.position ?? next - 1) + 1;
        return records;
      }
    },
    skipDamaged: async () => (await inner?.skipDamaged()) ?? null,
    seek(position) {
      void inner?.close();
      inner = undefined;
      next = position;
    },
    close: async () => inner?.close(),
  };
}
