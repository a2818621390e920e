import { describe, expect, onTestFinished, test } from 'vitest';
import { openSystemClock } from '../../devices/clock-system.ts';
import type { Kafka, Membership } from '../log/kafka/kafka.ts';
import { createKafkaServer } from '../log/kafka/memory.ts';
import { joinAlone } from './group-alone.ts';

const clock = openSystemClock();
const partitions = 3;
const place = { group: 'sink', topic: 'observations' };

async function connectTwo(): Promise<{ readonly here: Kafka; readonly there: Kafka }> {
  const server = createKafkaServer();
  const [here, there] = [server.connect(), server.connect()];
  onTestFinished(() => here.close());
  onTestFinished(() => there.close());
  await here.ensureTopics([
    {
      topic: place.topic,
      partitions,
      replicationFactor: 1,
      minInsyncReplicas: 1,
      cleanupPolicy: 'delete',
      retentionMs: -1,
      messageBytesMax: 1_048_576,
    },
  ]);
  return { here, there };
}

const alone = (kafka: Kafka, sessionTimeoutMs: number) =>
  joinAlone({ ...place, kafka, clock, partitions, sessionTimeoutMs });

function work(kafka: Kafka, given: number[][]): Promise<Membership> {
  const assigned = (some: readonly number[]) => void given.push([...some]);
  return kafka.join({ ...place, node: 7, held: () => [], assigned, lost: () => undefined });
}

describe('being alone in a group', () => {
  test('takes all partitions where nobody works', async () => {
    const { here } = await connectTwo();
    const membership = await alone(here, 5_000);
    expect(membership).toBeDefined();
    await membership?.close();
  });

  test('is refused while somebody works, who then has all partitions again', async () => {
    const { here, there } = await connectTwo();
    const given: number[][] = [];
    const worker = await work(there, given);
    onTestFinished(() => worker.close());
    expect(await alone(here, 100)).toBeUndefined();
    await expect.poll(() => given.at(-1)?.length).toBe(partitions);
  });

  test('is had once the last one who works has gone', async () => {
    const { here, there } = await connectTwo();
    const worker = await work(there, []);
    const waiting = alone(here, 10_000);
    await worker.close();
    const membership = await waiting;
    expect(membership).toBeDefined();
    await membership?.close();
  });
});
