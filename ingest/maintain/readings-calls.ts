/** What the owner of `readings` does for the keeping of the folder: called from other threads. */
import type { DurableEnd, Position } from '../log/log.ts';
import type { SegmentLogWriter } from '../log/segment-writer.ts';
import { blankReading, decodeReading } from '../reading-codec.ts';

interface BlankQuestion {
  readonly positions: readonly Position[];
  readonly reason: string;
}

export interface ReadingsCalls {
  /** Where both logs end: the follower's end first, so that it never is ahead of its source's. */
  readonly durableEnds: () => { readonly observations: Position; readonly readings: Position };
  /** While held nothing is deleted: a backup is under way. */
  readonly holdRetention: (isHeld: boolean) => Promise<void>;
  /** Leaves of these readings that they came, when, and by which door. Answers how many. */
  readonly blankReadings: (question: BlankQuestion) => Promise<number>;
  /** All readings up to here are settled and flushed: retention may delete their segments. */
  readonly consumed: (position: Position) => Promise<void>;
}

export function readingsCalls(
  readings: Pick<SegmentLogWriter, 'durableEnd' | 'retain' | 'rewrite'>,
  observationsEnd: DurableEnd,
): ReadingsCalls {
  let held = 0;
  let settled: Position = 0;
  return {
    durableEnds() {
      const observations = observationsEnd.get();
      return { observations, readings: readings.durableEnd.get() };
    },
    async holdRetention(isHeld) {
      held += isHeld ? 1 : -1;
      if (held === 0 && settled > 0) await readings.retain(settled);
    },
    blankReadings: ({ positions, reason }) =>
      readings.rewrite({
        positions: new Set(positions),
        reason,
        replace: ({ position, body }) => blankReading(decodeReading(position, body)),
      }),
    async consumed(position) {
      settled = Math.max(settled, position);
      if (held === 0) await readings.retain(settled);
    },
  };
}
