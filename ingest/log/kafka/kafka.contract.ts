/** What every implementation of the port to Kafka must hold; `open` makes another client of one server. */
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { CodedError } from '../../../devices/coded-error.ts';
import type {
  Kafka,
  KafkaRecord,
  OutgoingRecord,
  PartitionReader,
  TopicSpecification,
} from './kafka.ts';

export interface KafkaUnderTest {
  readonly name: string;
  /** Client of one server that lasts for the whole suite. */
  readonly open: () => Kafka;
  /** A name that no other run has used. */
  readonly unique: (name: string) => string;
}

const partitions = 4;

function specificationOf(topic: string): TopicSpecification {
  return {
    topic,
    partitions,
    replicationFactor: 1,
    minInsyncReplicas: 1,
    cleanupPolicy: 'delete',
    retentionMs: -1,
    messageBytesMax: 8_388_608,
  };
}

async function isServing(kafka: Kafka, topic: string): Promise<boolean> {
  const producer = await kafka.openProducer();
  try {
    await producer.send([{ topic, partition: 0, key: null, value: Buffer.from('first') }]);
    await kafka.ends(topic);
    return true;
  } catch {
    return false;
  } finally {
    await producer.close();
  }
}

export function kafkaContract({ name, open, unique }: KafkaUnderTest): void {
  describe(`the port to Kafka: ${name}`, () => {
    const topic = unique('topic');
    const opened: Kafka[] = [];
    const client = (): Kafka => {
      const kafka = open();
      opened.push(kafka);
      return kafka;
    };
    const record = (partition: number, text: string): OutgoingRecord => ({
      topic,
      partition,
      key: `key ${text}`,
      value: Buffer.from(text),
      headers: { door: 'mqtt', number: Buffer.from('7') },
    });

    beforeAll(async () => {
      const kafka = open();
      await kafka.ensureTopics([specificationOf(topic)]);
      // A server may not know for a moment that it leads what was made just now.
      // A server that has just been started leads nothing yet, and gives out no ids.
      while (!(await isServing(kafka, topic))) await setImmediate();
      await kafka.close();
    });

    afterEach(async () => {
      for (const kafka of opened.splice(0)) await kafka.close();
    });

    it('gives the records of a partition back in order, with key, value and headers', async () => {
      const kafka = client();
      const producer = await kafka.openProducer();
      const { end } = (await kafka.ends(topic))[0]!;
      await producer.send([record(0, 'a'), record(1, 'other'), record(0, 'b')]);
      await producer.send([record(0, 'c')]);
      const reader = kafka.openReader(topic, 0, end);
      const records = await readAll(reader, 3);
      expect(textsOf(records)).toEqual(['a', 'b', 'c']);
      expect(records[0]?.key?.toString()).toBe('key a');
      expect(records[0]?.headers['door']?.toString()).toBe('mqtt');
      expect(records[0]?.headers['number']?.toString()).toBe('7');
      expect(await reader.read(1_000)).toEqual([]);
      await producer.close();
    });

    it('shows a transaction whole, in every partition, and numbers go on behind its marker', async () => {
      const kafka = client();
      const [before2, before3] = (await kafka.ends(topic)).slice(2);
      const writer = await kafka.openTransactions(unique('id'));
      await writer.commit([record(2, 'x'), record(3, 'y')]);
      await writer.commit([record(2, 'z')]);
      const reader = kafka.openReader(topic, 2, before2!.end);
      const records = await readAll(reader, 2);
      expect(textsOf(records)).toEqual(['x', 'z']);
      expect(records[1]!.offset).toBe(records[0]!.offset + 2);
      const other = await readAll(kafka.openReader(topic, 3, before3!.end), 1);
      expect(textsOf(other)).toEqual(['y']);
      await writer.close();
    });

    it('takes a transaction back that is not wanted any more once all of it is sent', async () => {
      const kafka = client();
      const id = unique('id');
      const { end } = (await kafka.ends(topic))[1]!;
      const writer = await kafka.openTransactions(id);
      await writer.commit([record(1, 'wanted')], () => true);
      await expect(writer.commit([record(1, 'late')], () => false)).rejects.toMatchObject({
        code: 'KAFKA_LATE',
      });
      const next = await kafka.openTransactions(id);
      await next.commit([record(1, 'again')]);
      const records = await readAll(kafka.openReader(topic, 1, end), 2);
      expect(textsOf(records)).toEqual(['wanted', 'again']);
    });

    it('fences who held a transactional id before: its commit is refused and shows nothing', async () => {
      const [one, two] = [client(), client()];
      const id = unique('id');
      const { end } = (await one.ends(topic))[1]!;
      const old = await one.openTransactions(id);
      await old.commit([record(1, 'before')]);
      const late = await two.openTransactions(id);
      await expect(old.commit([record(1, 'never')])).rejects.toMatchObject({
        code: 'KAFKA_FENCED',
      });
      await late.commit([record(1, 'after')]);
      const records = await readAll(two.openReader(topic, 1, end), 2);
      expect(textsOf(records)).toEqual(['before', 'after']);
      await late.close();
    });

    it('goes on from any offset, and waits for what comes', async () => {
      const kafka = client();
      const producer = await kafka.openProducer();
      const { end } = (await kafka.ends(topic))[0]!;
      await producer.send([record(0, '1'), record(0, '2'), record(0, '3')]);
      const reader = kafka.openReader(topic, 0, end + 2);
      expect(textsOf(await readAll(reader, 1))).toEqual(['3']);
      reader.seek(end + 1);
      expect(textsOf(await readAll(reader, 2))).toEqual(['2', '3']);
      const waiting = reader.wait();
      await producer.send([record(0, '4')]);
      await waiting;
      expect(textsOf(await readAll(reader, 1))).toEqual(['4']);
      expect(reader.next).toBe(end + 4);
      const stopping = new AbortController();
      const aborted = reader.wait(stopping.signal);
      stopping.abort();
      await aborted;
      await producer.close();
    });

    it('gives each reader of a partition all of it, however many there are at once', async () => {
      const kafka = client();
      const producer = await kafka.openProducer();
      const { end } = (await kafka.ends(topic))[0]!;
      await producer.send(['1', '2', '3'].map((text) => record(0, text)));
      const readers = [0, 1, 2].map((behind) => kafka.openReader(topic, 0, end + behind));
      for (const [behind, reader] of readers.entries()) {
        expect(textsOf(await readAll(reader, 3 - behind))).toEqual(['1', '2', '3'].slice(behind));
      }
      await producer.send([record(0, '4')]);
      const found = await Promise.all(readers.map((reader) => readAll(reader, 1)));
      expect(found.map(textsOf)).toEqual([['4'], ['4'], ['4']]);
      for (const reader of readers) reader.close();
      await producer.close();
    });

    it('gives at most about what is asked for, and one record at least', async () => {
      const kafka = client();
      const producer = await kafka.openProducer();
      const { end } = (await kafka.ends(topic))[0]!;
      const large = 'x'.repeat(300_000);
      await producer.send([record(0, large), record(0, large), record(0, large)]);
      const reader = kafka.openReader(topic, 0, end);
      let rest = 3;
      while (rest > 0) {
        await reader.wait();
        const records = await reader.read(10);
        expect(records.length).toBe(1);
        rest--;
      }
      await producer.close();
    });

    it('says by name that a topic has other partitions than it must have', async () => {
      const kafka = client();
      const wrong = { ...specificationOf(topic), partitions: partitions + 1 };
      await kafka.ensureTopics([specificationOf(topic)]);
      const error: unknown = await kafka.ensureTopics([wrong]).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(CodedError);
      expect((error as CodedError).code).toBe('KAFKA_TOPIC_WRONG');
      expect((error as CodedError).fields).toMatchObject({ setting: 'partitions', is: partitions });
    });

    it('shares the partitions of a topic among the members of a group, and again when one leaves', async () => {
      const group = unique('group');
      const held = new Map<number, readonly number[]>();
      const join = (node: number) =>
        client().join({
          group,
          topic,
          node,
          assigned: (assigned) => void held.set(node, assigned),
          held: () => held.get(node) ?? [],
          lost: () => undefined,
        });
      const all = (): number[] => [...held.values()].flat().sort((a, b) => a - b);
      const first = await join(1);
      await until(() => held.get(1)?.length === partitions);
      const kept = held.get(1)!;
      const second = await join(2);
      await until(() => held.get(2)?.length === partitions / 2 && all().length === partitions);
      expect(all()).toEqual([...kept].sort((a, b) => a - b));
      await second.close();
      held.delete(2);
      await until(() => held.get(1)?.length === partitions);
      await first.close();
    });

    it('keeps what a group notes of its partitions', async () => {
      const kafka = client();
      const group = unique('group');
      expect(await kafka.groupOffsets(group, topic)).toEqual([]);
      const noted = [
        { partition: 1, offset: 12, note: '7' },
        { partition: 3, offset: 5, note: '' },
      ];
      await kafka.noteGroupOffsets(group, topic, noted);
      const found = [...(await kafka.groupOffsets(group, topic))];
      expect(found.sort((a, b) => a.partition - b.partition)).toEqual(noted);
    });
  });
}

function textsOf(records: readonly KafkaRecord[]): string[] {
  return records.map(({ value }) => value?.toString() ?? '');
}

async function readAll(reader: PartitionReader, count: number): Promise<KafkaRecord[]> {
  const records: KafkaRecord[] = [];
  while (records.length < count) {
    await reader.wait();
    records.push(...(await reader.read(1_000_000)));
  }
  return records;
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) {
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
  }
}
