/** How level a node's copy is with each partition, shared between its threads. */
export interface Levels {
  /** Integer ms UTC; −Infinity before the first. */
  get(partition: number): number;
  set(partition: number, at: number): void;
}

const slotBytes = 8;

export function levelsBytes(partitions: number): number {
  return partitions * slotBytes;
}

/** Each thread makes its own over the same buffer of `levelsBytes`. */
export function createLevels(buffer: SharedArrayBuffer): Levels {
  const slots = new BigInt64Array(buffer);
  return {
    get(partition) {
      const at = Number(Atomics.load(slots, partition));
      return at === 0 ? Number.NEGATIVE_INFINITY : at;
    },
    set: (partition, at) => void Atomics.store(slots, partition, BigInt(at)),
  };
}
