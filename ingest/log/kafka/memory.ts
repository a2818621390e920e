/**
 * Kafka in memory, for tests of what servers do wrong: same port, same rules (committed readers stop
 * at the first open transaction, opening a transactional id ends what its last holder had begun),
 * with a hand on every answer through `faults`. It outlives its clients as a server does.
 */
import { kafkaError } from './errors.ts';
import type {
  GroupOffset,
  Kafka,
  KafkaRecord,
  MembershipOptions,
  Offset,
  OutgoingRecord,
  PartitionReader,
  TopicSpecification,
  TransactionalProducer,
} from './kafka.ts';

/** What the server does with a call: answer, fail before it did anything, or after it did all. */
export type Fault = 'none' | 'before' | 'after';

/**
 * Of a transaction: aborted, committed, or committed at last when the id is opened anew, without the
 * client being told in any of the three.
 */
export type CommitFault = Fault | 'late';

export interface KafkaFaults {
  send?: (records: readonly OutgoingRecord[]) => Fault;
  /** A transaction whose answer is awaited here is still open: the next to open its id aborts it. */
  commit?: (records: readonly OutgoingRecord[]) => CommitFault | Promise<CommitFault>;
  open?: (transactionalId: string) => Fault;
  /** After: nothing is given although there is something, as while it is still being fetched. */
  read?: (topic: string, partition: number) => Fault;
}

interface StoredPartition {
  start: Offset;
  end: Offset;
  readonly records: KafkaRecord[];
}

interface Member {
  readonly options: MembershipOptions;
}

export interface KafkaServer {
  readonly faults: KafkaFaults;
  /** One client: `close` ends what it opened. */
  connect(): Kafka;
  records(topic: string, partition: number): readonly KafkaRecord[];
  /** Deletes what lies before an offset, as retention does. */
  trim(topic: string, partition: number, before: Offset): void;
}

export function createKafkaServer(): KafkaServer {
  const topics = new Map<string, StoredPartition[]>();
  const specifications = new Map<string, TopicSpecification>();
  const epochs = new Map<string, number>();
  const late = new Map<string, readonly OutgoingRecord[]>();
  const groups = new Map<string, Member[]>();
  const notes = new Map<string, Map<number, GroupOffset>>();
  const faults: KafkaFaults = {};
  let waiters: (() => void)[] = [];

  function partitionAt(topic: string, partition: number): StoredPartition {
    const found = topics.get(topic)?.[partition];
    if (found === undefined) throw kafkaError('KAFKA_UNREACHABLE', { topic, partition });
    return found;
  }

  function store(records: readonly OutgoingRecord[], isTransaction: boolean): void {
    const touched = new Set<StoredPartition>();
    for (const { topic, partition, key, value, headers = {} } of records) {
      const target = partitionAt(topic, partition);
      touched.add(target);
      target.records.push({
        offset: target.end++,
        key: key === null ? null : Buffer.from(key),
        value: value === null ? null : Buffer.from(value),
        headers: Object.fromEntries(
          Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)]),
        ),
      });
    }
    if (isTransaction) endTransaction(touched);
    wakeAll();
  }

  /** The marker that ends a transaction takes an offset of its own in each partition. */
  function endTransaction(touched: Iterable<StoredPartition>): void {
    for (const target of touched) target.end++;
  }

  /** What was sent of it takes offsets that nobody sees anything at. */
  function abort(records: readonly OutgoingRecord[]): void {
    const touched = new Set<StoredPartition>();
    for (const { topic, partition } of records) {
      const target = partitionAt(topic, partition);
      target.end++;
      touched.add(target);
    }
    endTransaction(touched);
    wakeAll();
  }

  function wakeAll(): void {
    const woken = waiters;
    waiters = [];
    for (const wake of woken) wake();
  }

  function share(group: string): void {
    const members = groups.get(group) ?? [];
    const [first] = members;
    if (first === undefined) return;
    const count = topics.get(first.options.topic)?.length ?? 0;
    const parts = members.map((): number[] => []);
    for (let partition = 0; partition < count; partition++) {
      parts[partition % members.length]!.push(partition);
    }
    members.forEach((member, at) => member.options.assigned(parts[at]!));
  }

  async function openTransactions(id: string): Promise<TransactionalProducer> {
    if (faults.open?.(id) === 'before') throw kafkaError('KAFKA_UNREACHABLE', { id });
    const epoch = (epochs.get(id) ?? 0) + 1;
    epochs.set(id, epoch);
    const committedLate = late.get(id);
    late.delete(id);
    if (committedLate !== undefined) store(committedLate, true);
    return {
      async commit(records) {
        await Promise.resolve();
        const fault = (await faults.commit?.(records)) ?? 'none';
        const isFenced = epochs.get(id) !== epoch;
        if (isFenced || fault === 'before') abort(records);
        if (isFenced) throw kafkaError('KAFKA_FENCED', { id });
        if (fault === 'late') late.set(id, records);
        else if (fault !== 'before') store(records, true);
        if (fault !== 'none') throw kafkaError('KAFKA_OUTCOME_UNKNOWN', { id });
      },
      close: async () => undefined,
    };
  }

  function openReader(topic: string, partition: number, offset: Offset): PartitionReader {
    let next = offset;
    return {
      get next() {
        return next;
      },
      get end() {
        return partitionAt(topic, partition).end;
      },
      get levelAt() {
        const { end } = partitionAt(topic, partition);
        return next >= end ? Number.MAX_SAFE_INTEGER : Number.NEGATIVE_INFINITY;
      },
      async read(bytesMax) {
        await Promise.resolve();
        const fault = faults.read?.(topic, partition) ?? 'none';
        if (fault === 'before') throw kafkaError('KAFKA_UNREACHABLE', { topic, partition });
        if (fault === 'after') return [];
        const { records, start, end } = partitionAt(topic, partition);
        if (next < start) throw kafkaError('KAFKA_OFFSET_GONE', { topic, partition, next, start });
        const given: KafkaRecord[] = [];
        let bytes = 0;
        for (const record of records) {
          if (record.offset < next) continue;
          if (given.length > 0 && bytes >= bytesMax) break;
          given.push(record);
          bytes += record.value?.length ?? 0;
        }
        const last = given.at(-1);
        next = last === undefined || last === records.at(-1) ? end : last.offset + 1;
        return given;
      },
      wait(signal) {
        if (next < partitionAt(topic, partition).end || signal?.aborted) return Promise.resolve();
        return new Promise((resolve) => {
          waiters.push(resolve);
          signal?.addEventListener('abort', () => resolve(), { once: true });
        });
      },
      seek(to) {
        next = to;
      },
      close: () => undefined,
    };
  }

  function connect(): Kafka {
    return {
      async openProducer() {
        return {
          async send(records) {
            await Promise.resolve();
            const fault = faults.send?.(records) ?? 'none';
            if (fault === 'before') throw kafkaError('KAFKA_UNREACHABLE');
            store(records, false);
            if (fault === 'after') throw kafkaError('KAFKA_UNREACHABLE');
          },
          close: async () => undefined,
        };
      },
      openTransactions,
      openReader,
      ends: async (topic) => (topics.get(topic) ?? []).map(({ start, end }) => ({ start, end })),
      async ensureTopics(wanted) {
        for (const specification of wanted) {
          const { topic, partitions } = specification;
          const present = specifications.get(topic);
          if (present !== undefined && present.partitions !== partitions) {
            const fields = { topic, setting: 'partitions', is: present.partitions };
            throw kafkaError('KAFKA_TOPIC_WRONG', { ...fields, mustBe: partitions });
          }
          if (present !== undefined) continue;
          specifications.set(topic, specification);
          topics.set(
            topic,
            Array.from({ length: partitions }, () => ({ start: 0, end: 0, records: [] })),
          );
        }
      },
      async join(options) {
        const member = { options };
        groups.set(options.group, [...(groups.get(options.group) ?? []), member]);
        share(options.group);
        return {
          async close() {
            const left = (groups.get(options.group) ?? []).filter((other) => other !== member);
            groups.set(options.group, left);
            share(options.group);
          },
        };
      },
      groupOffsets: async (group, topic) => [...(notes.get(`${group} ${topic}`)?.values() ?? [])],
      async noteGroupOffsets(group, topic, offsets) {
        const noted = notes.get(`${group} ${topic}`) ?? new Map<number, GroupOffset>();
        for (const offset of offsets) noted.set(offset.partition, offset);
        notes.set(`${group} ${topic}`, noted);
      },
      close: async () => undefined,
    };
  }

  return {
    faults,
    connect,
    records: (topic, partition) => partitionAt(topic, partition).records,
    trim(topic, partition, before) {
      const target = partitionAt(topic, partition);
      target.start = before;
      target.records.splice(
        0,
        target.records.findIndex(({ offset }) => offset >= before),
      );
    },
  };
}
