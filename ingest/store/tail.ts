/**
 * The rows that a view does not hold yet, in the order of the log: chunks of 4,096 records, each row
 * linked to the one before it of the same series. `bytes` counts the chunks, rare columns and texts;
 * the owner keeps it under its bound by flushing and trimming.
 */
import type { ObservationRow } from '../observation.ts';
import type { Batch, ControlEntry, QuarantineEntry } from '../observations/batch.ts';
import type { Position } from '../log/log.ts';
import { reserveRows, type Rows } from './columns/rows.ts';
import {
  chunkRows,
  chunkShift,
  createChunk,
  putRow,
  recordDoubles,
  recordWords,
  takeRow,
  wordBack,
  wordBatch,
  wordSeries,
  type Chunk,
} from './tail-chunk.ts';
import {
  addEntry,
  bytesOf,
  createSeriesIndex,
  dropBefore,
  visitEntries,
  type SeriesIndex,
} from './tail-index.ts';
import { createTailEntries, type Placed } from './tail-entries.ts';
import {
  createTailPublications,
  type Publication,
  type TailPublications,
} from './tail-publications.ts';
import { createTailNames, type TailNames } from './tail-names.ts';

export interface TailQuery {
  readonly series: number;
  /** On the end: from inclusive, to exclusive. */
  readonly fromAt: number;
  readonly toAt: number;
  /** Greatest position that counts. */
  readonly pin: Position;
}

/**
 * Rows by series, found by counting: two runs through the tail in its own order cost less than
 * following each series' links through all of it.
 */
export interface TailGroups {
  /** Ascending. */
  readonly series: readonly number[];
  /** Adds the rows of `series[at]` behind what `rows` holds, in order of position. */
  take(at: number, rows: Rows): void;
}

export interface Tail {
  readonly bytes: number;
  readonly quarantine: readonly Placed<QuarantineEntry>[];
  readonly control: readonly Placed<ControlEntry>[];
  /** One a batch, oldest first. */
  readonly publications: readonly Publication[];
  publicationsOf(partition: number): readonly Publication[];
  add(position: Position, batch: Batch): void;
  /** Visits the ends of a series' rows up to a position, none of which is read. */
  visitEnds(of: Pick<TailQuery, 'series' | 'pin'>, visit: (endAt: number) => void): void;
  /** Adds the fitting rows behind what `rows` holds, in order of position. */
  collect(query: TailQuery, rows: Rows): void;
  /** Series with rows, ascending. */
  series(): number[];
  /** All rows up to a position by series; good until the next `trim`. */
  group(pin: Position): TailGroups;
  /** Greatest end of the series' rows; −Infinity where it has none. */
  newestAt(series: number): number;
  /** Forgets everything up to this position. */
  trim(position: Position): void;
}

/** Counted for a batch beside its rows. */
const batchBytes = 96;

export function createTail(): Tail {
  const state: TailState = {
    chunks: [],
    names: createTailNames(),
    base: 0,
    next: 0,
    first: 0,
    heads: new Float64Array(1_024).fill(-1),
    bytes: 0,
    publications: createTailPublications(),
    batchBase: 0,
  };
  const entries = createTailEntries();
  const indexes = createIndexes(state);
  let found = new Float64Array(1_024);

  return {
    get bytes() {
      const others = state.publications.all.length * batchBytes + indexes.bytes;
      return state.bytes + entries.bytes + others;
    },
    get quarantine() {
      return entries.quarantine;
    },
    get control() {
      return entries.control;
    },
    get publications() {
      return state.publications.all;
    },
    publicationsOf: (partition) => state.publications.of(partition),
    add(position, batch) {
      state.publications.add(position, batch);
      addRows(state, batch.rows);
      entries.add(position, batch);
    },
    visitEnds: ({ series, pin }, visit) => visitEnds(state, indexes.of(series), { pin, visit }),
    collect({ series, fromAt, toAt, pin }, rows) {
      let count = 0;
      visitEntries(indexes.of(series), fromAt, toAt, (row) => {
        if (positionOf(state, row) > pin) return;
        if (count === found.length) found = grown(found);
        found[count++] = row;
      });
      reserveRows(rows, rows.count + count);
      const { names: tables } = state;
      for (let at = 0; at < count; at++) {
        const chunk = chunkAt(state, found[at]!);
        const place = placeOf(state, found[at]!);
        takeRow(chunk, place, rows, { tables, batch: batchOf(state, chunk, place) });
      }
    },
    series: () => heldSeries(state),
    group: (pin) => groupRows(state, pin),
    newestAt(series) {
      let newest = -Infinity;
      walk(state, series, (chunk, place) => {
        newest = Math.max(newest, chunk.doubles[place * recordDoubles]!);
        return true;
      });
      return newest;
    },
    trim(position) {
      trimRows(state, position);
      indexes.trim();
      state.batchBase = (state.batchBase + state.publications.trim(position)) % batchWrap;
      entries.trim(position);
    },
  };
}

interface Indexes {
  readonly bytes: number;
  /** Of all rows that the series has now. */
  of(series: number): SeriesIndex;
  /** After rows have gone. */
  trim(): void;
}

function createIndexes(state: TailState): Indexes {
  const bySeries = new Map<number, SeriesIndex>();
  /** Of every series without rows: many are asked for, and none of them costs memory. */
  const none = createSeriesIndex();
  let fresh = new Float64Array(1_024);
  let bytes = 0;

  /** Rows that came since it was asked last, which the links give newest first. */
  function extend(index: SeriesIndex, series: number): void {
    const last = index.rows[index.count - 1] ?? -1;
    let count = 0;
    walk(state, series, (_chunk, _place, row) => {
      if (row <= last) return false;
      if (count === fresh.length) fresh = grown(fresh);
      fresh[count++] = row;
      return true;
    });
    for (let at = count - 1; at >= 0; at--) addEntry(index, fresh[at]!, endOf(state, fresh[at]!));
  }

  return {
    get bytes() {
      return bytes;
    },
    of(series) {
      if ((state.heads[series] ?? -1) < state.first) return none;
      const known = bySeries.get(series);
      const index = known ?? createSeriesIndex();
      if (known === undefined) bySeries.set(series, index);
      bytes -= known === undefined ? 0 : bytesOf(known);
      extend(index, series);
      bytes += bytesOf(index);
      return index;
    },
    trim() {
      bytes = 0;
      for (const [series, index] of bySeries) {
        dropBefore(index, state.first);
        if (index.count === 0) bySeries.delete(series);
        else bytes += bytesOf(index);
      }
    },
  };
}

function heldSeries({ heads, first }: TailState): number[] {
  const held: number[] = [];
  for (let series = 0; series < heads.length; series++) {
    if (heads[series]! >= first && heads[series]! >= 0) held.push(series);
  }
  return held;
}

/** Row numbers count on for ever; `chunks[0]` holds row `base` on, `first` is the first not trimmed. */
interface TailState {
  chunks: Chunk[];
  readonly names: TailNames;
  base: number;
  next: number;
  first: number;
  /** Last row of each series; what is below `first` is gone. */
  heads: Float64Array;
  bytes: number;
  readonly publications: TailPublications;
  /** Number of the batch that `publications` begins with; batches are numbered modulo 2^31. */
  batchBase: number;
}

const batchWrap = 2 ** 31;

function grown(numbers: Float64Array): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(numbers.length * 2);
  larger.set(numbers);
  return larger;
}

/** Row numbers outgrow 32 bits, their distance to `base` does not: shifts, not divisions, find both. */
function chunkAt(state: TailState, row: number): Chunk {
  return state.chunks[((row - state.base) | 0) >> chunkShift]!;
}

function placeOf(state: TailState, row: number): number {
  return ((row - state.base) | 0) & (chunkRows - 1);
}

function batchOf(state: TailState, chunk: Chunk, place: number): Publication {
  const index = chunk.words[place * recordWords + wordBatch]! - state.batchBase;
  return state.publications.all[index < 0 ? index + batchWrap : index]!;
}

function addRows(state: TailState, rows: readonly ObservationRow[]): void {
  const { names } = state;
  const batch = (state.batchBase + state.publications.all.length - 1) % batchWrap;
  const decimal = { scaled: 0, decimals: 0 };
  const numbers = { verdict: 0, source: 0, batch, back: 0, timeForm: 0 };
  const made = { names: numbers, decimal };
  for (const row of rows) {
    const place = placeOf(state, state.next);
    if (place === 0) {
      const chunk = createChunk();
      state.chunks.push(chunk);
      state.bytes += chunk.bytes;
    }
    const chunk = state.chunks.at(-1)!;
    const before = chunk.bytes;
    const { series } = row;
    while (series >= state.heads.length) growHeads(state);
    const head = state.heads[series]!;
    numbers.back = head < 0 || head < state.first ? 0 : state.next - head;
    numbers.verdict = names.verdictOf(row);
    numbers.source = names.sourceOf(row);
    numbers.timeForm = names.timeFormOf(row);
    putRow(chunk, place, row, made);
    state.heads[series] = state.next++;
    state.bytes += chunk.bytes - before;
  }
}

function growHeads(state: TailState): void {
  const larger = new Float64Array(state.heads.length * 2).fill(-1);
  larger.set(state.heads);
  state.heads = larger;
}

/** The series' rows, newest position first, until `visit` gives false. */
function walk(
  state: TailState,
  series: number,
  visit: (chunk: Chunk, place: number, row: number) => boolean,
): void {
  let row = state.heads[series] ?? -1;
  while (row >= state.first && row >= 0) {
    const chunk = chunkAt(state, row);
    const place = placeOf(state, row);
    if (!visit(chunk, place, row)) return;
    const back = chunk.words[place * recordWords + wordBack]!;
    if (back === 0) return;
    row -= back;
  }
}

function groupRows(state: TailState, pin: Position): TailGroups {
  const { first, names: tables } = state;
  let end = first;
  while (end < state.next && positionOf(state, end) <= pin) {
    const last = Math.min(state.next, Math.floor(end / chunkRows) * chunkRows + chunkRows);
    if (positionOf(state, last - 1) <= pin) end = last;
    else end++;
  }
  const seriesOf = new Int32Array(end - first);
  const starts = new Int32Array(state.heads.length + 1);
  for (let row = first; row < end; row++) {
    const chunk = chunkAt(state, row);
    const series = chunk.words[placeOf(state, row) * recordWords + wordSeries]!;
    seriesOf[row - first] = series;
    starts[series + 1]!++;
  }
  const series: number[] = [];
  for (let at = 0; at < starts.length - 1; at++) {
    if (starts[at + 1]! > 0) series.push(at);
    starts[at + 1]! += starts[at]!;
  }
  const order = new Int32Array(end - first);
  const places = starts.slice();
  for (let at = 0; at < seriesOf.length; at++) order[places[seriesOf[at]!]!++] = at;
  return {
    series,
    take(at, rows) {
      const of = series[at]!;
      reserveRows(rows, rows.count + starts[of + 1]! - starts[of]!);
      for (let index = starts[of]!; index < starts[of + 1]!; index++) {
        const row = first + order[index]!;
        const chunk = chunkAt(state, row);
        const place = placeOf(state, row);
        takeRow(chunk, place, rows, { tables, batch: batchOf(state, chunk, place) });
      }
    },
  };
}

function endOf(state: TailState, row: number): number {
  return chunkAt(state, row).doubles[placeOf(state, row) * recordDoubles]!;
}

function visitEnds(
  state: TailState,
  index: SeriesIndex,
  { pin, visit }: { readonly pin: Position; readonly visit: (endAt: number) => void },
): void {
  visitEntries(index, -Infinity, Infinity, (row) => {
    if (positionOf(state, row) <= pin) visit(endOf(state, row));
  });
}

function positionOf(state: TailState, row: number): Position {
  return batchOf(state, chunkAt(state, row), placeOf(state, row)).position;
}

function trimRows(state: TailState, position: Position): void {
  const { next } = state;
  while (state.first < next && positionOf(state, state.first) <= position) {
    const end = Math.min(next, Math.floor(state.first / chunkRows) * chunkRows + chunkRows);
    if (positionOf(state, end - 1) <= position) state.first = end;
    else while (positionOf(state, state.first) <= position) state.first++;
  }
  if (state.first === next) {
    state.chunks = [];
    state.bytes = 0;
    state.base = Math.ceil(next / chunkRows) * chunkRows;
    state.next = state.base;
    state.first = state.base;
  }
  while (state.chunks.length > 0 && state.base + chunkRows <= state.first) {
    state.bytes -= state.chunks.shift()!.bytes;
    state.base += chunkRows;
  }
}
