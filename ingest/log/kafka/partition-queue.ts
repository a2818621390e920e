/** What was fetched of one partition and not read yet. */
import { kafkaError } from './errors.ts';
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

/** Of a record's headers and key, beside its value. */
const recordOverheadBytes = 200;

export function createPartitionQueue(options: PartitionQueueOptions): PartitionQueue {
  let records: KafkaRecord[] = [];
  let at = 0;
  let bytes = 0;
  let next = options.offset;
  let asks = options.offset;
  let end = 0;
  let levelAt = Number.NEGATIVE_INFINITY;
  let problem: Error | undefined;
  let isStuck = false;
  let isClosed = false;
  let waiting: (() => void)[] = [];

  function wake(): void {
    const woken = waiting;
    waiting = [];
    for (const each of woken) each();
  }

  function clear(): void {
    records = [];
    at = 0;
    bytes = 0;
  }

  function pull(bytesMax: number): KafkaRecord[] {
    const given: KafkaRecord[] = [];
    let givenBytes = 0;
    while (at < records.length && (given.length === 0 || givenBytes < bytesMax)) {
      const record = records[at++]!;
      given.push(record);
      givenBytes += contentBytes(record);
      bytes -= sizeOf(record);
    }
    if (at === records.length) {
      clear();
      next = asks;
    } else {
      next = records[at]!.offset;
    }
    return given;
  }

  const reader: PartitionReader = {
    get next() {
      return next;
    },
    get end() {
      return end;
    },
    get levelAt() {
      return at === records.length && asks >= end ? levelAt : Number.NEGATIVE_INFINITY;
    },
    async read(bytesMax) {
      if (isClosed) throw kafkaError('KAFKA_UNREACHABLE', { reason: 'the reader is closed' });
      if (at === records.length && problem !== undefined) {
        const told = problem;
        if (!isStuck) problem = undefined;
        throw told;
      }
      const given = pull(bytesMax);
      if (given.length > 0) options.stir();
      return given;
    },
    wait(signal) {
      if (at < records.length || problem !== undefined || isClosed || signal?.aborted === true) {
        return Promise.resolve();
      }
      return new Promise((resolve) => {
        const done = (): void => {
          signal?.removeEventListener('abort', done);
          resolve();
        };
        waiting.push(done);
        signal?.addEventListener('abort', done);
      });
    },
    seek(offset) {
      clear();
      problem = undefined;
      isStuck = false;
      next = offset;
      asks = offset;
      levelAt = Number.NEGATIVE_INFINITY;
      options.stir();
    },
    close() {
      if (isClosed) return;
      isClosed = true;
      clear();
      options.closed();
      wake();
    },
  };

  return {
    topic: options.topic,
    partition: options.partition,
    reader,
    get asks() {
      return asks;
    },
    get wantsMore() {
      return !isClosed && !isStuck && bytes < options.bytesMax;
    },
    server: undefined,
    isAsked: false,
    askedAt: 0,
    take(fetched, behind, { stable, high }) {
      for (const record of fetched) bytes += sizeOf(record);
      if (at === records.length) {
        records = [...fetched];
        at = 0;
      } else {
        records.push(...fetched);
      }
      // Markers and aborted records too: who waits for the end has come nearer to it.
      const isAhead = behind > asks;
      asks = behind;
      end = stable;
      // What is in an open transaction may have been published before now.
      if (asks >= high) levelAt = options.now();
      if (records.length === 0) next = behind;
      problem = undefined;
      if (isAhead) wake();
    },
    fail(error, isFinal = false) {
      problem = error;
      isStuck = isFinal;
      wake();
    },
  };
}

function contentBytes({ key, value }: KafkaRecord): number {
  return (key?.length ?? 0) + (value?.length ?? 0);
}

/** In memory. */
function sizeOf(record: KafkaRecord): number {
  return contentBytes(record) + recordOverheadBytes;
}
