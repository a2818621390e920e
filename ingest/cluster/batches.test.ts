import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createKafkaServer, type CommitFault } from '../log/kafka/memory.ts';
import type { Kafka } from '../log/kafka/kafka.ts';
import { batchPositionOf, lastBatch, offsetOfBatch, type TopicPartition } from './batches.ts';

const topic = 'observations';

async function openTopic() {
  const server = createKafkaServer();
  const kafka = server.connect();
  await kafka.ensureTopics([
    {
      topic,
      partitions: 1,
      replicationFactor: 1,
      minInsyncReplicas: 1,
      cleanupPolicy: 'delete',
      retentionMs: -1,
      messageBytesMax: 1_048_576,
    },
  ]);
  return { server, kafka, place: { kafka, topic, partition: 0 } satisfies TopicPartition };
}

/** Writes as many batches as the faults let through, numbered from 1. */
async function write(
  kafka: Kafka,
  faults: readonly CommitFault[],
  letThrough: (fault: CommitFault) => void,
) {
  let position = 1;
  for (const fault of faults) {
    const writer = await kafka.openTransactions('id');
    letThrough(fault);
    const headers = { position: String(position) };
    const value = Buffer.from(`batch ${position}`);
    const committed = writer.commit([{ topic, partition: 0, key: null, value, headers }]);
    const [{ status }] = await Promise.allSettled([committed]);
    expect(status).toBe(fault === 'none' ? 'fulfilled' : 'rejected');
    if (fault !== 'before') position++;
  }
  await kafka.openTransactions('id');
  return position - 1;
}

describe('the batches of a partition', () => {
  it('are found by their numbers, whatever was aborted between them and deleted before them', async () => {
    const anyFault = fc.oneof(
      { weight: 6, arbitrary: fc.constant('none' as const) },
      fc.constantFrom<CommitFault>('before', 'after', 'late'),
    );
    const world = fc.record({
      faults: fc.array(anyFault, { maxLength: 60 }),
      keptFrom: fc.nat(60),
      seed: fc.nat(),
    });
    await fc.assert(
      fc.asyncProperty(world, async ({ faults, keptFrom, seed }) => {
        const { server, kafka, place } = await openTopic();
        const count = await write(kafka, faults, (fault) => {
          server.faults.commit = () => fault;
        });
        const all = server.records(topic, 0).map(({ offset }) => offset);
        const oldest = keptFrom > 0 && keptFrom < count ? keptFrom : 0;
        if (oldest > 0) server.trim(topic, 0, all[oldest]!);
        let reads = seed;
        // Every third read gives nothing yet.
        server.faults.read = () => (reads++ % 3 === 0 ? 'after' : 'none');

        const last = await lastBatch(place);
        expect(last?.position).toBe(count === 0 ? undefined : count);
        expect(last?.value.toString()).toBe(count === 0 ? undefined : `batch ${count}`);
        for (let position = 1; position <= count + 1; position++) {
          const offset = await offsetOfBatch(place, position);
          // Of those deleted the oldest kept one, of one to come none that is there.
          const sought = Math.max(position, oldest + 1);
          const met = all.find((stored, at) => at >= oldest && stored >= offset);
          expect(met).toBe(all[sought - 1]);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('are found at the first look where nothing was aborted, however many there are', async () => {
    const { server, kafka, place } = await openTopic();
    await write(
      kafka,
      Array.from({ length: 2_000 }, () => 'none'),
      () => undefined,
    );
    let reads = 0;
    server.faults.read = () => (reads++, 'none');
    expect(await offsetOfBatch(place, 77)).toBe(152);
    expect(reads).toBe(2);
  });

  it('are found among what strangers wrote', async () => {
    const { kafka, place } = await openTopic();
    const writer = await kafka.openTransactions('id');
    const value = Buffer.from('batch');
    for (let position = 1; position <= 40; position++) {
      const headers = { position: String(position) };
      for (let strangers = position % 3; strangers > 0; strangers--) {
        await writer.commit([{ topic, partition: 0, key: null, value }]);
      }
      await writer.commit([{ topic, partition: 0, key: null, value, headers }]);
    }
    const reader = kafka.openReader(topic, 0, 0);
    for (let position = 1; position <= 40; position++) {
      reader.seek(await offsetOfBatch(place, position));
      const records = await reader.read(1_000_000);
      // Before the first batch nothing is looked for.
      const [first] = position === 1 ? records.slice(1) : records;
      expect(batchPositionOf(first!)).toBe(position);
    }
  });

  it('are refused by name where a record is none', async () => {
    const { kafka, place } = await openTopic();
    const producer = await kafka.openProducer();
    await producer.send([{ topic, partition: 0, key: null, value: Buffer.from('foreign') }]);
    await expect(lastBatch(place)).rejects.toMatchObject({ code: 'INGEST_RECORD_FOREIGN' });
  });

  it.each(['', '0', '01', '-1', '1.0', '1e3', '9999999999999999'])(
    'are not numbered %j',
    (position) => {
      const headers = { position: Buffer.from(position) };
      expect(() =>
        batchPositionOf({ offset: 3, key: null, value: Buffer.alloc(1), headers }),
      ).toThrow(expect.objectContaining({ code: 'INGEST_RECORD_FOREIGN' }));
    },
  );
});
