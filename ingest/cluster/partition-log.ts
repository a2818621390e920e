/**
 * A partition as the log that ingest reads: what Kafka has fetched and what it says of the end, behind
 * the port of a log. Positions have holes where transactions ended.
 */
import { sleep, type Clock } from '../../devices/clock.ts';
import { CodedError } from '../../devices/coded-error.ts';
import { kafkaError } from '../log/kafka/errors.ts';
import type { KafkaRecord, Offset, PartitionReader } from '../log/kafka/kafka.ts';
import type { DurableEnd, LogReader, LogRecord, Position } from '../log/log.ts';

export interface PartitionLogOptions {
  /** Called when reading begins, not before. */
  readonly open: (offset: Offset) => PartitionReader;
  readonly toRecord: (record: KafkaRecord) => LogRecord;
  readonly placeOf: (offset: Offset) => Position;
  /** Of the first record at or behind a position. */
  readonly offsetOf: (position: Position) => Offset;
}

export interface FollowedPartition {
  readonly reader: LogReader;
  readonly end: DurableEnd;
  /** Offsets that are not read yet, as far as is known. */
  readonly behind: number;
}

/** Follows what comes: an empty read says that nothing is fetched yet; `end` tells when there is. */
export function followPartition(options: PartitionLogOptions): FollowedPartition {
  const { open, toRecord, placeOf, offsetOf } = options;
  let opened: PartitionReader | undefined;
  let problem: unknown;
  const reader = (): PartitionReader => (opened ??= open(0));
  return {
    reader: {
      get next() {
        return placeOf(reader().next);
      },
      async read(bytesMax) {
        problem = undefined;
        try {
          return (await reader().read(bytesMax)).map(toRecord);
        } catch (error) {
          problem = error;
          throw error;
        }
      },
      // What retention deleted before it was read is gone: the oldest kept offset is where to go on.
      async skipDamaged() {
        const from = reader().next;
        const start = startOfKept(problem);
        if (start === undefined || start <= from) return null;
        reader().seek(start);
        return { first: placeOf(from), last: placeOf(start - 1) };
      },
      seek(position) {
        const offset = offsetOf(position);
        opened ??= open(offset);
        if (opened.next !== offset) opened.seek(offset);
      },
      close: async () => opened?.close(),
    },
    end: {
      get: () => placeOf((opened?.end ?? 0) - 1),
      waitBeyond: (_position, signal) => reader().wait(signal),
    },
    get behind() {
      return opened === undefined ? 0 : Math.max(0, opened.end - opened.next);
    },
  };
}

/** The oldest kept offset, where the error says that what was asked for is no longer kept. */
export function startOfKept(error: unknown): Offset | undefined {
  if (!(error instanceof CodedError) || error.code !== 'KAFKA_OFFSET_GONE') return undefined;
  const { start } = error.fields;
  return typeof start === 'number' ? start : undefined;
}

export interface LookUpOptions extends PartitionLogOptions {
  readonly clock: Clock;
  /** Behind the last committed record, asked whenever what was known of it is reached. */
  readonly endOf: () => Promise<Offset>;
  readonly from: Position;
  /** Nobody waits for an answer any more: reads reject. */
  readonly signal: AbortSignal;
}

const retryMs = 250;

/**
 * Looks up what is there already: an empty read says that nothing committed follows. While Kafka does
 * not answer it waits, since what is there would else be taken for missing.
 */
export function lookUpPartition(options: LookUpOptions): LogReader {
  const { clock, signal, toRecord, placeOf, offsetOf } = options;
  let reader: PartitionReader | undefined;
  let end = 0;
  let next = offsetOf(options.from);

  /** Undefined: something may follow that is not fetched yet. */
  async function readSome(bytesMax: number): Promise<readonly LogRecord[] | undefined> {
    if (next >= end) end = await options.endOf();
    if (next >= end) return [];
    reader ??= options.open(next);
    const records = await reader.read(bytesMax);
    ({ next } = reader);
    if (records.length > 0) return records.map(toRecord);
    if (next < end) await reader.wait(signal);
    return undefined;
  }

  const drop = (): void => {
    reader?.close();
    reader = undefined;
  };
  return {
    get next() {
      return placeOf(next);
    },
    async read(bytesMax) {
      for (;;) {
        if (signal.aborted) throw kafkaError('KAFKA_UNREACHABLE', { reason: 'given up' });
        try {
          const records = await readSome(bytesMax);
          if (records !== undefined) return records;
        } catch (error) {
          if (!(error instanceof CodedError) || !error.canRetry) throw error;
          await sleep(clock, retryMs);
        }
      }
    },
    skipDamaged: async () => null,
    seek(position) {
      drop();
      next = offsetOf(position);
    },
    close: async () => drop(),
  };
}
