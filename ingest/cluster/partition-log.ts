/**
 * A partition as the log that ingest reads: what Kafka has fetched and what it says of the end, behind
 * the port of a log. Positions have holes where transactions ended.
 */
import { CodedError } from '../../devices/coded-error.ts';
import type { KafkaRecord, Offset, PartitionReader } from '../log/kafka/kafka.ts';
import type { DurableEnd, LogReader, LogRecord, Position } from '../log/log.ts';

export interface PartitionLogOptions {
  readonly reader: PartitionReader;
  readonly toRecord: (record: KafkaRecord) => LogRecord;
  readonly placeOf: (offset: Offset) => Position;
  readonly offsetOf: (position: Position) => Offset;
}

/** Follows what comes: an empty read says that nothing is fetched yet; `end` tells when there is. */
export function followPartition(options: PartitionLogOptions): {
  readonly reader: LogReader;
  readonly end: DurableEnd;
} {
  const { reader, toRecord, placeOf, offsetOf } = options;
  return {
    reader: {
      get next() {
        return placeOf(reader.next);
      },
      read: async (bytesMax) => (await reader.read(bytesMax)).map(toRecord),
      skipDamaged: createSkip(options),
      seek: (position) => reader.seek(offsetOf(position)),
      close: async () => reader.close(),
    },
    end: {
      get: () => placeOf(reader.end - 1),
      waitBeyond: (_position, signal) => reader.wait(signal),
    },
  };
}

/** What retention deleted before it was read is gone: the next kept offset is where to go on. */
function createSkip({ reader, placeOf }: PartitionLogOptions): LogReader['skipDamaged'] {
  return async () => {
    const from = reader.next;
    try {
      await reader.read(1);
    } catch (error) {
      const start = error instanceof CodedError ? error.fields['start'] : undefined;
      const isGone = error instanceof CodedError && error.code === 'KAFKA_OFFSET_GONE';
      if (!isGone || typeof start !== 'number' || start <= from) return null;
      reader.seek(start);
      return { first: placeOf(from), last: placeOf(start - 1) };
    }
    return null;
  };
}

/** Looks up what is there already: an empty read says that nothing committed follows. */
export function lookUpPartition(
  options: Omit<PartitionLogOptions, 'reader'> & {
    /** Opens nothing until it is first needed. */
    readonly open: (offset: Offset) => PartitionReader;
    /** Behind the last committed record, asked at each seek. */
    readonly endOf: () => Promise<Offset>;
    readonly from: Position;
  },
): LogReader {
  const { toRecord, placeOf, offsetOf } = options;
  let reader: PartitionReader | undefined;
  let end: Offset | undefined;
  let next = offsetOf(options.from);
  const read = async (bytesMax: number): Promise<readonly LogRecord[]> => {
    end ??= await options.endOf();
    reader ??= options.open(next);
    for (;;) {
      const records = await reader.read(bytesMax);
      next = reader.next;
      if (records.length > 0) return records.map(toRecord);
      if (next >= end) return [];
      await reader.wait();
    }
  };
  const drop = (): void => {
    reader?.close();
    reader = undefined;
    end = undefined;
  };
  return {
    get next() {
      return placeOf(next);
    },
    read,
    skipDamaged: async () => null,
    seek(position) {
      drop();
      next = offsetOf(position);
    },
    close: async () => drop(),
  };
}
