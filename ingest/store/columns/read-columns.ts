/** Reads the columns that write-columns.ts wrote, behind the rows that are there. */
import { DamagedBytes, readByte, readText, type Source } from './bytes.ts';
import type { Verdict } from '../../observation.ts';
import type { Dictionary } from '../dictionary.ts';
import { readIntegers } from './integers.ts';
import { powersOfTen, readNumbers } from './numbers.ts';
import { readResults, resultModes } from './results.ts';
import type { Rows } from './rows.ts';
import { sentLiteral, sentNull } from './sent-value.ts';
import { isTimeForm, timeForms } from './sent-time.ts';
import {
  decimalForms,
  detailsMaskBytes,
  pointsMaskBytes,
  sentKinds,
  usualBits,
  usualPayloadHash,
} from './write-columns.ts';

/** Rows that are being read: places from `start` on. */
export interface Part {
  readonly start: number;
  readonly count: number;
}

/** What the second block must know of the first. */
export interface ReadSent {
  readonly mode: number;
  readonly decimals: number;
}

interface Reading extends Part {
  readonly source: Source;
  readonly rows: Rows;
  /** Bits of the columns that are left out; shifted on with each column that may be. */
  mask: number;
}

function openReading(source: Source, rows: Rows, part: Part, maskBytes: number): Reading {
  let mask = readByte(source);
  if (maskBytes === 2) mask |= readByte(source) << 8;
  return { ...part, source, rows, mask };
}

function isLeftOut(reading: Reading): boolean {
  const isOut = (reading.mask & 1) !== 0;
  reading.mask >>= 1;
  return isOut;
}

function readUsual(reading: Reading, into: Float64Array, usual: number): void {
  const { source, start, count } = reading;
  if (isLeftOut(reading)) into.fill(usual, start, start + count);
  else readIntegers(source, into, start, count);
}

function readSparse(reading: Reading, into: Float64Array): void {
  const { source, start, count } = reading;
  if (isLeftOut(reading)) into.fill(Number.NaN, start, start + count);
  else readNumbers(source, into, start, count);
}

/** Small whole numbers, by way of the scratch. */
function readSmall(reading: Reading, into: Int32Array | Uint8Array, usual: number): void {
  const { source, rows, start, count } = reading;
  if (isLeftOut(reading)) {
    into.fill(usual, start, start + count);
    return;
  }
  const { scratch } = rows;
  readIntegers(source, scratch, 0, count);
  for (let at = 0; at < count; at++) into[start + at] = scratch[at]!;
}

export function readPoints(
  source: Source,
  rows: Rows,
  part: Part,
  dictionary: Dictionary,
): ReadSent {
  const { start, count } = part;
  if (count === 0) return { mode: resultModes.own, decimals: 0 };
  const reading = openReading(source, rows, part, pointsMaskBytes);
  readIntegers(source, rows.endAt, start, count);
  readUsual(reading, rows.startAt, 0);
  const { endAt, startAt } = rows;
  for (let at = start; at < start + count; at++) startAt[at] = endAt[at]! - startAt[at]!;
  readSparse(reading, rows.heightMm);
  readSmall(reading, rows.revision, 0);
  readSmall(reading, rows.bits, usualBits);
  readVerdicts(reading, dictionary);
  return readResults(source, rows, start, count);
}

function readVerdicts({ source, rows, start, count }: Reading, dictionary: Dictionary): void {
  const { scratch } = rows;
  readIntegers(source, scratch, 0, count);
  let before = -1;
  let verdict: Verdict | undefined;
  for (let at = 0; at < count; at++) {
    const id = scratch[at]!;
    if (id !== before) {
      before = id;
      verdict = dictionary.verdictOf(id);
      if (verdict === undefined) throw new DamagedBytes(source.at);
    }
    rows.verdict[start + at] = verdict!;
  }
}

export function readDetails(
  source: Source,
  rows: Rows,
  part: Part & ReadSent,
  dictionary: Dictionary,
): void {
  const { start, count } = part;
  if (count === 0) return;
  const reading = openReading(source, rows, part, detailsMaskBytes);
  const { endAt, receivedAt, publishedAt } = rows;
  readIntegers(source, receivedAt, start, count);
  readIntegers(source, publishedAt, start, count);
  for (let at = start; at < start + count; at++) {
    receivedAt[at] = receivedAt[at]! + endAt[at]!;
    publishedAt[at] = publishedAt[at]! + receivedAt[at]!;
  }
  readIntegers(source, rows.rankPosition, start, count);
  readPositions(reading);
  readOwnTimes(reading);
  readUsual(reading, rows.rankNode, 0);
  readNames(source, rows, rows.device, { part, dictionary });
  readNames(source, rows, rows.rawName, { part, dictionary });
  if (isLeftOut(reading)) fillNull(rows.rawUnit, part);
  else readNames(source, rows, rows.rawUnit, { part, dictionary });
  readSentTexts(reading, part);
  readSentTimes(reading);
  readUsual(reading, rows.payloadHash, usualPayloadHash);
  readSparse(reading, rows.latitude);
  readSparse(reading, rows.longitude);
}

function readPositions(reading: Reading): void {
  const { source, rows, start, count } = reading;
  const { position, rankPosition } = rows;
  const isDistance = isLeftOut(reading);
  readIntegers(source, position, start, count);
  if (!isDistance) return;
  for (let at = start; at < start + count; at++) position[at] = rankPosition[at]! - position[at]!;
}

function readOwnTimes(reading: Reading): void {
  const { rows, start, count } = reading;
  const { endAt, receivedAt, resultAt, rankAt } = rows;
  readSparse(reading, resultAt);
  readUsual(reading, rankAt, 0);
  for (let at = start; at < start + count; at++) {
    const own = resultAt[at]! + endAt[at]!;
    resultAt[at] = own;
    rankAt[at] = rankAt[at]! + (Number.isNaN(own) ? receivedAt[at]! : own);
  }
}

function fillNull(column: (string | null)[], { start, count }: Part): void {
  for (let at = start; at < start + count; at++) column[at] = null;
}

function readNames(
  source: Source,
  rows: Rows,
  column: (string | null)[],
  { part, dictionary }: { readonly part: Part; readonly dictionary: Dictionary },
): void {
  const { start, count } = part;
  const ids = rows.scratch;
  readIntegers(source, ids, 0, count);
  let before = 0;
  let text: string | null = null;
  for (let at = 0; at < count; at++) {
    const id = ids[at]!;
    if (id !== before) {
      const found = id === 0 ? null : dictionary.textOf(id);
      if (found === undefined) throw new DamagedBytes(source.at);
      text = found;
      before = id;
    }
    column[start + at] = text;
  }
}

function readSentTexts(reading: Reading, part: ReadSent): void {
  const { source, rows, start, count } = reading;
  const kinds = rows.scratch;
  if (isLeftOut(reading)) kinds.fill(sentKinds.decimal, 0, count);
  else readIntegers(source, kinds, 0, count);
  for (let at = 0; at < count; at++) {
    rows.sentText[start + at] = kinds[at] === sentKinds.literal ? readText(source) : null;
  }
  let { decimals } = part;
  if (part.mode === resultModes.own) {
    decimals = readByte(source);
    readIntegers(source, rows.sentDigits, start, count);
  }
  rows.sentDecimals.fill(decimals, start, start + count);
  if (!isLeftOut(reading)) {
    if (readByte(source) === decimalForms.each) readEachDecimals(reading, decimals);
    else for (let at = start; at < start + count; at++) shorten(rows, at, decimals);
  }
  for (let at = 0; at < count; at++) {
    if (kinds[at] === sentKinds.decimal) continue;
    rows.sentDecimals[start + at] = kinds[at] === sentKinds.none ? sentNull : sentLiteral;
  }
}

function readEachDecimals({ source, rows, start, count }: Reading, decimals: number): void {
  const each = new Float64Array(count);
  readIntegers(source, each, 0, count);
  for (let at = 0; at < count; at++) {
    const own = Math.min(decimals, Math.max(0, each[at]!));
    rows.sentDecimals[start + at] = own;
    rows.sentDigits[start + at] = rows.sentDigits[start + at]! / powersOfTen[decimals - own]!;
  }
}

/** Takes the zeros off the end, as far as there are decimals. */
function shorten(rows: Rows, row: number, decimals: number): void {
  let digits = rows.sentDigits[row]!;
  let kept = decimals;
  while (kept > 0 && digits % 10 === 0) {
    digits /= 10;
    kept--;
  }
  rows.sentDigits[row] = digits;
  rows.sentDecimals[row] = kept;
}

function readSentTimes(reading: Reading): void {
  const { source, rows, start, count } = reading;
  readUsual(reading, rows.timeForm, timeForms.milliseconds);
  for (let at = start; at < start + count; at++) {
    if (!isTimeForm(rows.timeForm[at]!)) throw new DamagedBytes(source.at);
    rows.timeText[at] = rows.timeForm[at] === timeForms.literal ? readText(source) : null;
  }
}
