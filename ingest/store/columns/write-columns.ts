/** Writes the columns of a stretch of rows: those of the first block, and those of the second. */
import { writeByte, writeSigned, writeText, type Sink } from './bytes.ts';
import type { Dictionary } from '../dictionary.ts';
import { modeConstant, writeIntegers } from './integers.ts';
import { writeNumbers } from './numbers.ts';
import {
  resultModes,
  scaledDigits,
  scaleSent,
  writeOwnSent,
  writeResults,
  type SentScale,
  type Stretch,
} from './results.ts';
import type { Rows } from './rows.ts';
import { sentNull, sentTextOf } from './sent-value.ts';
import { timeForms } from './sent-time.ts';

/** What the second block must know of the first. */
export interface WrittenSent extends SentScale {
  readonly mode: number;
}

interface NumberColumn {
  readonly [at: number]: number;
}

/**
 * Columns being written. A column that holds its usual value throughout (no height, no own result
 * time, node 0 …) is only a bit of the mask at the head: days of few rows would else be mostly heads.
 */
interface Writing {
  readonly sink: Sink;
  readonly order: Int32Array;
  /** Where the mask's bytes are; its bits so far, and the bit of the next column that has a usual value. */
  readonly maskAt: number;
  mask: number;
  bit: number;
}

export const pointsMaskBytes = 1;
export const detailsMaskBytes = 2;
/** Usual values: a first value of rank class 1; no payload's hash. */
export const usualBits = 3;
export const usualPayloadHash = -1;

function openWriting(sink: Sink, order: Int32Array, maskBytes: number): Writing {
  const maskAt = sink.length;
  for (let at = 0; at < maskBytes; at++) writeByte(sink, 0);
  return { sink, order, maskAt, mask: 0, bit: 1 };
}

function closeWriting({ sink, maskAt, mask }: Writing, maskBytes: number): void {
  for (let at = 0; at < maskBytes; at++) sink.bytes[maskAt + at] = (mask >> (8 * at)) & 255;
}

/** Takes the next bit of the mask, set where the column is usual; gives `isUsual` back. */
function skips(writing: Writing, isUsual: boolean): boolean {
  if (isUsual) writing.mask |= writing.bit;
  writing.bit <<= 1;
  return isUsual;
}

/** Columns of the first block; the scratch keeps the sent digits for the second. */
export function writePoints(sink: Sink, stretch: Stretch, dictionary: Dictionary): WrittenSent {
  const { rows, order } = stretch;
  if (order.length === 0) return { mode: resultModes.own, decimals: 0, numeric: 0 };
  const writing = openWriting(sink, order, pointsMaskBytes);
  writeColumn(sink, rows.endAt, order);
  writeUsual(writing, difference(sink, order, rows.endAt, rows.startAt), 0);
  writeSparse(writing, rows.heightMm);
  writeUsualOf(writing, rows.revision, 0);
  writeUsualOf(writing, rows.bits, usualBits);
  writeVerdicts(sink, stretch, dictionary);
  const sent = scaleSent(sink, stretch);
  const mode = writeResults(sink, stretch, sent);
  closeWriting(writing, pointsMaskBytes);
  return { mode, decimals: sent.decimals, numeric: sent.numeric };
}

/** Columns of the second block, of the same stretch. */
export function writeDetails(
  sink: Sink,
  stretch: Stretch,
  sent: WrittenSent,
  dictionary: Dictionary,
): void {
  const { rows, order } = stretch;
  if (order.length === 0) return;
  const writing = openWriting(sink, order, detailsMaskBytes);
  const { length } = order;
  writeIntegers(sink, difference(sink, order, rows.receivedAt, rows.endAt), length);
  writeIntegers(sink, difference(sink, order, rows.publishedAt, rows.receivedAt), length);
  writeColumn(sink, rows.rankPosition, order);
  writePositions(writing, stretch);
  writeOwnTimes(writing, stretch);
  writeUsualOf(writing, rows.rankNode, 0);
  writeNames(sink, order, rows.device, dictionary);
  writeNames(sink, order, rows.rawName, dictionary);
  if (!skips(writing, hasNoUnit(stretch))) writeNames(sink, order, rows.rawUnit, dictionary);
  writeSentTexts(writing, stretch, sent);
  writeSentTimes(writing, stretch);
  writeUsualOf(writing, rows.payloadHash, usualPayloadHash);
  writeSparse(writing, rows.latitude);
  writeSparse(writing, rows.longitude);
  closeWriting(writing, detailsMaskBytes);
}

function writeVerdicts(sink: Sink, { rows, order }: Stretch, dictionary: Dictionary): void {
  const { values } = sink.scratch;
  let before = rows.verdict[order[0]!]!;
  let id = dictionary.verdictId(before);
  for (let at = 0; at < order.length; at++) {
    const verdict = rows.verdict[order[at]!]!;
    if (verdict !== before) {
      before = verdict;
      id = dictionary.verdictId(verdict);
    }
    values[at] = id;
  }
  writeIntegers(sink, values, order.length);
}

/**
 * Positions of the batches: where each reading made about a batch of its own they run with the
 * readings' positions, and the distance is shorter (bit set); else by themselves.
 */
function writePositions(writing: Writing, { rows, order }: Stretch): void {
  const { sink } = writing;
  const from = sink.length;
  writeColumn(sink, rows.position, order);
  const middle = sink.length;
  const distance = difference(sink, order, rows.rankPosition, rows.position);
  writeIntegers(sink, distance, order.length);
  if (skips(writing, sink.length - middle < middle - from)) {
    sink.bytes.copyWithin(from, middle, sink.length);
    sink.length = from + (sink.length - middle);
  } else sink.length = middle;
}

/** resultAt − endAt, then rank.at − (resultAt, else receivedAt). */
function writeOwnTimes(writing: Writing, { rows, order }: Stretch): void {
  const { sink } = writing;
  const { values } = sink.scratch;
  let hasOwn = false;
  for (let at = 0; at < order.length; at++) {
    const own = rows.resultAt[order[at]!]! - rows.endAt[order[at]!]!;
    values[at] = own;
    if (!Number.isNaN(own)) hasOwn = true;
  }
  if (!skips(writing, !hasOwn)) writeNumbers(sink, values, order.length);
  for (let at = 0; at < order.length; at++) {
    const row = order[at]!;
    const resultAt = rows.resultAt[row]!;
    values[at] = rows.rankAt[row]! - (Number.isNaN(resultAt) ? rows.receivedAt[row]! : resultAt);
  }
  writeUsual(writing, values, 0);
}

function hasNoUnit({ rows, order }: Stretch): boolean {
  for (let at = 0; at < order.length; at++) if (rows.rawUnit[order[at]!] !== null) return false;
  return true;
}

/** A gathered column, left out where it is `usual` throughout. */
function writeUsual(writing: Writing, values: Float64Array, usual: number): void {
  const { length } = writing.order;
  let at = 0;
  while (at < length && values[at] === usual) at++;
  if (!skips(writing, at === length)) writeIntegers(writing.sink, values, length);
}

/** The same of a column that is not gathered yet. */
function writeUsualOf(writing: Writing, column: NumberColumn, usual: number): void {
  const { order, sink } = writing;
  let at = 0;
  while (at < order.length && column[order[at]!] === usual) at++;
  if (!skips(writing, at === order.length)) writeColumn(sink, column, order);
}

/** Most columns are one value throughout: that is seen before anything is gathered. */
function writeColumn(sink: Sink, column: NumberColumn, order: Int32Array): void {
  const first = column[order[0]!]!;
  const { length } = order;
  let at = 1;
  while (at < length && column[order[at]!] === first) at++;
  if (at === length) {
    writeByte(sink, modeConstant);
    writeSigned(sink, first);
    return;
  }
  const { values } = sink.scratch;
  for (at = 0; at < length; at++) values[at] = column[order[at]!]!;
  writeIntegers(sink, values, length);
}

/** A column of doubles that most stretches have none of. */
function writeSparse(writing: Writing, column: Float64Array): void {
  const { sink, order } = writing;
  const { length } = order;
  let at = 0;
  while (at < length && Number.isNaN(column[order[at]!]!)) at++;
  if (skips(writing, at === length)) return;
  const { values } = sink.scratch;
  for (at = 0; at < length; at++) values[at] = column[order[at]!]!;
  writeNumbers(sink, values, length);
}

/** `left − right` in the scratch. */
function difference(
  sink: Sink,
  order: Int32Array,
  left: Float64Array,
  right: Float64Array,
): Float64Array {
  const { values } = sink.scratch;
  for (let at = 0; at < order.length; at++) values[at] = left[order[at]!]! - right[order[at]!]!;
  return values;
}

function writeNames(
  sink: Sink,
  order: Int32Array,
  column: readonly (string | null)[],
  dictionary: Dictionary,
): void {
  const { values } = sink.scratch;
  let before: string | null = null;
  let id = 0;
  for (let at = 0; at < order.length; at++) {
    const text = column[order[at]!]!;
    if (text !== before) {
      before = text;
      id = text === null ? 0 : dictionary.textId(text);
    }
    values[at] = id;
  }
  writeIntegers(sink, values, order.length);
}

/** Where not all decimals are there: either no sent value ends in a 0, or each is told. */
export const decimalForms = { shortest: 0, each: 1 } as const;
/** What a sent value is: plain decimal, null, literal text. */
export const sentKinds = { decimal: 0, none: 1, literal: 2 } as const;

/** How to make the sent texts again: nulls, literals, and how many decimals each was written with. */
function writeSentTexts(writing: Writing, stretch: Stretch, sent: WrittenSent): void {
  const { rows, order } = stretch;
  const { sink } = writing;
  const { values } = sink.scratch;
  let shortest = true;
  let full = true;
  for (let at = 0; at < order.length; at++) {
    const row = order[at]!;
    const decimals = rows.sentDecimals[row]!;
    const fits = !Number.isNaN(scaledDigits(rows, row, sent.decimals));
    const none = decimals === sentNull ? sentKinds.none : sentKinds.literal;
    values[at] = fits ? sentKinds.decimal : none;
    if (!fits) continue;
    if (decimals !== sent.decimals) full = false;
    if (decimals > 0 && rows.sentDigits[row]! % 10 === 0) shortest = false;
  }
  writeUsual(writing, values, sentKinds.decimal);
  for (let at = 0; at < order.length; at++) {
    if (values[at] === sentKinds.literal) writeText(sink, literalOf(rows, order[at]!));
  }
  if (sent.mode === resultModes.own) writeOwnSent(sink, sent, order.length);
  if (skips(writing, full)) return;
  writeByte(sink, shortest ? decimalForms.shortest : decimalForms.each);
  if (shortest) return;
  for (let at = 0; at < order.length; at++) {
    values[at] = Math.max(0, rows.sentDecimals[order[at]!]!);
  }
  writeIntegers(sink, values, order.length);
}

function literalOf(rows: Rows, row: number): string {
  return sentTextOf(rows.sentDigits[row]!, rows.sentDecimals[row]!, rows.sentText[row]!)!;
}

function writeSentTimes(writing: Writing, { rows, order }: Stretch): void {
  writeUsualOf(writing, rows.timeForm, timeForms.milliseconds);
  for (let at = 0; at < order.length; at++) {
    const row = order[at]!;
    if (rows.timeForm[row] === timeForms.literal) writeText(writing.sink, rows.timeText[row]!);
  }
}
