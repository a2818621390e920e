/** What the owner of `readings` does for the keeping of the folder: called from other threads. */
import type { Clock } from '../../devices/clock.ts';
import type { DurableEnd, Position } from '../log/log.ts';
import type { SegmentLogWriter } from '../log/segment-writer.ts';
import { blankReading, decodeReading } from '../reading-codec.ts';

/** Within so long a log that was full has room again once its readings are settled. */
const retainEveryMs = 5_000;

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
  /** Readings grow old, and a full log waits for room, also when none is settled. */
  readonly retain: () => Promise<void>;
}

export function readingsCalls(
  readings: Pick<SegmentLogWriter, 'durableEnd' | 'retain' | 'rewrite'>,
  observationsEnd: DurableEnd,
): ReadingsCalls {
  let held = 0;
  let settled: Position = 0;
  const retain = async (): Promise<void> => {
    if (held === 0) await readings.retain(settled);
  };
  return {
    retain,
    durableEnds() {
      const observations = observationsEnd.get();
      return { observations, readings: readings.durableEnd.get() };
    },
    async holdRetention(isHeld) {
      held += isHeld ? 1 : -1;
      if (settled > 0) await retain();
    },
    blankReadings: ({ positions, reason }) =>
      readings.rewrite({
        positions: new Set(positions),
        reason,
        replace: ({ position, body }) => blankReading(decodeReading(position, body)),
      }),
    async consumed(position) {
      settled = Math.max(settled, position);
      await retain();
    },
  };
}

/** One round after the other, until it is stopped; `failed` hears why a round did not end. */
export function repeatRetention(
  clock: Clock,
  retain: () => Promise<void>,
  failed: (error: unknown) => void,
): { readonly stop: () => void } {
  let isStopped = false;
  let next = clock.schedule(retainEveryMs, round);
  function round(): void {
    void retain()
      .catch(failed)
      .then(() => {
        if (!isStopped) next = clock.schedule(retainEveryMs, round);
      });
  }
  return {
    stop() {
      isStopped = true;
      next.cancel();
    },
  };
}
