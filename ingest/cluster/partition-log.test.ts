import { describe, expect, it } from 'vitest';
import { openSystemClock } from '../../devices/clock-system.ts';
import { createManualClock } from '../../devices/clock-manual.ts';
import { createKafkaServer, type KafkaServer } from '../log/kafka/memory.ts';
import type { Kafka, KafkaRecord } from '../log/kafka/kafka.ts';
import type { LogReader, LogRecord } from '../log/log.ts';
import { followPartition, lookUpPartition } from './partition-log.ts';
import { offsetFrom, readingPlace } from './route.ts';

const topic = 'readings';
const partition = 2;

async function openServer(): Promise<{ server: KafkaServer; kafka: Kafka }> {
  const server = createKafkaServer();
  const kafka = server.connect();
  await kafka.ensureTopics([
    {
      topic,
      partitions: 3,
      replicationFactor: 1,
      minInsyncReplicas: 1,
      cleanupPolicy: 'delete',
      retentionMs: -1,
      messageBytesMax: 1_048_576,
    },
  ]);
  return { server, kafka };
}

async function send(kafka: Kafka, ...texts: string[]): Promise<void> {
  const producer = await kafka.openProducer();
  await producer.send(
    texts.map((text) => ({ topic, partition, key: null, value: Buffer.from(text) })),
  );
}

function placesOf(kafka: Kafka) {
  return {
    open: (offset: number) => kafka.openReader(topic, partition, offset),
    toRecord: (record: KafkaRecord): LogRecord => ({
      position: readingPlace(record.offset, partition),
      body: record.value ?? Buffer.alloc(0),
      rewritten: false,
    }),
    placeOf: (offset: number) => readingPlace(offset, partition),
    offsetOf: (position: number) => offsetFrom(position, partition),
  };
}

function lookUp(kafka: Kafka, more: { signal?: AbortSignal; clock?: 'manual' } = {}): LogReader {
  return lookUpPartition({
    ...placesOf(kafka),
    clock: more.clock === 'manual' ? createManualClock(0) : openSystemClock(),
    endOf: async () => (await kafka.ends(topic))[partition]?.end ?? 0,
    from: 1,
    signal: more.signal ?? new AbortController().signal,
  });
}

const textsOf = (records: readonly LogRecord[]): string[] =>
  records.map(({ body }) => body.toString());

describe('a place in a partition', () => {
  it('is sought exactly: behind a record that was consumed lies the next one', () => {
    for (const own of [0, 2, 1_023]) {
      expect(offsetFrom(1, own)).toBe(0);
      for (const offset of [0, 1, 7, 2 ** 40]) {
        const place = readingPlace(offset, own);
        expect(offsetFrom(place, own)).toBe(offset);
        expect(offsetFrom(place + 1, own)).toBe(offset + 1);
        expect(offsetFrom(place - 1, own)).toBe(offset);
      }
    }
  });
});

describe('a partition that is followed', () => {
  it('goes on at the place that is sought, and opens nothing before', async () => {
    const { kafka } = await openServer();
    await send(kafka, 'a', 'b', 'c');
    const opened: number[] = [];
    const places = placesOf(kafka);
    const { reader } = followPartition({
      ...places,
      open: (offset) => (opened.push(offset), places.open(offset)),
    });
    expect(opened).toEqual([]);
    reader.seek(readingPlace(0, partition) + 1);
    expect(textsOf(await reader.read(1_000))).toEqual(['b', 'c']);
    reader.seek(readingPlace(0, partition));
    expect(textsOf(await reader.read(1_000))).toEqual(['a', 'b', 'c']);
    expect(opened).toEqual([1]);
    await reader.close();
  });

  it('says how much is behind, and waits for what comes', async () => {
    const { kafka } = await openServer();
    await send(kafka, 'a', 'b');
    const followed = followPartition(placesOf(kafka));
    expect(followed.behind).toBe(0);
    followed.reader.seek(1);
    expect(followed.behind).toBe(2);
    await followed.reader.read(1_000);
    expect(followed.behind).toBe(0);
    const waiting = followed.end.waitBeyond(followed.reader.next - 1);
    await send(kafka, 'c');
    await waiting;
    expect(textsOf(await followed.reader.read(1_000))).toEqual(['c']);
    expect(followed.end.get()).toBe(readingPlace(2, partition));
  });

  it('skips what retention deleted, and says which places those were', async () => {
    const { kafka, server } = await openServer();
    await send(kafka, 'a', 'b', 'c', 'd');
    server.trim(topic, partition, 2);
    const { reader } = followPartition(placesOf(kafka));
    await expect(reader.read(1_000)).rejects.toMatchObject({ code: 'KAFKA_OFFSET_GONE' });
    expect(await reader.skipDamaged()).toEqual({
      first: readingPlace(0, partition),
      last: readingPlace(1, partition),
    });
    expect(textsOf(await reader.read(1_000))).toEqual(['c', 'd']);
    expect(await reader.skipDamaged()).toBeNull();
  });

  it('skips nothing where Kafka only did not answer: not even what it gives next', async () => {
    const { kafka, server } = await openServer();
    await send(kafka, 'a', 'b');
    let fails = 1;
    server.faults.read = () => (fails-- > 0 ? 'before' : 'none');
    const { reader } = followPartition(placesOf(kafka));
    await expect(reader.read(1_000)).rejects.toMatchObject({ code: 'KAFKA_UNREACHABLE' });
    expect(await reader.skipDamaged()).toBeNull();
    expect(textsOf(await reader.read(1_000))).toEqual(['a', 'b']);
  });
});

describe('a partition that is looked up', () => {
  it('gives what is there, and an empty read at its end', async () => {
    const { kafka } = await openServer();
    await send(kafka, 'a', 'b', 'c');
    const reader = lookUp(kafka);
    expect(textsOf(await reader.read(1_000))).toEqual(['a', 'b', 'c']);
    expect(await reader.read(1_000)).toEqual([]);
    reader.seek(readingPlace(1, partition));
    expect(textsOf(await reader.read(1))).toEqual(['b']);
    await reader.close();
  });

  it('sees what came behind the end that it once knew', async () => {
    const { kafka } = await openServer();
    await send(kafka, 'a');
    const reader = lookUp(kafka);
    await reader.read(1_000);
    expect(await reader.read(1_000)).toEqual([]);
    await send(kafka, 'b');
    expect(textsOf(await reader.read(1_000))).toEqual(['b']);
  });

  it('ends behind the marker of a transaction that passed nothing visible', async () => {
    const { kafka, server } = await openServer();
    await send(kafka, 'a');
    server.faults.commit = () => 'before';
    const writer = await kafka.openTransactions('id');
    const lost = { topic, partition, key: null, value: Buffer.from('lost') };
    await expect(writer.commit([lost])).rejects.toMatchObject({ code: 'KAFKA_OUTCOME_UNKNOWN' });
    const reader = lookUp(kafka);
    expect(textsOf(await reader.read(1_000))).toEqual(['a']);
    expect(await reader.read(1_000)).toEqual([]);
  });

  it('asks again while Kafka does not answer: what is there is not taken for missing', async () => {
    const { kafka, server } = await openServer();
    await send(kafka, 'a');
    let reads = 0;
    server.faults.read = () => (['before', 'after', 'none'] as const)[Math.min(2, reads++)]!;
    expect(textsOf(await lookUp(kafka).read(1_000))).toEqual(['a']);
    expect(reads).toBe(3);
  });

  it('is given up by the signal', async () => {
    const { kafka, server } = await openServer();
    await send(kafka, 'a');
    server.faults.read = () => 'before';
    const stopping = new AbortController();
    const reading = lookUp(kafka, { signal: stopping.signal }).read(1_000);
    stopping.abort();
    await expect(reading).rejects.toMatchObject({ code: 'KAFKA_UNREACHABLE' });
  });

  it('tells at once what retention deleted', async () => {
    const { kafka, server } = await openServer();
    await send(kafka, 'a', 'b');
    server.trim(topic, partition, 1);
    await expect(lookUp(kafka).read(1_000)).rejects.toMatchObject({ code: 'KAFKA_OFFSET_GONE' });
  });
});
