/** What the double of Kafka stores: records by topic and partition, with the offsets that a server gives. */
import { kafkaError } from './errors.ts';
import type { KafkaRecord, Offset, OutgoingRecord, TopicSpecification } from './kafka.ts';

export interface StoredPartition {
  start: Offset;
  end: Offset;
  readonly records: KafkaRecord[];
}

export interface StoredTopics {
  /** Rejects a topic or a partition that is not there. */
  at(topic: string, partition: number): StoredPartition;
  all(topic: string): readonly StoredPartition[];
  ensure(wanted: TopicSpecification): void;
  /** Throws KAFKA_RECORD_TOO_LARGE where a topic does not take one of them. */
  refuse(records: readonly OutgoingRecord[]): void;
  store(records: readonly OutgoingRecord[], isTransaction: boolean): void;
  /** A transaction that came to nothing takes offsets at which nobody sees anything. */
  abort(records: readonly OutgoingRecord[]): void;
  /** Resolves when something was stored or aborted, or the signal aborts. */
  change(signal: AbortSignal | undefined): Promise<void>;
}

export function createTopics(): StoredTopics {
  const topics = new Map<string, StoredPartition[]>();
  const bytesMax = new Map<string, number>();
  let waiters: (() => void)[] = [];

  function at(topic: string, partition: number): StoredPartition {
    const found = topics.get(topic)?.[partition];
    if (found === undefined) throw kafkaError('KAFKA_UNREACHABLE', { topic, partition });
    return found;
  }

  /** The marker that ends a transaction takes an offset of its own in each partition. */
  function end(touched: Iterable<StoredPartition>, isTransaction: boolean): void {
    if (isTransaction) for (const target of touched) target.end++;
    const woken = waiters;
    waiters = [];
    for (const wake of woken) wake();
  }

  return {
    at,
    all: (topic) => topics.get(topic) ?? [],
    ensure({ topic, partitions, messageBytesMax }) {
      const present = topics.get(topic);
      if (present !== undefined && present.length !== partitions) {
        const fields = { topic, setting: 'partitions', is: present.length };
        throw kafkaError('KAFKA_TOPIC_WRONG', { ...fields, mustBe: partitions });
      }
      const made = Array.from({ length: partitions }, () => ({ start: 0, end: 0, records: [] }));
      if (present !== undefined) return;
      topics.set(topic, made);
      bytesMax.set(topic, messageBytesMax);
    },
    refuse(records) {
      for (const { topic, value } of records) {
        if ((value?.length ?? 0) <= bytesMax.get(topic)!) continue;
        throw kafkaError('KAFKA_RECORD_TOO_LARGE', { topic });
      }
    },
    store(records, isTransaction) {
      const touched = new Set<StoredPartition>();
      for (const record of records) {
        const target = at(record.topic, record.partition);
        touched.add(target);
        target.records.push(storedOf(record, target.end++));
      }
      end(touched, isTransaction);
    },
    abort(records) {
      const touched = new Set<StoredPartition>();
      for (const { topic, partition } of records) {
        const target = at(topic, partition);
        target.end++;
        touched.add(target);
      }
      end(touched, true);
    },
    change: (signal) =>
      new Promise((resolve) => {
        waiters.push(resolve);
        signal?.addEventListener('abort', () => resolve(), { once: true });
      }),
  };
}

function storedOf({ key, value, headers = {} }: OutgoingRecord, offset: Offset): KafkaRecord {
  const texts = Object.entries(headers);
  return {
    offset,
    key: key === null ? null : Buffer.from(key),
    value: value === null ? null : Buffer.from(value),
    headers: Object.fromEntries(texts.map(([name, text]) => [name, Buffer.from(text)])),
  };
}
