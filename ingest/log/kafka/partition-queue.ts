/** What was fetched of one partition and not read yet. */
import { kafkaError } from './errors.ts';
import { createStock, type Stock } from './stock.ts';
import { createWaiters, type Waiters } from './waiters.ts';
import type { KafkaRecord, Offset, PartitionReader } from './kafka.ts';

export interface PartitionQueueOptions {
  readonly topic: string;
  readonly partition: number;
  readonly offset: Offset;
  readonly bytesMax: number;
  /** There is room again, or another offset is wanted. */
  readonly stir: () => void;
  readonly closed: () => void;
}

export interface PartitionQueue {
  readonly topic: string;
  readonly partition: number;
  readonly reader: PartitionReader;
  /** Offset to ask for next. */
  readonly asks: Offset;
  readonly wantsMore: boolean;
  /** Nothing is asked for until some is read. */
  readonly isFull: boolean;
  /** For the fetcher: which server leads the partition, undefined until it is known. */
  server: string | undefined;
  /** For the fetcher: its server is looked for, or it failed a moment ago. */
  isWaiting: boolean;
  /** How often in a row it failed. */
  failures: number;
  /** What was answered to `asks`. */
  take(answered: Answered): void;
  /** The next read of an empty queue rejects with it; `isFinal`: and so does each one until `seek`. */
  fail(error: Error, isFinal?: boolean): void;
}

export interface Answered {
  readonly records: readonly KafkaRecord[];
  /** Offset to ask for next. */
  readonly next: Offset;
  readonly ends: LogEnds;
  /** Wall clock, before it was asked for: the answer may have been long on its way. */
  readonly askedAt: number;
}

/** Of what is committed, and of all: between them transactions are open. */
export interface LogEnds {
  readonly stable: Offset;
  readonly high: Offset;
}

export function createPartitionQueue(options: PartitionQueueOptions): PartitionQueue {
  const stock = createStock();
  const waiters = createWaiters();
  const state: QueueState = {
    next: options.offset,
    asks: options.offset,
    end: 0,
    levelAt: Number.NEGATIVE_INFINITY,
    problem: undefined,
    isStuck: false,
    isClosed: false,
  };
  return {
    topic: options.topic,
    partition: options.partition,
    reader: createReader({ options, stock, waiters, state }),
    get asks() {
      return state.asks;
    },
    get wantsMore() {
      return !state.isClosed && !state.isStuck && stock.bytes < options.bytesMax;
    },
    get isFull() {
      return !state.isClosed && stock.bytes >= options.bytesMax;
    },
    server: undefined,
    isWaiting: false,
    failures: 0,
    take({ records, next: behind, ends: { stable, high }, askedAt }) {
      if (state.isClosed) return;
      this.failures = 0;
      stock.add(records);
      // Markers and aborted records too: who waits for the end has come nearer to it.
      const isAhead = behind > state.asks;
      state.asks = behind;
      state.end = stable;
      // What is in an open transaction may have been published before.
      if (behind >= high) state.levelAt = askedAt;
      if (stock.isEmpty) state.next = behind;
      state.problem = undefined;
      if (isAhead) waiters.wake();
    },
    fail(error, isFinal = false) {
      state.problem = error;
      state.isStuck = isFinal;
      waiters.wake();
    },
  };
}

interface QueueState {
  next: Offset;
  /** Offset to ask for next. */
  asks: Offset;
  /** Of what is committed, as last seen. */
  end: Offset;
  levelAt: number;
  problem: Error | undefined;
  isStuck: boolean;
  isClosed: boolean;
}

interface QueueParts {
  readonly options: PartitionQueueOptions;
  readonly stock: Stock;
  readonly waiters: Waiters;
  readonly state: QueueState;
}

function createReader({ options, stock, waiters, state }: QueueParts): PartitionReader {
  return {
    get next() {
      return state.next;
    },
    get end() {
      return state.end;
    },
    get levelAt() {
      const isLevel = stock.isEmpty && state.asks >= state.end;
      return isLevel ? state.levelAt : Number.NEGATIVE_INFINITY;
    },
    async read(bytesMax) {
      if (state.isClosed) throw kafkaError('KAFKA_UNREACHABLE', { reason: 'the reader is closed' });
      if (stock.isEmpty) throwProblem(state);
      const given = stock.pull(bytesMax);
      state.next = stock.firstOffset ?? state.asks;
      if (given.length > 0) options.stir();
      return given;
    },
    async wait(signal) {
      const hasNews = !stock.isEmpty || state.problem !== undefined || state.isClosed;
      if (!hasNews && signal?.aborted !== true) await waiters.wait(signal);
    },
    seek(offset) {
      stock.clear();
      state.problem = undefined;
      state.isStuck = false;
      state.next = offset;
      state.asks = offset;
      state.levelAt = Number.NEGATIVE_INFINITY;
      options.stir();
    },
    close() {
      if (state.isClosed) return;
      state.isClosed = true;
      stock.clear();
      options.closed();
      waiters.wake();
    },
  };
}

/** Once; what is final again and again, until the reader is moved. */
function throwProblem(state: QueueState): void {
  const { problem } = state;
  if (problem === undefined) return;
  if (!state.isStuck) state.problem = undefined;
  throw problem;
}
