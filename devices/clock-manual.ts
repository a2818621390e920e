import type { Clock, Scheduled } from './clock.ts';

interface Due {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** A clock that moves only when told to: for tests and simulated runs. */
export interface ManualClock extends Clock {
  /** Moves wall and monotonic time forward, running what falls due, in order of time. */
  advance(byMs: number): void;
  /** Sets the wall clock alone, as an administrator or a bad time server would. */
  jumpTo(wallMs: number): void;
}

export function createManualClock(startAt: number): ManualClock {
  let wall = startAt;
  let monotonic = 0;
  let order = 0;
  const waiting = new Set<Due>();

  function nextDue(untilMs: number): Due | undefined {
    let best: Due | undefined;
    for (const due of waiting) {
      if (due.at > untilMs) continue;
      if (
        best === undefined ||
        due.at < best.at ||
        (due.at === best.at && due.order < best.order)
      ) {
        best = due;
      }
    }
    return best;
  }

  return {
    now: () => wall,
    monotonicMs: () => monotonic,
    schedule(delayMs, run): Scheduled {
      const due: Due = { at: monotonic + Math.max(0, delayMs), order: order++, run };
      waiting.add(due);
      return { cancel: () => void waiting.delete(due) };
    },
    advance(byMs) {
      const target = monotonic + byMs;
      for (let due = nextDue(target); due !== undefined; due = nextDue(target)) {
        waiting.delete(due);
        wall += due.at - monotonic;
        monotonic = due.at;
        due.run();
      }
      wall += target - monotonic;
      monotonic = target;
    },
    jumpTo(wallMs) {
      wall = wallMs;
    },
  };
}
