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
import { sentNull, sentTextOf } from './sent-value.ts';
import { timeForms } from './sent-time.ts';

/** What the second block must know of the first. */
export interface WrittenSent extends SentScale {
  readonly mode: number;
}

interface NumberColumn {
  readonly [at: number]: number;
}

/** Columns of the first block; the scratch keeps the sent digits for the second. */
export function writePoints(sink: Sink, stretch: Stretch, dictionary: Dictionary): WrittenSent {
  const { rows, order } = stretch;
  if (order.length === 0) return { mode: resultModes.own, decimals: 0, numeric: 0 };
  writeColumn(sink, rows.endAt, order);
  writeDifference(sink, order, rows.endAt, rows.startAt);
  writeSparse(sink, rows.heightMm, order);
  writeColumn(sink, rows.revision, order);
  writeColumn(sink, rows.bits, order);
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
  const sent = scaleSent(sink, stretch);
  const mode = writeResults(sink, stretch, sent);
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
  const { values } = sink.scratch;
  writeDifference(sink, order, rows.receivedAt, rows.endAt);
  writeDifference(sink, order, rows.publishedAt, rows.receivedAt);
  writeColumn(sink, rows.position, order);
  for (let at = 0; at < order.length; at++) {
    values[at] = rows.resultAt[order[at]!]! - rows.endAt[order[at]!]!;
  }
  writeNumbers(sink, values, order.length);
  for (let at = 0; at < order.length; at++) {
    const row = order[at]!;
    const resultAt = rows.resultAt[row]!;
    values[at] = rows.rankAt[row]! - (Number.isNaN(resultAt) ? rows.receivedAt[row]! : resultAt);
  }
  writeIntegers(sink, values, order.length);
  writeColumn(sink, rows.rankNode, order);
  writeColumn(sink, rows.rankPosition, order);
  writeNames(sink, order, rows.device, dictionary);
  writeNames(sink, order, rows.rawName, dictionary);
  writeNames(sink, order, rows.rawUnit, dictionary);
  writeSentTexts(sink, stretch, sent);
  writeSentTimes(sink, stretch);
  writeColumn(sink, rows.payloadHash, order);
  writeSparse(sink, rows.latitude, order);
  writeSparse(sink, rows.longitude, order);
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
function writeSparse(sink: Sink, column: Float64Array, order: Int32Array): void {
  const { length } = order;
  let at = 0;
  while (at < length && Number.isNaN(column[order[at]!]!)) at++;
  if (at === length) {
    writeByte(sink, 0);
    return;
  }
  const { values } = sink.scratch;
  for (at = 0; at < length; at++) values[at] = column[order[at]!]!;
  writeNumbers(sink, values, length);
}

/** A column of `left − right`. */
function writeDifference(
  sink: Sink,
  order: Int32Array,
  left: Float64Array,
  right: Float64Array,
): void {
  const { values } = sink.scratch;
  for (let at = 0; at < order.length; at++) values[at] = left[order[at]!]! - right[order[at]!]!;
  writeIntegers(sink, values, order.length);
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

/** How a sent value's decimals are known: none at its end are 0, or all are there, or one by one. */
export const decimalForms = { shortest: 0, full: 1, each: 2 } as const;
/** What a sent value is: plain decimal, null, literal text. */
export const sentKinds = { decimal: 0, none: 1, literal: 2 } as const;

/** How to make the sent texts again: nulls, literals, and how many decimals each was written with. */
function writeSentTexts(sink: Sink, { rows, order }: Stretch, sent: WrittenSent): void {
  const { values } = sink.scratch;
  let shortest = true;
  let full = true;
  for (let at = 0; at < order.length; at++) {
    const row = order[at]!;
    const decimals = rows.sentDecimals[row]!;
    const fits = !Number.isNaN(scaledDigits(rows, row, sent.decimals));
    values[at] = fits
      ? sentKinds.decimal
      : decimals === sentNull
        ? sentKinds.none
        : sentKinds.literal;
    if (!fits) continue;
    if (decimals !== sent.decimals) full = false;
    if (decimals > 0 && rows.sentDigits[row]! % 10 === 0) shortest = false;
  }
  writeIntegers(sink, values, order.length);
  for (let at = 0; at < order.length; at++) {
    const row = order[at]!;
    if (values[at] !== sentKinds.literal) continue;
    writeText(
      sink,
      sentTextOf(rows.sentDigits[row]!, rows.sentDecimals[row]!, rows.sentText[row]!)!,
    );
  }
  if (sent.mode === resultModes.own) writeOwnSent(sink, sent, order.length);
  const either = shortest ? decimalForms.shortest : decimalForms.each;
  const form = full ? decimalForms.full : either;
  writeByte(sink, form);
  if (form !== decimalForms.each) return;
  for (let at = 0; at < order.length; at++) {
    values[at] = Math.max(0, rows.sentDecimals[order[at]!]!);
  }
  writeIntegers(sink, values, order.length);
}

function writeSentTimes(sink: Sink, { rows, order }: Stretch): void {
  writeColumn(sink, rows.timeForm, order);
  for (let at = 0; at < order.length; at++) {
    const row = order[at]!;
    if (rows.timeForm[row] === timeForms.literal) writeText(sink, rows.timeText[row]!);
  }
}
