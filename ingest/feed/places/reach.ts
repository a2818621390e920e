/**
 * What is behind a reader of a copy: of each partition the last batch wholly read, and how much of
 * the next one. It says the same on every node, in whatever order their copies hold the batches.
 */
import type { Position } from '../../log/log.ts';
import type { BatchPlace } from '../../observations/batch.ts';

export interface Reach {
  /** Of each partition the last batch that is wholly behind; 0 where none. */
  readonly positions: readonly Position[];
  /** Partitions of whose next batch a part is behind, ascending; nearly always none or one. */
  readonly begun: readonly Begun[];
}

/**
 * Items are counted from the end of the batch, since a node that lacks an old version of the registry
 * cannot tell the items at its beginning (`live/changes.ts`).
 */
export interface Begun {
  readonly partition: number;
  /** Items of the batch that are not behind yet, at least 1. */
  readonly left: number;
}

const noneBegun: readonly Begun[] = [];

export function reachOf(positions: readonly Position[]): Reach {
  return { positions, begun: noneBegun };
}

/** Before the record at this place, of a reader that has read all before it. */
export function reachBefore({ partition, positions }: BatchPlace): Reach {
  return reachOf(positions.with(partition, (positions[partition] ?? 0) - 1));
}

/** The reach with this batch of a partition wholly behind as well. */
export function withBatch(reach: Reach, partition: number, number: Position): Reach {
  const positions = reach.positions.with(partition, number);
  return { positions, begun: withoutPartition(reach.begun, partition) };
}

/** The reach with all but so many items of a partition's next batch behind. */
export function withBegun(reach: Reach, partition: number, left: number): Reach {
  const others = withoutPartition(reach.begun, partition);
  const begun = [...others, { partition, left }].sort((a, b) => a.partition - b.partition);
  return { positions: reach.positions, begun };
}

function withoutPartition(begun: readonly Begun[], partition: number): readonly Begun[] {
  return begun.length === 0 ? begun : begun.filter((each) => each.partition !== partition);
}

/** Whether all batches up to `positions` are behind one who has read this far. */
export function hasAll(positions: readonly Position[], read: readonly Position[]): boolean {
  for (let partition = 0; partition < positions.length; partition++) {
    if (positions[partition]! > (read[partition] ?? 0)) return false;
  }
  return true;
}

/** Whether one who has read so far has met everything that is behind `reach`, its parts too. */
export function hasMet(reach: Reach, read: readonly Position[]): boolean {
  return (
    hasAll(reach.positions, read) &&
    reach.begun.every(({ partition }) => (reach.positions[partition] ?? 0) < (read[partition] ?? 0))
  );
}
