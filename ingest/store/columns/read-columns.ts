/** Reads the columns that write-columns.ts wrote, behind the rows that are there. */
import { DamagedBytes, readByte, readText, type Source } from './bytes.ts';
import type { Verdict } from '../../observation.ts';
import type { Dictionary } from '../dictionary.ts';
import { readIntegers } from './integers.ts';
import { powersOfTen, readNumbers } from './numbers.ts';
import { readResults, resultModes } from './results.ts';
import type { Rows } from './rows.ts';
import { sentLiteral, sentNull } from './sent-value.ts';
import { timeForms } from './sent-time.ts';
import { decimalForms, sentKinds } from './write-columns.ts';

export interface Part {
  readonly start: number;
  readonly count: number;
}

export interface SentPart extends Part {
  readonly mode: number;
  readonly decimals: number;
}

export function readPoints(
  source: Source,
  rows: Rows,
  { start, count }: Part,
  dictionary: Dictionary,
): { readonly mode: number; readonly decimals: number } {
  if (count === 0) return { mode: resultModes.own, decimals: 0 };
  readIntegers(source, rows.endAt, start, count);
  readIntegers(source, rows.startAt, start, count);
  const { endAt, startAt } = rows;
  const end = start + count;
  for (let at = start; at < end; at++) startAt[at] = endAt[at]! - startAt[at]!;
  readNumbers(source, rows.heightMm, start, count);
  const { scratch } = rows;
  readIntegers(source, scratch, 0, count);
  for (let at = 0; at < count; at++) rows.revision[start + at] = scratch[at]!;
  readIntegers(source, scratch, 0, count);
  for (let at = 0; at < count; at++) rows.bits[start + at] = scratch[at]!;
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
  return readResults(source, rows, start, count);
}

export function readDetails(
  source: Source,
  rows: Rows,
  part: SentPart,
  dictionary: Dictionary,
): void {
  const { start, count } = part;
  if (count === 0) return;
  const { endAt, receivedAt, publishedAt, resultAt, rankAt } = rows;
  readIntegers(source, receivedAt, start, count);
  readIntegers(source, publishedAt, start, count);
  readIntegers(source, rows.position, start, count);
  readNumbers(source, resultAt, start, count);
  readIntegers(source, rankAt, start, count);
  for (let at = start; at < start + count; at++) {
    const received = receivedAt[at]! + endAt[at]!;
    receivedAt[at] = received;
    publishedAt[at] = publishedAt[at]! + received;
    const own = resultAt[at]! + endAt[at]!;
    resultAt[at] = own;
    rankAt[at] = rankAt[at]! + (Number.isNaN(own) ? received : own);
  }
  readIntegers(source, rows.rankNode, start, count);
  readIntegers(source, rows.rankPosition, start, count);
  readNames(source, rows, rows.device, { part, dictionary });
  readNames(source, rows, rows.rawName, { part, dictionary });
  readNames(source, rows, rows.rawUnit, { part, dictionary });
  readSentTexts(source, rows, part);
  readSentTimes(source, rows, part);
  readIntegers(source, rows.payloadHash, start, count);
  readNumbers(source, rows.latitude, start, count);
  readNumbers(source, rows.longitude, start, count);
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

function readSentTexts(source: Source, rows: Rows, part: SentPart): void {
  const { start, count } = part;
  const kinds = rows.scratch;
  readIntegers(source, kinds, 0, count);
  for (let at = 0; at < count; at++) {
    rows.sentText[start + at] = kinds[at] === sentKinds.literal ? readText(source) : null;
  }
  let { decimals } = part;
  if (part.mode === resultModes.own) {
    decimals = readByte(source);
    readIntegers(source, rows.sentDigits, start, count);
  }
  const form = readByte(source);
  const each = new Float64Array(form === decimalForms.each ? count : 0);
  if (form === decimalForms.each) readIntegers(source, each, 0, count);
  const { sentDigits, sentDecimals } = rows;
  for (let at = 0; at < count; at++) {
    const row = start + at;
    const kind = kinds[at]!;
    if (kind !== sentKinds.decimal)
      sentDecimals[row] = kind === sentKinds.none ? sentNull : sentLiteral;
    else if (form === decimalForms.full) sentDecimals[row] = decimals;
    else if (form === decimalForms.each) {
      sentDecimals[row] = each[at]!;
      sentDigits[row] = sentDigits[row]! / powersOfTen[decimals - each[at]!]!;
    } else shorten(rows, row, decimals);
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

function readSentTimes(source: Source, rows: Rows, { start, count }: Part): void {
  readIntegers(source, rows.timeForm, start, count);
  for (let at = start; at < start + count; at++) {
    rows.timeText[at] = rows.timeForm[at] === timeForms.literal ? readText(source) : null;
  }
}
