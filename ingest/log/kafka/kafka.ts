/**
 * What the product asks of Kafka: the port that `open.ts` (kafkajs) and, for tests of what servers do wrong,
 * `memory.ts` implement. Everything here is about topics, partitions and offsets; what the
 * records mean is the callers' matter. Errors are KAFKA_… (errors.ts) and say whether to try again.
 */

/** Place of a record in its partition, from 0; transactions leave holes. */
export type Offset = number;

export interface KafkaRecord {
  readonly offset: Offset;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, Buffer>>;
}

export interface OutgoingRecord {
  readonly topic: string;
  readonly partition: number;
  readonly key: string | Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: Readonly<Record<string, string | Buffer>>;
}

/**
 * Sends with `acks=all`, idempotently. Records of one partition are stored in the order of the calls;
 * a call that rejects may have stored any of its records, and those behind it in order.
 */
export interface Producer {
  /** Resolves once every in-sync replica has all of them. One call at a time. */
  send(records: readonly OutgoingRecord[]): Promise<void>;
  close(): Promise<void>;
}

/**
 * Writes whole transactions under one transactional id. Opening it fences whoever held the id before:
 * what that one had begun is aborted, and its next commit rejects KAFKA_FENCED.
 */
export interface TransactionalProducer {
  /**
   * All records or none become visible to committed readers. Rejects KAFKA_FENCED when somebody else
   * opened the id since; KAFKA_OUTCOME_UNKNOWN when it may have been committed or not: this object is
   * then of no more use, and the end of the partition tells, once the id was opened anew. Rejects
   * KAFKA_LATE, of no more use either, where `isWanted` says no once all is sent: then nothing was, or
   * will be, committed. One call at a time.
   */
  commit(records: readonly OutgoingRecord[], isWanted?: () => boolean): Promise<void>;
  /**
   * By how much our clock was behind the server's when that last stored, 0 where it was not;
   * undefined before the first.
   */
  readonly clockBehindMs: number | undefined;
  close(): Promise<void>;
}

/** Reads one partition's committed records in order of their offsets. */
export interface PartitionReader {
  /** Offset from which `read` goes on. */
  readonly next: Offset;
  /**
   * Committed records from `next` on, at most about `bytesMax` bytes (at least one if there is one).
   * Empty at the end. Rejects KAFKA_OFFSET_GONE where `next` lies before the oldest kept record.
   */
  read(bytesMax: number): Promise<readonly KafkaRecord[]>;
  /**
   * Resolves once `read` may give something, or the signal aborts. Never rejects: what is wrong with
   * the connection is told by `read`.
   */
  wait(signal?: AbortSignal): Promise<void>;
  /** The end of what is committed, as last seen: the offset behind the last committed record or marker. */
  readonly end: Offset;
  /**
   * When the server last said that nothing committed lies at `next` or behind it, integer ms UTC;
   * −Infinity where something does, or it was not asked yet.
   */
  readonly levelAt: number;
  seek(offset: Offset): void;
  close(): void;
}

export interface PartitionEnds {
  /** Oldest kept offset. */
  readonly start: Offset;
  /** Behind the last committed record or marker; what is still open lies behind it. */
  readonly end: Offset;
}

/** What a topic must be: created so, and refused by name where it is otherwise. */
export interface TopicSpecification {
  readonly topic: string;
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly minInsyncReplicas: number;
  readonly cleanupPolicy: 'delete' | 'compact';
  /** -1: for ever. */
  readonly retentionMs: number;
  readonly messageBytesMax: number;
}

/** Membership of a group that shares the partitions of one topic. */
export interface Membership {
  /** Leaves the group: the others take over at once. */
  close(): Promise<void>;
}

export interface MembershipOptions {
  readonly group: string;
  readonly topic: string;
  /** Of two members of one node the later gets all: the other died and was not missed yet. */
  readonly node: number;
  /**
   * Told at each change, all partitions that this member has from now on. What it no longer has may
   * be somebody else's already: only a transactional id keeps two apart.
   */
  readonly assigned: (partitions: readonly number[]) => void;
  /** Partitions that this member works on: the assigner leaves them here where it is fair. */
  readonly working?: () => readonly number[];
  /** Partitions whose state this member has, the freshest first: it gets them before others do. */
  readonly held: () => readonly number[];
  /** Why the member is out of the group; it tries to come back by itself. */
  readonly lost: (error: unknown) => void;
}

export interface GroupOffset {
  readonly partition: number;
  readonly offset: Offset;
  /** Text kept beside the offset. */
  readonly note: string;
}

export interface Kafka {
  openProducer(): Promise<Producer>;
  openTransactions(transactionalId: string): Promise<TransactionalProducer>;
  /** A reader that begins at `offset`. Opens nothing until it is read. */
  openReader(topic: string, partition: number, offset: Offset): PartitionReader;
  ends(topic: string): Promise<readonly PartitionEnds[]>;
  /**
   * Creates what is missing. KAFKA_TOPIC_WRONG names the topic, the setting, what it is and what it
   * must be; more replicas and longer retention than asked for are right.
   */
  ensureTopics(topics: readonly TopicSpecification[]): Promise<void>;
  join(options: MembershipOptions): Promise<Membership>;
  /** What a group has noted for the partitions of a topic; none where it has noted nothing. */
  groupOffsets(group: string, topic: string): Promise<readonly GroupOffset[]>;
  noteGroupOffsets(group: string, topic: string, offsets: readonly GroupOffset[]): Promise<void>;
  close(): Promise<void>;
}
