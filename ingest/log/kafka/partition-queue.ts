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
  /** Wall clock. */
  readonly now: () => number;
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
  /** Which server leads the partition, and whether a request for it is under way. */
  server: string | undefined;
  isAsked: boolean;
  /** Turn in which it was last asked for; 0 before the first. */
  askedAt: number;
  /** Ends: of what is committed, and of all; between them transactions are open. */
  take(
    records: readonly KafkaRecord[],
    next: Offset,
    ends: { readonly stable: Offset; readonly high: Offset },
  ): void;
  /** The next read of an empty queue rejects with it; `isFinal`: and so does each one until `seek`. */
  fail(error: Error, isFinal?: boolean): void;
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
    server: undefined,
    isAsked: false,
    askedAt: 0,
    take(fetched, behind, { stable, high }) {
      if (state.isClosed) return;
      stock.add(fetched);
      // Markers and aborted records too: who waits for the end has come nearer to it.
      const isAhead = behind > state.asks;
      state.asks = behind;
      state.end = stable;
      // What is in an open transaction may have been published before now.
      if (behind >= high) state.levelAt = options.now();
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
