/**
 * Where in the tail the rows of one series stand, by the end of their phenomenon time. The links from
 * row to row cost a fetch from memory each: for a series that is asked again and again (values that
 * come late, a page that looks back) its row numbers and ends are kept side by side, with the least
 * and greatest end of every 64. Made when a series is asked for, and let go when its rows are.
 */
export interface SeriesIndex {
  count: number;
  /** Ascending row numbers. */
  rows: Float64Array;
  endAt: Float64Array;
  /** Of each 64 entries. */
  least: Float64Array;
  greatest: Float64Array;
}

const groupShift = 6;
const groupRows = 1 << groupShift;
const entriesMin = 4;

export function createSeriesIndex(): SeriesIndex {
  return {
    count: 0,
    rows: new Float64Array(entriesMin),
    endAt: new Float64Array(entriesMin),
    least: new Float64Array(1),
    greatest: new Float64Array(1),
  };
}

/** Of all four arrays, with what they have in reserve. */
export function bytesOf({ rows, endAt, least, greatest }: SeriesIndex): number {
  return rows.byteLength + endAt.byteLength + least.byteLength + greatest.byteLength;
}

/** Adds a row behind those that are there. */
export function addEntry(index: SeriesIndex, row: number, endAt: number): void {
  if (index.count === index.rows.length) grow(index);
  const at = index.count++;
  const group = at >> groupShift;
  index.rows[at] = row;
  index.endAt[at] = endAt;
  if (at % groupRows === 0) {
    index.least[group] = endAt;
    index.greatest[group] = endAt;
    return;
  }
  if (endAt < index.least[group]!) index.least[group] = endAt;
  if (endAt > index.greatest[group]!) index.greatest[group] = endAt;
}

/** Forgets rows before `first`. */
export function dropBefore(index: SeriesIndex, first: number): void {
  let gone = 0;
  while (gone < index.count && index.rows[gone]! < first) gone++;
  if (gone === 0) return;
  const { rows, endAt, count } = index;
  index.count = 0;
  for (let at = gone; at < count; at++) addEntry(index, rows[at]!, endAt[at]!);
}

/** Visits the rows whose end is in [fromAt, toAt), in order of their numbers. */
export function visitEntries(
  index: SeriesIndex,
  fromAt: number,
  toAt: number,
  visit: (row: number) => void,
): void {
  const { count, rows, endAt, least, greatest } = index;
  for (let start = 0; start < count; start += groupRows) {
    const group = start >> groupShift;
    if (greatest[group]! < fromAt || least[group]! >= toAt) continue;
    const end = Math.min(count, start + groupRows);
    for (let at = start; at < end; at++) {
      if (endAt[at]! >= fromAt && endAt[at]! < toAt) visit(rows[at]!);
    }
  }
}

function grow(index: SeriesIndex): void {
  index.rows = doubled(index.rows);
  index.endAt = doubled(index.endAt);
  index.least = doubled(index.least);
  index.greatest = doubled(index.greatest);
}

function doubled(numbers: Float64Array): Float64Array {
  const larger = new Float64Array(numbers.length * 2);
  larger.set(numbers);
  return larger;
}
