/**
 * All values of a window, for order statistics: kept in sorted runs, so that no single step takes
 * long, and looked into without ever being merged.
 */

export interface SortedRuns {
  readonly count: number;
  add(value: number): void;
  /** The value at this place, from 0, among all in ascending order. */
  at(place: number): number;
}

/** Sorting one takes about half a millisecond. */
const runLength = 8_192;

export function createSortedRuns(): SortedRuns {
  const runs: Float64Array[] = [];
  let open: number[] = [];

  function close(): void {
    if (open.length === 0) return;
    runs.push(Float64Array.from(open).sort());
    open = [];
  }

  return {
    get count() {
      return (
        (runs.length > 0 ? runs.reduce((total, run) => total + run.length, 0) : 0) + open.length
      );
    },
    add(value) {
      open.push(value);
      if (open.length === runLength) close();
    },
    at(place) {
      close();
      return selectFrom(runs, place);
    },
  };
}

/**
 * Narrows every run to where the place can be, by the middle of the longest of what is left: what is
 * smaller than it, and what is equal to it, is counted in each run by bisection.
 */
function selectFrom(runs: readonly Float64Array[], place: number): number {
  const from = runs.map(() => 0);
  const to = runs.map((run) => run.length);
  let left = place;
  for (;;) {
    const pivot = middleOfLongest(runs, from, to);
    const below = runs.map((run, index) => bisect(run, from[index]!, to[index]!, (v) => v < pivot));
    const through = runs.map((run, index) =>
      bisect(run, below[index]!, to[index]!, (v) => v <= pivot),
    );
    const smaller = total(below, from);
    const notGreater = total(through, from);
    if (left < smaller) {
      below.forEach((end, index) => (to[index] = end));
    } else if (left < notGreater) {
      return pivot;
    } else {
      left -= notGreater;
      through.forEach((start, index) => (from[index] = start));
    }
  }
}

function middleOfLongest(
  runs: readonly Float64Array[],
  from: readonly number[],
  to: readonly number[],
): number {
  let longest = 0;
  for (let index = 1; index < runs.length; index++) {
    if (to[index]! - from[index]! > to[longest]! - from[longest]!) longest = index;
  }
  const middle = runs[longest]?.[(from[longest]! + to[longest]!) >>> 1];
  if (middle === undefined) throw new RangeError('no value stands at this place');
  return middle;
}

function total(ends: readonly number[], starts: readonly number[]): number {
  return ends.reduce((sum, end, index) => sum + end - starts[index]!, 0);
}

/** The first place in [from, to) that is not before, or `to`. */
function bisect(
  run: Float64Array,
  from: number,
  to: number,
  isBefore: (value: number) => boolean,
): number {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isBefore(run[middle]!)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Hyndman and Fan, definition 7: at (n − 1)·share, linearly between neighbours. Null of none. */
export function percentileOf(values: SortedRuns, share: number): number | null {
  const { count } = values;
  if (count === 0) return null;
  const place = (count - 1) * share;
  const below = Math.floor(place);
  const low = values.at(below);
  if (place === below) return low;
  return low + (place - below) * (values.at(below + 1) - low);
}
