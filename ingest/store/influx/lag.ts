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
  /** Batches of the open partitions that are not stored, about. `readTo`: ends as reading tells them. */
  behind(readTo: (partition: number) => Offset): number;
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
    behind(readTo) {
      let offsets = 0;
      for (const [partition, offset] of stored) {
        const end = Math.max(readTo(partition), ends[partition]?.end ?? 0);
        offsets += Math.max(0, end - offset);
      }
      return Math.floor(offsets / offsetsOfBatch);
    },
  };
}
