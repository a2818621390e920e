import fc from 'fast-check';
import type Cluster from 'kafkajs/src/cluster/index.js';
import type { NodeConnection } from 'kafkajs/src/cluster/index.js';
import Decoder from 'kafkajs/src/protocol/decoder.js';
import decodeBatch from 'kafkajs/src/protocol/recordBatch/v0/decoder.js';
import { beforeEach, describe, expect, it } from 'vitest';

import type { Clock } from '../../../devices/clock.ts';
import { createManualClock } from '../../../devices/clock-manual.ts';
import { createCrc32c } from '../crc32c.ts';
import type { OutgoingRecord, Producer } from './kafka.ts';
import { createProducer } from './idempotent-producer.ts';
import { createProduceEncoder } from './produce-request.ts';

const crc32c = createCrc32c();

interface DecodedBatch {
  readonly topic: string;
  readonly partition: number;
  readonly producerId: string;
  readonly firstSequence: number;
  readonly records: readonly Pick<OutgoingRecord, 'key' | 'value' | 'headers'>[];
}

/** As kafkajs, which is not the one that wrote it, reads a request. */
async function decodeRequest(bytes: Buffer): Promise<DecodedBatch[]> {
  const decoder = new Decoder(bytes);
  expect(decoder.readString()).toBeNull();
  expect(decoder.readInt16()).toBe(-1);
  expect(decoder.readInt32()).toBe(9_000);
  const batches: DecodedBatch[] = [];
  for (let topics = decoder.readInt32(); topics > 0; topics--) {
    const topic = decoder.readString() ?? '';
    for (let partitions = decoder.readInt32(); partitions > 0; partitions--) {
      const partition = decoder.readInt32();
      const sizeBytes = decoder.readInt32();
      const batch = Buffer.from(bytes.subarray(decoder.offset, decoder.offset + sizeBytes));
      decoder.forward(sizeBytes);
      const view = new DataView(batch.buffer, batch.byteOffset, batch.length);
      expect(view.getUint32(17)).toBe(crc32c(view, 21, batch.length, 0));
      const read = await decodeBatch(new Decoder(batch));
      expect(read.lastOffsetDelta).toBe(read.records.length - 1);
      batches.push({ topic, partition, ...read });
    }
  }
  expect(decoder.offset).toBe(bytes.length);
  return batches;
}

const anyContent = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 300 }),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
);

const anyName = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
  // kafkajs, reading, takes what every object has for a header that came before.
  .filter((name) => !(name in {}));

const anyRecord = fc.record({
  topic: fc.constantFrom('readings', 'réadings'),
  partition: fc.nat({ max: 2 }),
  key: fc.option(anyContent),
  value: fc.option(fc.uint8Array({ maxLength: 3_000 }).map((bytes) => Buffer.from(bytes))),
  headers: fc.dictionary(anyName, anyContent, { maxKeys: 5, noNullPrototype: true }),
});

describe('a request to store records', () => {
  it('is read by others as what it holds, with a right checksum, however often it is made', async () => {
    const encode = createProduceEncoder();
    await fc.assert(
      fc.asyncProperty(fc.array(anyRecord, { minLength: 1, maxLength: 40 }), async (records) => {
        const groups = Map.groupBy(records, ({ topic, partition }) => `${topic} ${partition}`);
        const batches = [...groups.values()].map((own, index) => ({
          topic: own[0]!.topic,
          partition: own[0]!.partition,
          records: own,
          firstSequence: 1_000 * index,
        }));
        const identity = { producerId: 2n ** 40n, producerEpoch: 3 };
        const bytes = encode({ ...identity, batches, timeoutMs: 9_000, now: 1_700_000_000_000 });
        const decoded = await decodeRequest(bytes);
        expect(decoded).toHaveLength(batches.length);
        for (const { topic, partition, records: read, ...rest } of decoded) {
          const written = batches.find((own) => own.topic === topic && own.partition === partition);
          expect(rest).toMatchObject({
            firstSequence: written?.firstSequence,
            producerId: String(2 ** 40),
            producerEpoch: 3,
            firstTimestamp: '1700000000000',
          });
          expect(read.map(plain)).toEqual(written?.records.map(plain));
        }
      }),
    );
  });

  it('grows with what it holds, and gives the room back', () => {
    const encode = createProduceEncoder();
    const request = (bytes: number) => {
      const record = { topic: 't', partition: 0, key: null, value: Buffer.alloc(bytes) };
      const batch = { topic: 't', partition: 0, records: [record], firstSequence: 0 };
      return encode({ producerId: 1n, producerEpoch: 0, batches: [batch], timeoutMs: 1, now: 1 });
    };
    expect(request(6_000_000).length).toBeGreaterThan(6_000_000);
    expect(request(10).buffer.byteLength).toBe(262_144);
  });
});

function plain({ key, value, headers }: Pick<OutgoingRecord, 'key' | 'value' | 'headers'>) {
  const bytes = (content: string | Buffer | null): Buffer | null =>
    content === null ? null : Buffer.from(content);
  const entries = Object.entries(headers ?? {});
  return {
    key: bytes(key),
    value: bytes(value),
    headers: entries.map(([name, content]) => [name, bytes(content)]),
  };
}

const notLeader = 6;
const outOfOrder = 45;
const duplicate = 46;

/** Two servers that lead a partition each, and number what they store as Kafka does. */
function createServers() {
  const stored: string[] = [];
  const next = new Map<string, number>();
  let producers = 0;
  const state = {
    stored,
    requests: 0,
    openClusters: 0,
    /** What the nth request meets: lost before or after it was stored, or a code for all of it. */
    faults: new Map<number, 'before' | 'after' | number>(),
    metadataRefreshes: 0,
    removed: 0,
    canConnect: true,
  };

  function store({ topic, partition, producerId, firstSequence, records }: DecodedBatch): number {
    const place = `${topic} ${partition} ${producerId}`;
    const expected = next.get(place) ?? 0;
    if (firstSequence < expected) return duplicate;
    if (firstSequence > expected) return outOfOrder;
    next.set(place, expected + records.length);
    for (const { value } of records) stored.push(`${partition} ${value?.toString()}`);
    return 0;
  }

  async function answer(bytes: Buffer) {
    const fault = state.faults.get(++state.requests);
    if (fault === 'before') throw lost();
    const batches = await decodeRequest(bytes);
    const partitions = batches.map((batch) => ({
      partition: batch.partition,
      errorCode: typeof fault === 'number' ? fault : store(batch),
      baseOffset: '0',
    }));
    if (fault === 'after') throw lost();
    return { topics: [{ topicName: 'readings', partitions }] };
  }

  const connection = {
    initProducerId: async () => ({ producerId: String(++producers), producerEpoch: 0 }),
    connectionPool: {
      send: async ({
        request,
        response,
      }: Parameters<NodeConnection['connectionPool']['send']>[0]) => {
        const { buffer } = await request.encode();
        return response.parse(await answer(buffer));
      },
    },
  };
  const openCluster = (): Cluster => {
    const cluster = {
      connect: async () => {
        if (!state.canConnect) throw lost();
        state.openClusters += 1;
      },
      disconnect: async () => void (state.openClusters -= 1),
      addMultipleTargetTopics: async () => undefined,
      refreshMetadata: async () => void (state.metadataRefreshes += 1),
      refreshMetadataIfNecessary: async () => undefined,
      findControllerBroker: async () => connection,
      findBroker: async () => connection,
      findLeaderForPartitions: (_: string, [partition]: number[]) => ({ [partition! % 2]: [] }),
      removeBroker: () => void (state.removed += 1),
    };
    return cluster as unknown as Cluster;
  };
  return { state, openCluster };
}

function lost(): Error {
  const place = { name: 'KafkaJSConnectionClosedError', host: 'h', port: 1, retriable: true };
  return Object.assign(new Error('closed'), place);
}

describe('the producer', () => {
  let servers: ReturnType<typeof createServers>;
  let producer: Producer;
  beforeEach(() => {
    servers = createServers();
    const clock = createManualClock(1_700_000_000_000);
    // Its pauses are of no interest here.
    const impatient: Clock = {
      ...clock,
      schedule(_delayMs, run) {
        queueMicrotask(run);
        return { cancel: () => undefined };
      },
    };
    producer = createProducer({
      openCluster: servers.openCluster,
      clock: impatient,
      requestTimeoutMs: 9_000,
    });
  });

  const records = (...texts: string[]): OutgoingRecord[] =>
    texts.map((text) => ({
      topic: 'readings',
      partition: Number(text[0]),
      key: null,
      value: Buffer.from(text),
    }));

  it('asks each server once for all that it leads, and keeps the order of each partition', async () => {
    await producer.send(records('0a', '1a', '0b', '2a'));
    expect(servers.state.requests).toBe(2);
    await producer.send(records('0c', '1b'));
    const { stored } = servers.state;
    expect(stored.filter((one) => one.startsWith('0'))).toEqual(['0 0a', '0 0b', '0 0c']);
    expect(stored).toHaveLength(6);
    await producer.send([]);
    expect(servers.state.requests).toBe(4);
    await producer.close();
    expect(servers.state.openClusters).toBe(0);
  });

  it.each(['before', 'after', notLeader] as const)(
    'stores once what it sends again after %s',
    async (fault) => {
      await producer.send(records('0a'));
      servers.state.faults.set(2, fault);
      await producer.send(records('0b', '0c', '1a'));
      await producer.send(records('0d'));
      const ofFirst = servers.state.stored.filter((one) => one.startsWith('0'));
      expect(ofFirst).toEqual(['0 0a', '0 0b', '0 0c', '0 0d']);
      expect(servers.state.stored).toHaveLength(5);
      expect(servers.state.metadataRefreshes).toBe(1);
    },
  );

  it('forgets a connection that was lost', async () => {
    servers.state.faults.set(1, 'before');
    await producer.send(records('0a'));
    expect(servers.state.removed).toBe(1);
  });

  it('rejects what does not come through in three tries, and then begins under a new id', async () => {
    for (const nth of [1, 2, 3]) servers.state.faults.set(nth, 'after');
    await expect(producer.send(records('0a'))).rejects.toMatchObject({ code: 'KAFKA_UNREACHABLE' });
    expect(servers.state.openClusters).toBe(0);
    await producer.send(records('0a', '0b'));
    expect(servers.state.stored).toEqual(['0 0a', '0 0a', '0 0b']);
  });

  it('rejects at once what no later try mends', async () => {
    const tooLarge = 10;
    servers.state.faults.set(1, tooLarge);
    const sent = producer.send(records('0a'));
    await expect(sent).rejects.toMatchObject({ code: 'KAFKA_RECORD_TOO_LARGE' });
    expect(servers.state.requests).toBe(1);
    servers.state.faults.set(2, outOfOrder);
    await expect(producer.send(records('0a'))).rejects.toMatchObject({ code: 'KAFKA_UNREACHABLE' });
    await producer.send(records('0b'));
    expect(servers.state.stored).toEqual(['0 0b']);
  });

  it('rejects while no server is there, leaving nothing open', async () => {
    servers.state.canConnect = false;
    await expect(producer.send(records('0a'))).rejects.toMatchObject({ code: 'KAFKA_UNREACHABLE' });
    servers.state.canConnect = true;
    await producer.send(records('0a'));
    expect(servers.state.stored).toEqual(['0 0a']);
  });
});
