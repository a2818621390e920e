/** How far InfluxDB is behind, also while it is away: what is stored against where the partitions end. */
import type { Offset, PartitionEnds } from '../../log/kafka/kafka.ts';
import type { Mark } from './feed.ts';

export interface Lag {
  open(partition: number, stored: Offset): void;
  close(partition: number): void;
  /** So far all of them is stored. */
  store(marks: ReadonlyMap<number, Mark>): void;
  /** Readers that may read no more learn of no new end, so Kafka is asked. */
  learnEnds(ends: readonly PartitionEnds[]): void;
  /** Batches of the open partitions that are not stored, about. */
  behind(reading: (partition: number) => Reading | undefined): number;
}

/** How far a partition is read. */
export interface Reading {
  /** Where it ends, as far as reading has told. */
  readonly end: Offset;
  /** Behind the last batch that was given to be stored. */
  readonly taken: Offset;
  /** Behind everything that was read, markers and aborted batches too; undefined where some waits. */
  readonly passed: Offset | undefined;
}

/** A batch and the marker that ends its transaction. */
const offsetsOfBatch = 2;

export function createLag(): Lag {
  const stored = new Map<number, Offset>();
  let ends: readonly PartitionEnds[] = [];
  return {
    open: (partition, offset) => void stored.set(partition, offset),
    close: (partition) => void stored.delete(partition),
    store(marks) {
      for (const [partition, { offset }] of marks) {
        if (stored.has(partition)) stored.set(partition, offset);
      }
    },
    learnEnds(told) {
      ends = told;
    },
    behind(reading) {
      let batches = 0;
      for (const [partition, offset] of stored) {
        const { end = 0, taken = 0, passed = 0 } = reading(partition) ?? {};
        const from = offset >= taken ? Math.max(offset, passed) : offset;
        const left = Math.max(end, ends[partition]?.end ?? 0) - from;
        batches += Math.ceil(Math.max(0, left - 1) / offsetsOfBatch);
      }
      return batches;
    },
  };
}
