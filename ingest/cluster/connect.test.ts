import { setImmediate } from 'node:timers/promises';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { createManualClock, type ManualClock } from '../../devices/clock-manual.ts';
import { createRecordedTelemetry, type RecordedTelemetry } from '../../devices/telemetry-silent.ts';
import { kafkaConfigSchema } from '../log/kafka/config.ts';
import { kafkaError } from '../log/kafka/errors.ts';
import type { TopicSpecification } from '../log/kafka/kafka.ts';
import { createKafkaServer } from '../log/kafka/memory.ts';
import { connectKafka, topicsReady, untilDone } from './connect.ts';

let clock: ManualClock;
let telemetry: RecordedTelemetry;
let stopping: AbortController;
beforeEach(() => {
  clock = createManualClock(0);
  telemetry = createRecordedTelemetry();
  stopping = new AbortController();
});
const patience = () => ({ clock, telemetry, signal: stopping.signal });

async function pass(tries: number): Promise<void> {
  for (let each = 0; each < tries; each++) {
    await setImmediate();
    clock.advance(500);
  }
  await setImmediate();
}

describe('the way to Kafka', () => {
  test('reads the files that the configuration names, and connects to nothing', () => {
    const read: string[] = [];
    const config = kafkaConfigSchema.parse({
      brokers: ['127.0.0.1:1'],
      tls: true,
      caFile: '/ca.pem',
      user: 'quantrac',
      passwordFile: '/password',
    });
    const readText = (path: string): string => {
      read.push(path);
      return 'text\n';
    };
    const kafka = connectKafka({ config, clock, telemetry, clientId: 'test', readText });
    onTestFinished(() => kafka.close());
    expect(read).toEqual(['/ca.pem', '/password']);
    expect(telemetry.lines).toEqual([]);
  });

  test('is refused where a file cannot be read', () => {
    const config = kafkaConfigSchema.parse({ brokers: ['127.0.0.1:1'], caFile: '/none' });
    const readText = (path: string): never => {
      throw new Error(`no such file: ${path}`);
    };
    const connect = () => connectKafka({ config, clock, telemetry, clientId: 'test', readText });
    expect(connect).toThrow('no such file: /none');
  });
});

describe('what needs Kafka', () => {
  test('is tried again until it is done, and told once', async () => {
    let tries = 0;
    const done = untilDone(patience(), async () => {
      if (++tries < 4) throw kafkaError('KAFKA_UNREACHABLE');
      return tries;
    });
    await pass(4);
    expect(await done).toBe(4);
    expect(telemetry.lines.map(({ level }) => level)).toEqual(['warn']);
  });

  test('is tried again also where the reason has no name', async () => {
    let tries = 0;
    const done = untilDone(patience(), async () => {
      if (++tries < 2) throw new TypeError('of a library');
      return tries;
    });
    await pass(2);
    expect(await done).toBe(2);
  });

  test('is not tried again where no later try can help', async () => {
    const done = untilDone(patience(), async () => {
      throw kafkaError('KAFKA_TOPIC_WRONG', { topic: 't' });
    });
    await expect(done).rejects.toMatchObject({ code: 'KAFKA_TOPIC_WRONG' });
    expect(telemetry.lines).toEqual([]);
  });

  test('is given up when the node is closed', async () => {
    const done = untilDone(patience(), async () => {
      throw kafkaError('KAFKA_UNREACHABLE');
    });
    await pass(2);
    stopping.abort();
    await pass(1);
    expect(await done).toBeUndefined();
  });
});

describe('topics', () => {
  const topic: TopicSpecification = {
    topic: 't',
    partitions: 2,
    replicationFactor: 1,
    minInsyncReplicas: 1,
    cleanupPolicy: 'delete',
    retentionMs: -1,
    messageBytesMax: 1_048_576,
  };

  test('are made where they are missing, and refused by name where they are others', async () => {
    const kafka = createKafkaServer().connect();
    expect(await topicsReady(patience(), kafka, [topic])).toBe(true);
    expect(await kafka.ends('t')).toHaveLength(2);
    const others = topicsReady(patience(), kafka, [{ ...topic, partitions: 3 }]);
    await expect(others).rejects.toMatchObject({ code: 'KAFKA_TOPIC_WRONG' });
  });
});
