/**
 * Long answers work one at a time: one of them in each turn of the event loop, however many are under
 * way, so that together they keep the thread no longer than one does. Next is whoever has lately cost
 * least; now and then it is who has waited longest, so that nobody waits for ever.
 */
/** How long an answer may keep the thread before others get their turn. */
export const turnMs = 8;

export interface Turns {
  /** Resolves when it is this one's turn, which is over with its next macrotask. */
  next(recentCost: () => number): Promise<void>;
}

interface Waiting {
  readonly recentCost: () => number;
  readonly begin: () => void;
}

/** Of so many turns one goes to who has waited longest. */
const turnsPerOldest = 4;

/** `later` calls back in the next turn of the event loop. */
export function createTurns(later: (run: () => void) => void): Turns {
  /** In the order in which they came. */
  const waiting = new Set<Waiting>();
  let isDue = false;
  let turns = 0;

  function schedule(): void {
    if (isDue || waiting.size === 0) return;
    isDue = true;
    later(() => {
      isDue = false;
      turns += 1;
      const [oldest] = waiting;
      const chosen = turns % turnsPerOldest === 0 ? oldest : leastOf(waiting);
      if (chosen !== undefined) waiting.delete(chosen);
      schedule();
      chosen?.begin();
    });
  }

  return {
    next: (recentCost) =>
      new Promise((resolve) => {
        waiting.add({ recentCost, begin: resolve });
        schedule();
      }),
  };
}

function leastOf(waiting: Iterable<Waiting>): Waiting | undefined {
  let found: Waiting | undefined;
  let least = Infinity;
  for (const each of waiting) {
    const cost = each.recentCost();
    if (cost >= least) continue;
    least = cost;
    found = each;
  }
  return found;
}
