/** What a real Kafka holds, read by our own requests. */
import { Kafka as KafkaJs, logLevel, type Transaction } from 'kafkajs';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { KafkaRecord } from './kafka.ts';
import { realKafka } from './real.fixture.ts';

const real = realKafka('fetcher');

async function openTopic() {
  const topic = real.unique('topic');
  const kafka = real.connect();
  onTestFinished(() => kafka.close());
  await kafka.ensureTopics([
    {
      topic,
      partitions: 1,
      replicationFactor: 1,
      minInsyncReplicas: 1,
      cleanupPolicy: 'delete',
      retentionMs: -1,
      messageBytesMax: 8_388_608,
    },
  ]);
  const client = new KafkaJs({ brokers: [...real.brokers], logLevel: logLevel.NOTHING });
  return {
    kafka,
    topic,
    begin: async (id: string): Promise<Transaction> => {
      const producer = client.producer({
        transactionalId: `${topic}-${id}`,
        maxInFlightRequests: 1,
        createPartitioner: () => () => 0,
      });
      onTestFinished(() => producer.disconnect());
      await producer.connect();
      return producer.transaction();
    },
  };
}

describe.skipIf(!real.isPresent)(`reading from a real Kafka${real.absent}`, () => {
  it('gives nothing of aborted transactions that overlap, from whichever offset', async () => {
    const { kafka, topic, begin } = await openTopic();
    const [one, two, three] = [await begin('1'), await begin('2'), await begin('3')];
    const send = (transaction: Transaction, value: string) =>
      transaction.send({ topic, messages: [{ value }] });
    await send(one, 'no 1');
    await send(two, 'no 2');
    await two.abort();
    await send(one, 'no 3');
    await send(three, 'yes');
    await one.abort();
    await three.commit();
    const readFrom = async (offset: number) => {
      const reader = kafka.openReader(topic, 0, offset);
      const records: KafkaRecord[] = [];
      while (reader.next < 7) {
        await reader.wait();
        records.push(...(await reader.read(1_000)));
      }
      reader.close();
      return records.map(({ offset: at, value }) => [at, String(value)]);
    };
    const found = await readFrom(0);
    expect(found).toEqual([[expect.any(Number), 'yes']]);
    // Where it stands depends on when the marker of what was aborted before it was written.
    for (let offset = 0; offset <= Number(found[0]?.[0]); offset++) {
      expect(await readFrom(offset)).toEqual(found);
    }
  });
});
