/**
 * Rows of one series by column: what blocks decode into, what the tail is gathered into, and what
 * blocks are written from. Texts are kept as sent; where a sent value is a plain decimal its digits
 * are kept as a whole number and a count of decimals instead, and its text is made when asked for.
 */
import {
  changeCauses,
  changeTypes,
  type ObservationKey,
  type ObservationRow,
  type Raw,
  type Verdict,
} from '../../observation.ts';
import { powersOfTen } from './numbers.ts';
import { DecimalRaw } from '../../observations/decimal-raw.ts';
import { sentLiteral, sentNull } from './sent-value.ts';
import { timeForms, timeTextOf } from './sent-time.ts';

export interface Rows {
  series: number;
  count: number;
  capacity: number;
  endAt: Float64Array;
  startAt: Float64Array;
  heightMm: Float64Array;
  /** NaN for a null. */
  result: Float64Array;
  resultAt: Float64Array;
  receivedAt: Float64Array;
  publishedAt: Float64Array;
  rankAt: Float64Array;
  rankNode: Float64Array;
  rankPosition: Float64Array;
  /** Of the batch in `observations`. */
  position: Float64Array;
  payloadHash: Float64Array;
  latitude: Float64Array;
  longitude: Float64Array;
  revision: Int32Array;
  /** bit 0 current, bit 1 rank class, bits 2–3 type, bits 4–6 cause. */
  bits: Uint8Array;
  /** Digits of the sent value; its decimals, or `sentNull`, or `sentLiteral`. */
  sentDigits: Float64Array;
  sentDecimals: Int8Array;
  sentText: (string | null)[];
  timeForm: Float64Array;
  timeText: (string | null)[];
  verdict: Verdict[];
  device: string[];
  rawName: string[];
  rawUnit: (string | null)[];
  /** Scratch of whoever reads a column into the rows; as long as the columns. */
  scratch: Float64Array;
}

export const bitCurrent = 1;
export const bitKlass = 2;
export const typeShift = 2;
export const causeShift = 4;
export const deletionType = changeTypes.indexOf('deletion');

const doubleColumns = [
  'endAt',
  'startAt',
  'heightMm',
  'result',
  'resultAt',
  'receivedAt',
  'publishedAt',
  'rankAt',
  'rankNode',
  'rankPosition',
  'position',
  'payloadHash',
  'latitude',
  'longitude',
  'sentDigits',
  'timeForm',
] as const;
const referenceColumns = [
  'sentText',
  'timeText',
  'verdict',
  'device',
  'rawName',
  'rawUnit',
] as const;

export function createRows(capacity: number): Rows {
  const doubles = (): Float64Array => new Float64Array(capacity);
  return {
    series: 0,
    count: 0,
    capacity,
    endAt: doubles(),
    startAt: doubles(),
    heightMm: doubles(),
    result: doubles(),
    resultAt: doubles(),
    receivedAt: doubles(),
    publishedAt: doubles(),
    rankAt: doubles(),
    rankNode: doubles(),
    rankPosition: doubles(),
    position: doubles(),
    payloadHash: doubles(),
    latitude: doubles(),
    longitude: doubles(),
    revision: new Int32Array(capacity),
    bits: new Uint8Array(capacity),
    sentDigits: doubles(),
    sentDecimals: new Int8Array(capacity),
    sentText: [],
    timeForm: doubles(),
    timeText: [],
    verdict: [],
    device: [],
    rawName: [],
    rawUnit: [],
    scratch: doubles(),
  };
}

/** Makes room for `count` rows in all, keeping what is there. */
export function reserveRows(rows: Rows, count: number): void {
  if (count <= rows.capacity) return;
  const capacity = Math.max(count, rows.capacity * 2);
  for (const name of doubleColumns) {
    const grown = new Float64Array(capacity);
    grown.set(rows[name].subarray(0, rows.count));
    rows[name] = grown;
  }
  const revision = new Int32Array(capacity);
  revision.set(rows.revision.subarray(0, rows.count));
  rows.revision = revision;
  const bits = new Uint8Array(capacity);
  bits.set(rows.bits.subarray(0, rows.count));
  rows.bits = bits;
  const sentDecimals = new Int8Array(capacity);
  sentDecimals.set(rows.sentDecimals.subarray(0, rows.count));
  rows.sentDecimals = sentDecimals;
  rows.scratch = new Float64Array(capacity);
  rows.capacity = capacity;
}

/** Puts a row of the series behind the others; `position` is that of its batch. */
export function addRow(rows: Rows, row: ObservationRow, position: number): void {
  reserveRows(rows, rows.count + 1);
  const to = rows.count++;
  const { rank, raw } = row;
  rows.endAt[to] = row.endAt;
  rows.startAt[to] = row.startAt;
  rows.heightMm[to] = row.heightMm;
  rows.result[to] = row.result ?? Number.NaN;
  rows.resultAt[to] = row.resultAt;
  rows.receivedAt[to] = row.receivedAt;
  rows.publishedAt[to] = row.publishedAt;
  rows.rankAt[to] = rank.at;
  rows.rankNode[to] = rank.node;
  rows.rankPosition[to] = rank.position;
  rows.position[to] = position;
  rows.payloadHash[to] = row.payloadHash;
  rows.latitude[to] = row.latitude;
  rows.longitude[to] = row.longitude;
  rows.revision[to] = row.revision;
  rows.bits[to] = bitsOf(row);
  rows.sentDigits[to] = 0;
  rows.sentDecimals[to] = raw.value === null ? sentNull : sentLiteral;
  rows.sentText[to] = raw.value;
  rows.timeForm[to] = raw.time === null ? timeForms.none : timeForms.literal;
  rows.timeText[to] = raw.time;
  rows.verdict[to] = row.verdict;
  rows.device[to] = row.device;
  rows.rawName[to] = raw.name;
  rows.rawUnit[to] = raw.unit;
}

/** Forgets the rows and lets go of their texts. */
export function clearRows(rows: Rows): void {
  rows.count = 0;
  for (const name of referenceColumns) rows[name].length = 0;
}

export function bitsOf(row: ObservationRow): number {
  return (
    (row.current ? bitCurrent : 0) |
    (row.rank.klass === 1 ? bitKlass : 0) |
    (changeTypes.indexOf(row.type) << typeShift) |
    (changeCauses.indexOf(row.cause) << causeShift)
  );
}

export function isCurrent(rows: Rows, at: number): boolean {
  return (rows.bits[at]! & bitCurrent) !== 0;
}

export function isDeletion(rows: Rows, at: number): boolean {
  return ((rows.bits[at]! >> typeShift) & 3) === deletionType;
}

/** The row as the port gives it out. */
export function rowOf(rows: Rows, at: number): ObservationRow {
  const bits = rows.bits[at]!;
  const result = rows.result[at]!;
  return {
    series: rows.series,
    endAt: rows.endAt[at]!,
    startAt: rows.startAt[at]!,
    heightMm: rows.heightMm[at]!,
    revision: rows.revision[at]!,
    current: (bits & bitCurrent) !== 0,
    type: changeTypes[(bits >> typeShift) & 3]!,
    cause: changeCauses[(bits >> causeShift) & 7]!,
    result: Number.isNaN(result) ? null : result,
    verdict: rows.verdict[at]!,
    resultAt: rows.resultAt[at]!,
    receivedAt: rows.receivedAt[at]!,
    publishedAt: rows.publishedAt[at]!,
    rank: {
      klass: (bits & bitKlass) === 0 ? 0 : 1,
      at: rows.rankAt[at]!,
      node: rows.rankNode[at]!,
      position: rows.rankPosition[at]!,
    },
    device: rows.device[at]!,
    raw: rawOf(rows, at),
    payloadHash: rows.payloadHash[at]!,
    latitude: rows.latitude[at]!,
    longitude: rows.longitude[at]!,
  };
}

function rawOf(rows: Rows, at: number): Raw {
  const form = rows.timeForm[at]!;
  const name = rows.rawName[at]!;
  const unit = rows.rawUnit[at]!;
  const time =
    form === timeForms.literal ? (rows.timeText[at] ?? null) : timeTextOf(form, rows.endAt[at]!);
  const decimals = rows.sentDecimals[at]!;
  if (decimals < 0) return { name, value: rows.sentText[at] ?? null, unit, time };
  return new DecimalRaw(
    { name, unit, time },
    rows.sentDigits[at]! / powersOfTen[decimals]!,
    decimals,
  );
}

/** Order of keys within a series: end, start, height; no height comes before any height. */
export function compareKeys(a: KeyInSeries, b: KeyInSeries): number {
  return a.endAt - b.endAt || a.startAt - b.startAt || compareHeights(a.heightMm, b.heightMm);
}

type KeyInSeries = Omit<ObservationKey, 'series'>;

export function compareHeights(a: number, b: number): number {
  if (Number.isNaN(a)) return Number.isNaN(b) ? 0 : -1;
  return Number.isNaN(b) ? 1 : a - b;
}

export function compareKeysAt(left: Rows, at: number, right: Rows, other: number): number {
  return (
    left.endAt[at]! - right.endAt[other]! ||
    left.startAt[at]! - right.startAt[other]! ||
    compareHeights(left.heightMm[at]!, right.heightMm[other]!)
  );
}

/** Compares the row's key with a key. */
export function compareKeyTo(rows: Rows, at: number, key: ObservationKey): number {
  return (
    rows.endAt[at]! - key.endAt ||
    rows.startAt[at]! - key.startAt ||
    compareHeights(rows.heightMm[at]!, key.heightMm)
  );
}

/** Rank first to last field; 0 for the same rank. */
export function compareRanksAt(left: Rows, at: number, right: Rows, other: number): number {
  return (
    (left.bits[at]! & bitKlass) - (right.bits[other]! & bitKlass) ||
    left.rankAt[at]! - right.rankAt[other]! ||
    left.rankNode[at]! - right.rankNode[other]! ||
    left.rankPosition[at]! - right.rankPosition[other]!
  );
}
