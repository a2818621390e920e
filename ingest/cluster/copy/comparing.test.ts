import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createManualClock } from '../../../devices/clock-manual.ts';
import { kafkaError } from '../../log/kafka/errors.ts';
import { createKafkaServer } from '../../log/kafka/memory.ts';
import { encodeBatch } from '../../observations/batch-codec.ts';
import { noTotals, type Batch } from '../../observations/batch.ts';
import { createPartitions, type PartitionsCopy } from '../../observations/partitions.fixture.ts';
import { otherHistory, requireSame } from './comparing.ts';
import { ownBatch, type OwnLog } from './own-log.ts';

function batchOf(consumed: number): Batch {
  return {
    publishedAt: 1,
    consumed,
    registryVersion: 0,
    totals: { ...noTotals, readingsSettled: consumed },
    rows: [],
    quarantined: [],
    control: [],
  };
}

const bytesOf = (consumed: number): Buffer => Buffer.from(encodeBatch(batchOf(consumed)));

/** A copy of the batches in this order of their partitions; the number of each is what it consumed. */
function openOwn(count: number, order: readonly number[]) {
  const partitions = createPartitions(count);
  const copy: PartitionsCopy = partitions.openCopy();
  for (const partition of order) {
    partitions.publish(partition, batchOf(partitions.end(partition) + 1));
    copy.take(partition);
  }
  const uncompared: unknown[] = [];
  const own: OwnLog = {
    durableEnd: copy.durableEnd,
    openReader: async () => copy.openReader(1),
    events: { notCompared: (fields) => void uncompared.push(fields) },
  };
  return { own, copy, uncompared, ends: partitions };
}

describe('the batch of a copy', () => {
  it('is found by its number wherever it stands, as long as it is kept', async () => {
    const world = fc.record({
      order: fc.array(fc.nat(3), { maxLength: 120 }),
      keptFrom: fc.nat(150),
    });
    await fc.assert(
      fc.asyncProperty(world, async ({ order, keptFrom }) => {
        const { own, copy, ends } = openOwn(4, order);
        copy.trimBefore(keptFrom);
        const expected = copy.places().filter(({ position }) => position >= keptFrom);
        for (let partition = 0; partition < 4; partition++) {
          for (let number = 1; number <= ends.end(partition) + 1; number++) {
            const found = await ownBatch(own, { partition, number });
            const there = expected.find(
              ({ place }) => place.partition === partition && place.positions[partition] === number,
            );
            expect(found?.position).toBe(there?.position);
            if (found === undefined) continue;
            await requireSame(own, { partition, number, value: bytesOf(number) });
            const other = requireSame(own, { partition, number, value: bytesOf(number + 1) });
            await expect(other).rejects.toMatchObject({ code: 'INGEST_COPY_DIFFERS' });
          }
        }
        expect(copy.readers).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  it('is looked for near the end, however long the log is', async () => {
    const order = Array.from({ length: 5_000 }, (_none, at) => at % 4);
    const { own, copy } = openOwn(4, order);
    for (let partition = 0; partition < 4; partition++) {
      await ownBatch(own, { partition, number: 1_250 });
    }
    expect(copy.reads).toBeLessThan(20);
  });

  it('is told of where it cannot be read, and taken to be the same', async () => {
    const { own, copy, uncompared } = openOwn(2, [0, 1, 0]);
    copy.damage(2);
    await requireSame(own, { partition: 1, number: 1, value: bytesOf(9) });
    expect(uncompared).toEqual([expect.objectContaining({ partition: 1, number: 1 })]);
  });
});

describe('the history of a copy', () => {
  const topic = 'observations';

  async function openHistory(lengths: readonly number[]) {
    const server = createKafkaServer();
    const kafka = server.connect();
    const replicas = { replicationFactor: 1, minInsyncReplicas: 1 };
    const kept = { cleanupPolicy: 'delete', retentionMs: -1, messageBytesMax: 1_048_576 } as const;
    await kafka.ensureTopics([{ topic, partitions: lengths.length, ...replicas, ...kept }]);
    const writer = await kafka.openTransactions('id');
    for (const [partition, length] of lengths.entries()) {
      for (let position = 1; position <= length; position++) {
        const headers = { position: String(position) };
        await writer.commit([{ topic, partition, key: null, value: bytesOf(position), headers }]);
      }
    }
    return { server, kafka };
  }

  const clock = createManualClock(0);
  /** While time runs. */
  async function look(kafka: Awaited<ReturnType<typeof openHistory>>['kafka'], own: OwnLog) {
    const looking = otherHistory({ ...own, kafka, topic, clock }, [2, 1]);
    let isDone = false;
    void looking.finally(() => (isDone = true));
    while (!isDone) {
      await new Promise((resolve) => void setImmediate(resolve));
      clock.advance(50);
    }
    return looking;
  }

  it('is another where Kafka ends before it, twice in a row', async () => {
    const { own } = openOwn(2, [0, 0, 1]);
    expect((await look((await openHistory([1, 1])).kafka, own))?.code).toBe('INGEST_COPY_DIFFERS');
    expect(await look((await openHistory([2, 1])).kafka, own)).toBeUndefined();
    const { kafka } = await openHistory([3, 4]);
    let asked = 0;
    const late = { ...kafka, ends: () => (asked++ < 2 ? lateEnds() : kafka.ends(topic)) };
    const lateEnds = async () => [{ start: 0, end: 0 }, (await kafka.ends(topic))[1]!];
    expect(await look(late, own)).toBeUndefined();
    expect(asked).toBeGreaterThan(2);
  });

  it('is not known while Kafka does not answer', async () => {
    const { own } = openOwn(2, [0, 0, 1]);
    const { kafka } = await openHistory([0, 0]);
    const refusing = { ...kafka, ends: () => Promise.reject(kafkaError('KAFKA_UNREACHABLE')) };
    expect(await look(refusing, own)).toBeUndefined();
    const silent = { ...kafka, ends: () => new Promise<never>(() => undefined) };
    expect(await look(silent, own)).toBeUndefined();
    const unaware = { ...kafka, ends: async () => [] };
    expect(await look(unaware, own)).toBeUndefined();
  });
});
