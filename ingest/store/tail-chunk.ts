/**
 * 4,096 rows of the tail, as records of 80 bytes: a row comes and goes as a whole, so its numbers lie
 * side by side. What is rare (own height, own place, own result time, a payload's hash, a text that
 * is no plain decimal or usual time) has a column that is made only where it is needed.
 *
 *   doubles   0 endAt  1 startAt  2 result  3 receivedAt  4 rank.position  5 digits of the sent value
 *   words     12 revision  13 distance to the row before of its series  14 batch  15 verdict
 *             16 source (device, raw name, raw unit)  17 bits (columns/rows.ts), 256 × (decimals + 2)
 *             18 form of the sent time  19 series
 */
import type { ObservationRow, Verdict } from '../observation.ts';
import { scaleDecimal, scanDecimal, type Decimal } from '../observations/decimal-text.ts';
import { bitKlass, bitsOf, type Rows } from './columns/rows.ts';
import { sentLiteral, sentNull } from './columns/sent-value.ts';
import { timeForms } from './columns/sent-time.ts';

export const chunkShift = 12;
export const chunkRows = 4_096;
export const recordDoubles = 10;
export const recordWords = 20;
const recordBytes = 80;
const optionalBytes = chunkRows * 8;
const textBytes = 24;
const noHash = -1;

export const wordBack = 13;
export const wordBatch = 14;
export const wordSeries = 19;

export interface Source {
  readonly device: string;
  readonly rawName: string;
  readonly rawUnit: string | null;
}

/** What the numbers of a record stand for. */
export interface RowNames {
  readonly verdict: number;
  readonly source: number;
  readonly batch: number;
  readonly back: number;
  readonly timeForm: number;
}

export interface Chunk {
  readonly doubles: Float64Array;
  readonly words: Int32Array;
  heightMm: Float64Array | null;
  resultAt: Float64Array | null;
  rankAt: Float64Array | null;
  rankNode: Float64Array | null;
  payloadHash: Float64Array | null;
  latitude: Float64Array | null;
  longitude: Float64Array | null;
  readonly sentTexts: Map<number, string>;
  readonly timeTexts: Map<number, string>;
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

export function createChunk(): Chunk {
  const buffer = new ArrayBuffer(chunkRows * recordBytes);
  return {
    doubles: new Float64Array(buffer),
    words: new Int32Array(buffer),
    heightMm: null,
    resultAt: null,
    rankAt: null,
    rankNode: null,
    payloadHash: null,
    latitude: null,
    longitude: null,
    sentTexts: new Map(),
    timeTexts: new Map(),
    bytes: chunkRows * recordBytes,
  };
}

export function putRow(
  chunk: Chunk,
  place: number,
  row: ObservationRow,
  { names, decimal }: { readonly names: RowNames; readonly decimal: Decimal },
): void {
  const { doubles, words } = chunk;
  const at = place * recordDoubles;
  doubles[at] = row.endAt;
  doubles[at + 1] = row.startAt;
  doubles[at + 2] = row.result ?? Number.NaN;
  doubles[at + 3] = row.receivedAt;
  doubles[at + 4] = row.rank.position;
  const decimals = sentDecimalsOf(chunk, place, row, decimal);
  doubles[at + 5] = decimal.scaled;
  const word = place * recordWords;
  words[word + 12] = row.revision;
  words[word + wordBack] = names.back;
  words[word + wordBatch] = names.batch;
  words[word + 15] = names.verdict;
  words[word + 16] = names.source;
  words[word + 17] = plainBits(row) | ((decimals + 2) << 8);
  words[word + 18] = names.timeForm;
  words[word + wordSeries] = row.series;
  if (names.timeForm === timeForms.literal) {
    chunk.timeTexts.set(place, row.raw.time!);
    chunk.bytes += 2 * textBytes + row.raw.time!.length;
  }
  putRare(chunk, place, row);
}

/** Decimals of the sent value, its digits in `decimal`; texts that are no plain decimal are kept. */
function sentDecimalsOf(
  chunk: Chunk,
  place: number,
  row: ObservationRow,
  decimal: Decimal,
): number {
  const { raw } = row;
  const decimals = raw.sentDecimals ?? -1;
  if (decimals >= 0 && scaleDecimal(raw.sentNumber!, decimals, decimal)) return decimals;
  decimal.scaled = 0;
  const text = raw.value;
  if (text === null) return sentNull;
  if (scanDecimal(text, decimal)) return decimal.decimals;
  decimal.scaled = 0;
  chunk.sentTexts.set(place, text);
  chunk.bytes += 2 * textBytes + text.length;
  return sentLiteral;
}

/** Nearly every row is a first value: those bits need no search in the lists of names. */
function plainBits(row: ObservationRow): number {
  const plain = row.current && row.type === 'insert' && row.cause === 'value';
  if (!plain) return bitsOf(row);
  return row.rank.klass === 1 ? 1 | bitKlass : 1;
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

/** The rare columns; most rows have none of them. */
function putRare(chunk: Chunk, place: number, row: ObservationRow): void {
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

/** What the tail knows by number. */
export interface NameTables {
  readonly verdicts: readonly Verdict[];
  readonly sources: readonly Source[];
}

/** Puts a row behind the rows of `rows`; room is there. */
export function takeRow(
  chunk: Chunk,
  place: number,
  rows: Rows,
  { tables, batch }: { readonly tables: NameTables; readonly batch: BatchPlace },
): void {
  const { doubles, words } = chunk;
  const to = rows.count++;
  const at = place * recordDoubles;
  const word = place * recordWords;
  rows.endAt[to] = doubles[at]!;
  rows.startAt[to] = doubles[at + 1]!;
  rows.result[to] = doubles[at + 2]!;
  rows.receivedAt[to] = doubles[at + 3]!;
  rows.rankPosition[to] = doubles[at + 4]!;
  rows.sentDigits[to] = doubles[at + 5]!;
  rows.publishedAt[to] = batch.publishedAt;
  rows.position[to] = batch.position;
  rows.revision[to] = words[word + 12]!;
  const bits = words[word + 17]!;
  rows.bits[to] = bits & 255;
  const decimals = (bits >> 8) - 2;
  rows.sentDecimals[to] = decimals;
  rows.sentText[to] = decimals === sentLiteral ? chunk.sentTexts.get(place)! : null;
  const form = words[word + 18]!;
  rows.timeForm[to] = form;
  rows.timeText[to] = form === timeForms.literal ? chunk.timeTexts.get(place)! : null;
  rows.verdict[to] = tables.verdicts[words[word + 15]!]!;
  const source = tables.sources[words[word + 16]!]!;
  rows.device[to] = source.device;
  rows.rawName[to] = source.rawName;
  rows.rawUnit[to] = source.rawUnit;
  takeRare(chunk, place, rows, to);
}

export interface BatchPlace {
  readonly position: number;
  readonly publishedAt: number;
}

function takeRare(chunk: Chunk, place: number, rows: Rows, to: number): void {
  const nan = Number.NaN;
  rows.heightMm[to] = chunk.heightMm === null ? nan : chunk.heightMm[place]!;
  rows.resultAt[to] = chunk.resultAt === null ? nan : chunk.resultAt[place]!;
  const rankAt = chunk.rankAt === null ? nan : chunk.rankAt[place]!;
  rows.rankAt[to] = Number.isNaN(rankAt) ? rows.receivedAt[to]! : rankAt;
  rows.rankNode[to] = chunk.rankNode === null ? 0 : chunk.rankNode[place]!;
  rows.payloadHash[to] = chunk.payloadHash === null ? noHash : chunk.payloadHash[place]!;
  rows.latitude[to] = chunk.latitude === null ? nan : chunk.latitude[place]!;
  rows.longitude[to] = chunk.longitude === null ? nan : chunk.longitude[place]!;
}
