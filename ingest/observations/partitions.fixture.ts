/**
 * A network's `observations` for tests: partitions that grow, and logs in memory that copy them, each
 * in an order of its own.
 */
import type { LogReader, Position } from '../log/log.ts';
import { encodeBatch, placeBatch } from './batch-codec.ts';
import type { Batch, BatchPlace } from './batch.ts';

export interface Partitions {
  readonly count: number;
  /** Adds a batch to a partition. Returns its number there. */
  publish(partition: number, batch: Batch): Position;
  /** How many batches a partition has. */
  end(partition: number): Position;
  batch(partition: number, number: Position): Batch;
  openCopy(): PartitionsCopy;
}

/** A node's own log, with the port of `observations`. */
export interface PartitionsCopy {
  /** Of each partition how many batches the copy holds. */
  readonly positions: readonly Position[];
  /** Adds the next batch of a partition; undefined where it has no other. */
  take(partition: number): PlacedBatch | undefined;
  /** Its records, oldest first. */
  places(): readonly { readonly position: Position; readonly place: BatchPlace }[];
  readonly durableEnd: {
    get(): Position;
    waitBeyond(position: Position, signal?: AbortSignal): Promise<void>;
  };
  openReader(from: Position): LogReader;
  /** Readers not closed yet. */
  readonly readers: number;
  /** Reads of all readers so far. */
  readonly reads: number;
  /** Makes a record unreadable. */
  damage(position: Position): void;
  /** Forgets the records before this one. */
  trimBefore(position: Position): void;
}

interface PlacedBatch {
  readonly position: Position;
  readonly batch: Batch;
}

export function createPartitions(count: number): Partitions {
  const batches: Batch[][] = Array.from({ length: count }, () => []);
  const partitions: Partitions = {
    count,
    publish(partition, batch) {
      batches[partition]!.push(batch);
      return batches[partition]!.length;
    },
    end: (partition) => batches[partition]!.length,
    batch: (partition, number) => batches[partition]![number - 1]!,
    openCopy: () => openCopy(partitions),
  };
  return partitions;
}

interface CopyState {
  readonly bodies: Buffer[];
  readonly places: BatchPlace[];
  readonly damaged: Set<Position>;
  first: Position;
  readers: number;
  reads: number;
}

function openCopy(partitions: Partitions): PartitionsCopy {
  const positions = Array.from({ length: partitions.count }, () => 0);
  const state: CopyState = {
    bodies: [],
    places: [],
    damaged: new Set(),
    first: 1,
    readers: 0,
    reads: 0,
  };
  const waiting = new Set<() => void>();
  return {
    positions,
    take(partition) {
      if (positions[partition]! >= partitions.end(partition)) return undefined;
      positions[partition]! += 1;
      const place: BatchPlace = { partition, positions: positions.slice() };
      const batch = partitions.batch(partition, positions[partition]!);
      state.places.push(place);
      state.bodies.push(Buffer.from(placeBatch(place, encodeBatch(batch))));
      for (const wake of waiting) wake();
      waiting.clear();
      return { position: state.bodies.length, batch: { ...batch, place } };
    },
    places: () => state.places.map((place, index) => ({ position: index + 1, place })),
    durableEnd: {
      get: () => state.bodies.length,
      waitBeyond(position, signal) {
        if (state.bodies.length > position || signal?.aborted === true) return Promise.resolve();
        return new Promise((resolve) => {
          waiting.add(resolve);
          signal?.addEventListener('abort', () => resolve());
        });
      },
    },
    openReader: (from) => openReader(state, from),
    get readers() {
      return state.readers;
    },
    get reads() {
      return state.reads;
    },
    damage: (position) => void state.damaged.add(position),
    trimBefore(position) {
      state.first = position;
    },
  };
}

function openReader(state: CopyState, from: Position): LogReader {
  let next = Math.max(from, state.first);
  state.readers += 1;
  return {
    get next() {
      return next;
    },
    async read(bytesMax) {
      state.reads += 1;
      next = Math.max(next, state.first);
      if (state.damaged.has(next)) throw new Error(`record ${next} is damaged`);
      const records = [];
      for (let bytes = 0; bytes < bytesMax && !state.damaged.has(next); next++) {
        const body = state.bodies[next - 1];
        if (body === undefined) break;
        bytes += body.length;
        records.push({ position: next, body, rewritten: false });
      }
      return records;
    },
    async skipDamaged() {
      const first = next;
      while (state.damaged.has(next)) next += 1;
      return next === first ? null : { first, last: next - 1 };
    },
    seek(position) {
      next = position;
    },
    async close() {
      state.readers -= 1;
    },
  };
}
