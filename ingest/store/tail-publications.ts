/** When the batches of a tail were published, in the order of the log and of each partition. */
import type { Batch } from '../observations/batch.ts';
import type { Position } from '../log/log.ts';

export interface Publication {
  readonly position: Position;
  readonly publishedAt: number;
  /** In a copy, the partition that the batch is of and its number there; else 0 and the position. */
  readonly partition: number;
  readonly number: Position;
}

export interface TailPublications {
  /** One a batch, oldest first. */
  readonly all: readonly Publication[];
  /** Those of one partition: neither publishedAt nor number ever falls. */
  of(partition: number): readonly Publication[];
  add(position: Position, batch: Batch): void;
  /** Forgets everything up to this position; gives how many batches those were. */
  trim(position: Position): number;
}

const none: readonly Publication[] = [];

export function createTailPublications(): TailPublications {
  let all: Publication[] = [];
  const ofPartition: Publication[][] = [];
  return {
    get all() {
      return all;
    },
    of: (partition) => ofPartition[partition] ?? none,
    add(position, { publishedAt, place }) {
      const partition = place?.partition ?? 0;
      const number = place?.positions[partition] ?? position;
      const publication = { position, publishedAt, partition, number };
      all.push(publication);
      (ofPartition[partition] ??= []).push(publication);
    },
    trim(position) {
      const gone = countUpTo(all, position);
      if (gone === 0) return 0;
      all = all.slice(gone);
      for (const [partition, publications] of ofPartition.entries()) {
        // Partitions that no batch came of leave holes.
        if (publications === undefined) continue;
        ofPartition[partition] = publications.slice(countUpTo(publications, position));
      }
      return gone;
    },
  };
}

function countUpTo(publications: readonly Publication[], position: Position): number {
  let count = 0;
  while (count < publications.length && publications[count]!.position <= position) count++;
  return count;
}
