/** What a follower of the changes has been told, and whether it was told right. */
import { createHash, type Hash } from 'node:crypto';

export interface BookFigures {
  readonly changes: number;
  readonly observations: number;
  /** Changes (observation id, revision) that came again. */
  readonly repeated: number;
  /** Revisions that did not follow the one before, the first from 0. */
  readonly gaps: number;
}

export interface ChangeBook {
  take(change: Change): void;
  readonly figures: BookFigures;
  /** Of all changes of each datastream in the order in which they came. */
  digests(): ReadonlyMap<string, string>;
}

export interface Change {
  readonly type: string;
  readonly cursor: string;
  readonly observation: {
    readonly id: string;
    readonly revision: number;
    readonly datastream: string;
    readonly result: number | null;
  };
}

export function createChangeBook(): ChangeBook {
  const newest = new Map<string, number>();
  const hashes = new Map<string, Hash>();
  const figures = { changes: 0, repeated: 0, gaps: 0 };
  return {
    take({ type, observation }) {
      // Who may see a datastream is told too, and is no observation.
      if (type === 'datastream') return;
      const { id, revision, datastream, result } = observation;
      const expected = (newest.get(id) ?? -1) + 1;
      figures.changes += 1;
      if (revision < expected) figures.repeated += 1;
      else if (revision > expected) figures.gaps += 1;
      newest.set(id, Math.max(expected - 1, revision));
      const hash = hashes.get(datastream) ?? createHash('sha256');
      hashes.set(datastream, hash.update(`${id} ${revision} ${result}\n`));
    },
    get figures() {
      return { ...figures, observations: newest.size };
    },
    digests: () => new Map([...hashes].map(([name, hash]) => [name, hash.copy().digest('hex')])),
  };
}

/** Datastreams of which one was told otherwise, or in another order, than the other. */
export function differences(one: ChangeBook, other: ChangeBook): number {
  const [ones, others] = [one.digests(), other.digests()];
  const names = new Set([...ones.keys(), ...others.keys()]);
  return [...names].filter((name) => ones.get(name) !== others.get(name)).length;
}
