/**
 * How often a series was to report, and since when: an interval of the registry is in force from the
 * moment of the version that brought it, and the first one before that too. What is expected of
 * February does not change because a station reports more often since March.
 */
import type { Datastream } from '../../devices/model.ts';
import type { HistoryRow } from '../../devices/registry.ts';
import { followHistory, type HistorySource } from '../../devices/registry/history-follower.ts';

export interface Intervals {
  /** How many times it was to report in (startAt, endAt], in parts of one too. */
  expectedIn(startAt: number, endAt: number): number;
  /** What an instant stands for in the hour of UTC that ends at `hourAt`, in ms. */
  ofHour(hourAt: number): number;
}

/** The same at all times. */
export function steadyIntervals(intervalMs: number): Intervals {
  return {
    expectedIn: (startAt, endAt) => (endAt - startAt) / intervalMs,
    ofHour: () => intervalMs,
  };
}

interface Change {
  readonly version: number;
  /** Ms UTC from which on it is in force. */
  readonly at: number;
  readonly intervalMs: number;
}

const hourMs = 3_600_000;

/** By time; the first is in force before its moment too. */
function changingIntervals(changes: readonly Change[]): Intervals {
  const expectedIn = (startAt: number, endAt: number): number =>
    changes.reduce((sum, { at, intervalMs }, index) => {
      const fromAt = index === 0 ? startAt : Math.max(startAt, at);
      const toAt = Math.min(endAt, changes[index + 1]?.at ?? endAt);
      return sum + Math.max(0, toAt - fromAt) / intervalMs;
    }, 0);
  return {
    expectedIn,
    // Rollups do not tell the rows before a change from those behind it, so all stand for the same.
    ofHour: (hourAt) => hourMs / expectedIn(hourAt - hourMs, hourAt),
  };
}

export interface IntervalBook {
  /** Reads what was added to the history since, in slices of a few milliseconds. */
  follow(): Promise<void>;
  /** As of the last `follow`, and as this version of the registry has it. */
  of(datastream: Datastream, version: number): Intervals;
}

export function createIntervalBook(source: HistorySource): IntervalBook {
  const changes = new Map<string, Change[]>();
  return {
    follow: followHistory(source, (row) => take(changes, row)),
    of(datastream, version) {
      const known = changes.get(datastream.id)?.filter((each) => each.version <= version) ?? [];
      return known.length < 2 ? steadyIntervals(datastream.intervalMs) : changingIntervals(known);
    },
  };
}

function take(changes: Map<string, Change[]>, { kind, id, at, version, after }: HistoryRow): void {
  if (kind !== 'datastream' || after === null) return;
  const { intervalMs } = after as { readonly intervalMs: number };
  const known = changes.get(id);
  if (known === undefined) changes.set(id, [{ version, at, intervalMs }]);
  else if (known.at(-1)?.intervalMs !== intervalMs) known.push({ version, at, intervalMs });
}
