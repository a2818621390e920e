/**
 * The rows that a view does not hold yet, by column, in the order of the log: chunks of 4,096 rows,
 * each row linked to the one before it of the same series. What is rare (own height, own place, own
 * result time, a payload's hash) gets its column only in chunks that need it.
 *
 * `bytes` counts the chunks and about 24 B and its length for each text that is not shared with the
 * row before; the owner keeps it under its bound by flushing and trimming.
 */
import type { ObservationRow, Verdict } from '../observation.ts';
import type { Batch, ControlEntry, QuarantineEntry } from '../observations/batch.ts';
import type { Position } from '../log/log.ts';
import { scaleDecimal } from '../observations/decimal-text.ts';
import { bitKlass, bitsOf, reserveRows, type Rows } from './columns/rows.ts';
import { sentLiteral, sentNull } from './columns/sent-value.ts';
import { timeForms } from './columns/sent-time.ts';

/** An entry of quarantine or control with its place: batch, and ordinal in the batch. */
export interface Placed<Entry> {
  readonly batch: Position;
  readonly ordinal: number;
  readonly entry: Entry;
}

export interface Publication {
  readonly position: Position;
  readonly publishedAt: number;
}

export interface TailQuery {
  readonly series: number;
  /** On the end: from inclusive, to exclusive. */
  readonly fromAt: number;
  readonly toAt: number;
  /** Greatest position that counts. */
  readonly pin: Position;
}

export interface Tail {
  readonly bytes: number;
  readonly rowCount: number;
  readonly quarantine: readonly Placed<QuarantineEntry>[];
  readonly control: readonly Placed<ControlEntry>[];
  /** One a batch, oldest first. */
  readonly publications: readonly Publication[];
  add(position: Position, batch: Batch): void;
  /** Adds the fitting rows behind what `rows` holds, in order of position. */
  collect(query: TailQuery, rows: Rows): void;
  /** Series with rows, ascending. */
  series(): number[];
  /** Greatest end of the series' rows; −Infinity where it has none. */
  newestAt(series: number): number;
  /** Forgets everything up to this position. */
  trim(position: Position): void;
}

const chunkRows = 4_096;
/** Sum of the sizes of the columns that every chunk has. */
const chunkBytes = chunkRows * (8 * 8 + 3 * 4 + 2 + 6 * 8);
const optionalBytes = chunkRows * 8;
const textBytes = 24;
const entryBytes = 200;

interface Chunk {
  readonly endAt: Float64Array;
  readonly startAt: Float64Array;
  readonly result: Float64Array;
  readonly receivedAt: Float64Array;
  readonly publishedAt: Float64Array;
  readonly position: Float64Array;
  readonly rankPosition: Float64Array;
  readonly series: Uint32Array;
  readonly revision: Int32Array;
  /** Distance to the row before of the same series; 0 where there is none. */
  readonly back: Uint32Array;
  readonly bits: Uint8Array;
  /** As `Raw` says it: where decimals are -1 the text is in `rawValue`. */
  readonly sentNumber: Float64Array;
  readonly sentDecimals: Int8Array;
  readonly verdict: Verdict[];
  readonly device: string[];
  readonly rawName: string[];
  readonly rawUnit: (string | null)[];
  readonly rawValue: (string | null)[];
  readonly rawTime: (string | null)[];
  heightMm: Float64Array | null;
  resultAt: Float64Array | null;
  rankAt: Float64Array | null;
  rankNode: Float64Array | null;
  payloadHash: Float64Array | null;
  latitude: Float64Array | null;
  longitude: Float64Array | null;
  /** Bytes counted for it so far. */
  bytes: number;
}

type OptionalColumn =
  | 'heightMm'
  | 'resultAt'
  | 'rankAt'
  | 'rankNode'
  | 'payloadHash'
  | 'latitude'
  | 'longitude';

function createChunk(): Chunk {
  const doubles = (): Float64Array => new Float64Array(chunkRows);
  return {
    endAt: doubles(),
    startAt: doubles(),
    result: doubles(),
    receivedAt: doubles(),
    publishedAt: doubles(),
    position: doubles(),
    rankPosition: doubles(),
    series: new Uint32Array(chunkRows),
    revision: new Int32Array(chunkRows),
    back: new Uint32Array(chunkRows),
    bits: new Uint8Array(chunkRows),
    sentNumber: doubles(),
    sentDecimals: new Int8Array(chunkRows),
    verdict: [],
    device: [],
    rawName: [],
    rawUnit: [],
    rawValue: [],
    rawTime: [],
    heightMm: null,
    resultAt: null,
    rankAt: null,
    rankNode: null,
    payloadHash: null,
    latitude: null,
    longitude: null,
    bytes: chunkBytes,
  };
}

/** Sets a rare column of a row, making the column (filled with `none`) where it is the first. */
function setOptional(
  chunk: Chunk,
  name: OptionalColumn,
  place: number,
  { value, none }: { readonly value: number; readonly none: number },
): void {
  let column = chunk[name];
  if (column === null) {
    column = new Float64Array(chunkRows).fill(none);
    chunk[name] = column;
    chunk.bytes += optionalBytes;
  }
  column[place] = value;
}

const noHash = -1;

/** The rare columns; most rows have none of them. */
function setRare(chunk: Chunk, place: number, row: ObservationRow): void {
  const { rank } = row;
  const nan = Number.NaN;
  if (!Number.isNaN(row.heightMm)) {
    setOptional(chunk, 'heightMm', place, { value: row.heightMm, none: nan });
  }
  if (!Number.isNaN(row.resultAt)) {
    setOptional(chunk, 'resultAt', place, { value: row.resultAt, none: nan });
  }
  if (rank.at !== row.receivedAt) {
    setOptional(chunk, 'rankAt', place, { value: rank.at, none: nan });
  }
  if (rank.node !== 0) setOptional(chunk, 'rankNode', place, { value: rank.node, none: 0 });
  if (row.payloadHash !== noHash) {
    setOptional(chunk, 'payloadHash', place, { value: row.payloadHash, none: noHash });
  }
  if (!Number.isNaN(row.latitude)) {
    setOptional(chunk, 'latitude', place, { value: row.latitude, none: nan });
  }
  if (!Number.isNaN(row.longitude)) {
    setOptional(chunk, 'longitude', place, { value: row.longitude, none: nan });
  }
}

function copyRow(chunk: Chunk, place: number, rows: Rows, at: number): void {
  const receivedAt = chunk.receivedAt[place]!;
  const rankAt = chunk.rankAt?.[place] ?? Number.NaN;
  rows.endAt[at] = chunk.endAt[place]!;
  rows.startAt[at] = chunk.startAt[place]!;
  rows.heightMm[at] = chunk.heightMm === null ? Number.NaN : chunk.heightMm[place]!;
  rows.result[at] = chunk.result[place]!;
  rows.resultAt[at] = chunk.resultAt === null ? Number.NaN : chunk.resultAt[place]!;
  rows.receivedAt[at] = receivedAt;
  rows.publishedAt[at] = chunk.publishedAt[place]!;
  rows.rankAt[at] = Number.isNaN(rankAt) ? receivedAt : rankAt;
  rows.rankNode[at] = chunk.rankNode === null ? 0 : chunk.rankNode[place]!;
  rows.rankPosition[at] = chunk.rankPosition[place]!;
  rows.position[at] = chunk.position[place]!;
  rows.payloadHash[at] = chunk.payloadHash === null ? noHash : chunk.payloadHash[place]!;
  rows.latitude[at] = chunk.latitude === null ? Number.NaN : chunk.latitude[place]!;
  rows.longitude[at] = chunk.longitude === null ? Number.NaN : chunk.longitude[place]!;
  rows.revision[at] = chunk.revision[place]!;
  rows.bits[at] = chunk.bits[place]!;
  copySent(chunk, place, rows, at);
  const time = chunk.rawTime[place]!;
  rows.timeForm[at] = time === null ? timeForms.none : timeForms.literal;
  rows.timeText[at] = time;
  rows.verdict[at] = chunk.verdict[place]!;
  rows.device[at] = chunk.device[place]!;
  rows.rawName[at] = chunk.rawName[place]!;
  rows.rawUnit[at] = chunk.rawUnit[place]!;
}

function copySent(chunk: Chunk, place: number, rows: Rows, at: number): void {
  const decimals = chunk.sentDecimals[place]!;
  const { decimal } = rows;
  if (decimals >= 0 && scaleDecimal(chunk.sentNumber[place]!, decimals, decimal)) {
    rows.sentDigits[at] = decimal.scaled;
    rows.sentDecimals[at] = decimals;
    rows.sentText[at] = null;
    return;
  }
  const text = decimals >= 0 ? chunk.sentNumber[place]!.toFixed(decimals) : chunk.rawValue[place]!;
  rows.sentDigits[at] = 0;
  rows.sentDecimals[at] = text === null ? sentNull : sentLiteral;
  rows.sentText[at] = text;
}

/** Writes a row into a chunk; gives the bytes of its own texts. */
function putRow(chunk: Chunk, place: number, row: ObservationRow): number {
  const { rank, raw } = row;
  chunk.endAt[place] = row.endAt;
  chunk.startAt[place] = row.startAt;
  chunk.result[place] = row.result ?? Number.NaN;
  chunk.receivedAt[place] = row.receivedAt;
  chunk.publishedAt[place] = row.publishedAt;
  chunk.rankPosition[place] = rank.position;
  chunk.series[place] = row.series;
  chunk.revision[place] = row.revision;
  chunk.bits[place] = plainBits(row);
  chunk.verdict.push(row.verdict);
  chunk.device.push(row.device);
  chunk.rawName.push(raw.name);
  chunk.rawUnit.push(raw.unit);
  const decimals = raw.sentDecimals ?? -1;
  const value = decimals >= 0 ? null : raw.value;
  chunk.sentNumber[place] = raw.sentNumber ?? 0;
  chunk.sentDecimals[place] = decimals;
  chunk.rawValue.push(value);
  chunk.rawTime.push(raw.time);
  setRare(chunk, place, row);
  const before = place === 0 ? null : chunk.rawTime[place - 1]!;
  const valueBytes = value === null ? 0 : textBytes + value.length;
  return raw.time === null || raw.time === before
    ? valueBytes
    : valueBytes + textBytes + raw.time.length;
}

/** Nearly every row is a first value: those bits need no search in the lists of names. */
function plainBits(row: ObservationRow): number {
  const plain = row.current && row.type === 'insert' && row.cause === 'value';
  if (!plain) return bitsOf(row);
  return row.rank.klass === 1 ? 1 | bitKlass : 1;
}

export function createTail(): Tail {
  /** Row numbers count on for ever; `chunks[0]` holds row `base` on. */
  let chunks: Chunk[] = [];
  let base = 0;
  let next = 0;
  let first = 0;
  let heads = new Float64Array(1_024).fill(-1);
  let seriesMax = -1;
  let entriesBytes = 0;
  let bytes = 0;
  let quarantine: Placed<QuarantineEntry>[] = [];
  let control: Placed<ControlEntry>[] = [];
  let publications: Publication[] = [];

  function headOf(series: number): number {
    const head = series <= seriesMax ? heads[series]! : -1;
    return head >= first ? head : -1;
  }

  function setHead(series: number, row: number): void {
    if (series >= heads.length) {
      const grown = new Float64Array(Math.max(series + 1, heads.length * 2)).fill(-1);
      grown.set(heads);
      heads = grown;
    }
    if (series > seriesMax) seriesMax = series;
    heads[series] = row;
  }

  function addRows(position: Position, rows: readonly ObservationRow[]): void {
    for (const row of rows) {
      const place = next % chunkRows;
      if (place === 0) {
        chunks.push(createChunk());
        bytes += chunkBytes;
      }
      const chunk = chunks.at(-1)!;
      const before = chunk.bytes;
      const texts = putRow(chunk, place, row);
      chunk.position[place] = position;
      const head = headOf(row.series);
      chunk.back[place] = head < 0 ? 0 : next - head;
      setHead(row.series, next);
      chunk.bytes += texts;
      bytes += chunk.bytes - before;
      next++;
    }
  }

  function addEntries(position: Position, batch: Batch): void {
    let ordinal = 0;
    for (const entry of batch.quarantined) {
      quarantine.push({ batch: position, ordinal, entry });
      entriesBytes += entryBytes + entry.detail.length + (entry.payload?.length ?? 0);
      ordinal++;
    }
    for (const entry of batch.control) {
      control.push({ batch: position, ordinal, entry });
      entriesBytes += entryBytes + entry.text.length;
      ordinal++;
    }
    publications.push({ position, publishedAt: batch.publishedAt });
  }

  function chunkAt(row: number): Chunk {
    return chunks[Math.floor((row - base) / chunkRows)]!;
  }

  /** The series' rows, newest position first. */
  function walk(series: number, visit: (chunk: Chunk, place: number, row: number) => void): void {
    for (let row = headOf(series); row >= first;) {
      const chunk = chunkAt(row);
      const place = row % chunkRows;
      visit(chunk, place, row);
      const back = chunk.back[place]!;
      if (back === 0) return;
      row -= back;
    }
  }

  function trimEntries(position: Position): void {
    const kept = <Entry>(placed: Placed<Entry>): boolean => placed.batch > position;
    quarantine = quarantine.filter(kept);
    control = control.filter(kept);
    publications = publications.filter((publication) => publication.position > position);
    entriesBytes = 0;
    for (const { entry } of quarantine) {
      entriesBytes += entryBytes + entry.detail.length + (entry.payload?.length ?? 0);
    }
    for (const { entry } of control) entriesBytes += entryBytes + entry.text.length;
  }

  function trimRows(position: Position): void {
    while (first < next && chunkAt(first).position[first % chunkRows]! <= position) {
      const chunk = chunkAt(first);
      const end = Math.min(next, Math.floor(first / chunkRows) * chunkRows + chunkRows);
      const last = (end - 1) % chunkRows;
      if (chunk.position[last]! <= position) first = end;
      else while (chunk.position[first % chunkRows]! <= position) first++;
    }
    if (first === next) {
      chunks = [];
      bytes = 0;
      next = Math.ceil(next / chunkRows) * chunkRows;
      first = next;
      base = next;
    }
    while (chunks.length > 0 && base + chunkRows <= first) {
      bytes -= chunks.shift()!.bytes;
      base += chunkRows;
    }
  }

  return {
    get bytes() {
      return bytes + entriesBytes + publications.length * 64;
    },
    get rowCount() {
      return next - first;
    },
    get quarantine() {
      return quarantine;
    },
    get control() {
      return control;
    },
    get publications() {
      return publications;
    },
    add(position, batch) {
      addRows(position, batch.rows);
      addEntries(position, batch);
    },
    collect({ series, fromAt, toAt, pin }, rows) {
      const found: number[] = [];
      walk(series, (chunk, place, row) => {
        const endAt = chunk.endAt[place]!;
        if (endAt >= fromAt && endAt < toAt && chunk.position[place]! <= pin) found.push(row);
      });
      reserveRows(rows, rows.count + found.length);
      for (let at = found.length - 1; at >= 0; at--) {
        const row = found[at]!;
        copyRow(chunkAt(row), row % chunkRows, rows, rows.count++);
      }
    },
    series() {
      const held: number[] = [];
      for (let series = 0; series <= seriesMax; series++)
        if (headOf(series) >= 0) held.push(series);
      return held;
    },
    newestAt(series) {
      let newest = -Infinity;
      walk(series, (chunk, place) => {
        newest = Math.max(newest, chunk.endAt[place]!);
      });
      return newest;
    },
    trim(position) {
      trimRows(position);
      trimEntries(position);
    },
  };
}
