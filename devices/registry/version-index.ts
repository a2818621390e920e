import type { Clock } from '../clock.ts';
import type { Database } from '../database.ts';
import { inSlices } from '../slices.ts';
import { recordKinds, timeKind } from './records.ts';

/** Rows of the history between two yields: below a millisecond of work. */
const rowsPerStep = 500;

/** When each version was made and where it ends, as far as the history was followed. */
export interface VersionIndex {
  follow(clock: Pick<Clock, 'monotonicMs'>, worked: (ms: number) => void): Promise<void>;
  /** The last version that was made by then, 0 for none. */
  versionAt(at: number): number;
  holds(version: number): boolean;
  /** Position of the last row of a version, 0 of none. */
  endOf(version: number): number;
  entriesChangedAt(version: number): number;
  sinceWithin(rows: number): number;
}

/** 24 bytes a version. Versions have no holes, so the place in each list is the number less one. */
export function createVersionIndex(database: Database): VersionIndex {
  const page = database.prepare(
    'SELECT position, version, at, kind FROM history WHERE position > ? ORDER BY position LIMIT ?',
  );
  const entryKinds: ReadonlySet<unknown> = new Set([...recordKinds, timeKind]);
  const madeAt: number[] = [];
  const ends: number[] = [];
  const changed: number[] = [];
  let end = 0;
  let following: Promise<void> | undefined;

  function* readOn(): Generator<undefined, void> {
    for (;;) {
      const rows = page.all(end, rowsPerStep);
      for (const { position, version, at, kind } of rows) {
        const place = Number(version) - 1;
        const before = place - 1;
        // A clock that was set back makes no version older than the one before it.
        madeAt[place] ??= Math.max(madeAt[before] ?? -Infinity, Number(at));
        changed[place] ??= changed[before] ?? 0;
        if (entryKinds.has(kind)) changed[place] = Number(version);
        ends[place] = Number(position);
      }
      end = ends.at(-1) ?? end;
      if (rows.length < rowsPerStep) return;
      yield;
    }
  }

  return {
    follow(clock, worked) {
      following ??= inSlices(readOn(), clock, worked).finally(() => {
        following = undefined;
      });
      return following;
    },
    versionAt(at) {
      let [low, high] = [0, madeAt.length];
      while (low < high) {
        const middle = Math.ceil((low + high) / 2);
        if ((madeAt[middle - 1] ?? Infinity) <= at) low = middle;
        else high = middle - 1;
      }
      return low;
    },
    holds: (version) => Number.isSafeInteger(version) && version >= 0 && version <= ends.length,
    endOf: (version) => ends[version - 1] ?? 0,
    entriesChangedAt: (version) => changed[version - 1] ?? 0,
    sinceWithin(rows) {
      const least = (ends.at(-1) ?? 0) - rows;
      return madeAt[ends.findIndex((each) => each >= least)] ?? -Infinity;
    },
  };
}
