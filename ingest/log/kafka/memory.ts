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
  Membership,
  MembershipOptions,
  Offset,
  OutgoingRecord,
  PartitionReader,
  Producer,
} from './kafka.ts';
import { createTopics, type StoredPartition, type StoredTopics } from './memory-topics.ts';

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
  /** By how much the clocks of all clients are behind; nobody knows before something is stored. */
  clockBehindMs?: number;
  /** After: nothing is given although there is something, as while it is still being fetched. */
  read?: (topic: string, partition: number) => Fault;
}

export interface KafkaServer {
  readonly faults: KafkaFaults;
  /** One client: `close` ends what it opened. */
  connect(): Kafka;
  records(topic: string, partition: number): readonly KafkaRecord[];
  /** Deletes all of a topic, as who makes it anew does: offsets begin at 0 again. */
  empty(topic: string): void;
  /** Deletes what lies before an offset, as retention does. */
  trim(topic: string, partition: number, before: Offset): void;
}

export function createKafkaServer(): KafkaServer {
  const topics = createTopics();
  const faults: KafkaFaults = {};
  const openTransactions = createTransactions(topics, faults);
  const groups = createGroups(topics);
  const notes = createNotes();
  return {
    faults,
    connect: () => ({
      openProducer: async () => openProducer(topics, faults),
      openTransactions,
      openReader: (topic, partition, offset) =>
        openReader({ topics, faults, topic, partition }, offset),
      ends: async (topic) => topics.all(topic).map(({ start, end }) => ({ start, end })),
      ensureTopics: async (wanted) => {
        for (const each of wanted) topics.ensure(each);
      },
      join: async (options) => groups.join(options),
      groupOffsets: async (group, topic) => [...notes(group, topic).values()],
      async noteGroupOffsets(group, topic, offsets) {
        for (const offset of offsets) notes(group, topic).set(offset.partition, offset);
      },
      close: async () => undefined,
    }),
    records: (topic, partition) => topics.at(topic, partition).records,
    empty(topic) {
      for (const partition of topics.all(topic)) {
        partition.start = 0;
        partition.end = 0;
        partition.records.length = 0;
      }
    },
    trim(topic, partition, before) {
      const target = topics.at(topic, partition);
      target.start = before;
      target.records.splice(0, target.records.filter(({ offset }) => offset < before).length);
    },
  };
}

function openProducer(topics: StoredTopics, faults: KafkaFaults): Producer {
  return {
    async send(records) {
      await Promise.resolve();
      const fault = faults.send?.(records) ?? 'none';
      if (fault === 'before') throw kafkaError('KAFKA_UNREACHABLE');
      topics.refuse(records);
      topics.store(records, false);
      if (fault === 'after') throw kafkaError('KAFKA_UNREACHABLE');
    },
    close: async () => undefined,
  };
}

function createTransactions(topics: StoredTopics, faults: KafkaFaults): Kafka['openTransactions'] {
  const epochs = new Map<string, number>();
  const late = new Map<string, readonly OutgoingRecord[]>();
  return async (id) => {
    if (faults.open?.(id) === 'before') throw kafkaError('KAFKA_UNREACHABLE', { id });
    const epoch = (epochs.get(id) ?? 0) + 1;
    epochs.set(id, epoch);
    const committedLate = late.get(id);
    late.delete(id);
    if (committedLate !== undefined) topics.store(committedLate, true);
    let clockBehindMs: number | undefined;
    return {
      get clockBehindMs() {
        return clockBehindMs;
      },
      async commit(records, isWanted) {
        await Promise.resolve();
        clockBehindMs = faults.clockBehindMs ?? 0;
        const fault = (await faults.commit?.(records)) ?? 'none';
        const isFenced = epochs.get(id) !== epoch;
        const isLate = isWanted?.() === false;
        if (isFenced || isLate || fault === 'before') topics.abort(records);
        if (isFenced) throw kafkaError('KAFKA_FENCED', { id });
        if (isLate) throw kafkaError('KAFKA_LATE', { id });
        topics.refuse(records);
        if (fault === 'late') late.set(id, records);
        else if (fault !== 'before') topics.store(records, true);
        if (fault !== 'none') throw kafkaError('KAFKA_OUTCOME_UNKNOWN', { id });
      },
      close: async () => undefined,
    };
  };
}

interface ReaderParts {
  readonly topics: StoredTopics;
  readonly faults: KafkaFaults;
  readonly topic: string;
  readonly partition: number;
}

function openReader(
  { topics, faults, topic, partition }: ReaderParts,
  offset: Offset,
): PartitionReader {
  let next = offset;
  const stored = (): StoredPartition => topics.at(topic, partition);
  return {
    get next() {
      return next;
    },
    get end() {
      return stored().end;
    },
    get levelAt() {
      return next >= stored().end ? Number.MAX_SAFE_INTEGER : Number.NEGATIVE_INFINITY;
    },
    async read(bytesMax) {
      await Promise.resolve();
      const fault = faults.read?.(topic, partition) ?? 'none';
      if (fault === 'before') throw kafkaError('KAFKA_UNREACHABLE', { topic, partition });
      if (fault === 'after') return [];
      const { records, start, end } = stored();
      if (next < start) throw kafkaError('KAFKA_OFFSET_GONE', { topic, partition, next, start });
      const given = recordsFrom(records, next, bytesMax);
      const last = given.at(-1);
      next = last === undefined || last === records.at(-1) ? end : last.offset + 1;
      return given;
    },
    wait(signal) {
      const isOver = next < stored().end || signal?.aborted === true;
      return isOver ? Promise.resolve() : topics.change(signal);
    },
    seek(to) {
      next = to;
    },
    close: () => undefined,
  };
}

/** Of about so many bytes, one at least. */
function recordsFrom(
  records: readonly KafkaRecord[],
  offset: Offset,
  bytesMax: number,
): KafkaRecord[] {
  const given: KafkaRecord[] = [];
  let bytes = 0;
  for (const record of records) {
    if (record.offset < offset) continue;
    if (given.length > 0 && bytes >= bytesMax) break;
    given.push(record);
    bytes += record.value?.length ?? 0;
  }
  return given;
}

/** Partitions in turn, to the members as they came. */
function createGroups(topics: StoredTopics): { join(options: MembershipOptions): Membership } {
  const groups = new Map<string, MembershipOptions[]>();

  function share(group: string): void {
    const members = groups.get(group) ?? [];
    const count = topics.all(members[0]?.topic ?? '').length;
    const all = Array.from({ length: count }, (_none, partition) => partition);
    for (const [at, { assigned }] of members.entries()) {
      assigned(all.filter((partition) => partition % members.length === at));
    }
  }

  return {
    join(options) {
      const { group } = options;
      groups.set(group, [...(groups.get(group) ?? []), options]);
      share(group);
      return {
        async close() {
          groups.set(group, groups.get(group)?.filter((member) => member !== options) ?? []);
          share(group);
        },
      };
    },
  };
}

function createNotes(): (group: string, topic: string) => Map<number, GroupOffset> {
  const notes = new Map<string, Map<number, GroupOffset>>();
  return (group, topic) => {
    const name = `${group} ${topic}`;
    const found = notes.get(name) ?? new Map<number, GroupOffset>();
    notes.set(name, found);
    return found;
  };
}
