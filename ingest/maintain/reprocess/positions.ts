import type { Position } from '../../log/log.ts';

/** A set of positions that are added in ascending order; neighbours are one range. */
export interface Positions {
  add(first: Position, last: Position): void;
  has(position: Position): boolean;
  /** How many positions. */
  readonly count: number;
}

export function createPositions(): Positions {
  const firsts: Position[] = [];
  const lasts: Position[] = [];
  let count = 0;

  function placeOf(position: Position): number {
    let low = 0;
    let high = firsts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((firsts[middle] ?? 0) <= position) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  return {
    get count() {
      return count;
    },
    add(first, last) {
      if (last < first) return;
      count += last - first + 1;
      if (lasts.length > 0 && lasts.at(-1) === first - 1) lasts[lasts.length - 1] = last;
      else {
        firsts.push(first);
        lasts.push(last);
      }
    },
    has: (position) => position <= (lasts[placeOf(position)] ?? Number.NEGATIVE_INFINITY),
  };
}
