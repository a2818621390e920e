/**
 * The two blocks of a stretch of one series' rows.
 *
 * First block (`points`): what a plain read shows. Count n, then columns of the n newest current
 * rows, one a key, in order of key: endAt, endAt − startAt, heightMm, revision, bits (current, rank
 * class, type, cause), verdict, results (with the sent digits where they say the result).
 *
 * Second block (`details`): what asOf, raw and ranking need of the same n rows: receivedAt − endAt,
 * publishedAt − receivedAt, position of the batch, resultAt − endAt, rank.at − (resultAt, else
 * receivedAt), rank.node, rank.position, device, raw name, raw unit, sent texts, sent times,
 * payloadHash, latitude, longitude. Then m and the m other rows (superseded, and history that never
 * was current) in order of key, revision, rank: all columns of both kinds.
 */
import {
  DamagedBytes,
  createSource,
  readByte,
  readText,
  readVarint,
  reserveScratch,
  takeBytes,
  writeByte,
  writeText,
  writeVarint,
  type Sink,
  type Source,
} from './bytes.ts';
import { scanDecimal } from '../../observations/decimal-text.ts';
import type { Dictionary } from '../dictionary.ts';
import { readIntegers, writeIntegers } from './integers.ts';
import { gather, powersOfTen, readNumbers, writeNumbers } from './numbers.ts';
import {
  readResults,
  resultModes,
  scaledDigits,
  sentScaleOf,
  writeOwnSent,
  writeResults,
  type SentScale,
  type Stretch,
} from './results.ts';
import { reserveRows, type Rows } from './rows.ts';
import { sentLiteral, sentNull, sentTextOf } from './sent-value.ts';
import { timeFormOf, timeForms } from './sent-time.ts';

export interface Block {
  readonly points: Uint8Array;
  readonly details: Uint8Array;
}

/** The newest rows and the others, each as places in `rows` by order of key. */
export interface BlockRows {
  readonly rows: Rows;
  readonly newest: Int32Array;
  readonly others: Int32Array;
}

export function encodeBlock(sink: Sink, source: BlockRows, dictionary: Dictionary): Block {
  const { rows, newest, others } = source;
  const main = { rows, order: newest, from: 0, to: newest.length };
  const rest = { rows, order: others, from: 0, to: others.length };
  sink.length = 0;
  writeVarint(sink, newest.length);
  const sent = writePoints(sink, main, dictionary);
  const points = takeBytes(sink);
  sink.length = 0;
  writeDetails(sink, main, sent, dictionary);
  writeVarint(sink, others.length);
  if (others.length > 0) {
    const restSent = writePoints(sink, rest, dictionary);
    writeDetails(sink, rest, restSent, dictionary);
  }
  return { points, details: takeBytes(sink) };
}

/**
 * Recognises the plain decimals and the usual forms of times among texts that came as they are:
 * before rows of the tail are written.
 */
export function recogniseTexts(rows: Rows): void {
  const { decimal } = rows;
  for (let at = 0; at < rows.count; at++) {
    if (rows.sentDecimals[at] === sentLiteral && scanDecimal(rows.sentText[at]!, decimal)) {
      rows.sentDigits[at] = decimal.scaled;
      rows.sentDecimals[at] = decimal.decimals;
    }
    if (rows.timeForm[at] === timeForms.literal) {
      rows.timeForm[at] = timeFormOf(rows.timeText[at] ?? null, rows.endAt[at]!);
    }
  }
}

interface WrittenSent extends SentScale {
  readonly mode: number;
}

function writePoints(sink: Sink, stretch: Stretch, dictionary: Dictionary): WrittenSent {
  const { rows, order, from, to } = stretch;
  const count = to - from;
  if (count === 0) return { mode: 0, decimals: 0, digits: new Float64Array(0), numeric: 0 };
  writeIntegers(sink, gather(sink, rows.endAt, order, stretch), count);
  writeDifference(sink, stretch, rows.endAt, rows.startAt);
  writeNumbers(sink, gather(sink, rows.heightMm, order, stretch), count);
  writeIntegers(sink, gather(sink, rows.revision, order, stretch), count);
  writeIntegers(sink, gather(sink, rows.bits, order, stretch), count);
  const { values } = sink;
  for (let at = from; at < to; at++) {
    values[at - from] = dictionary.verdictId(rows.verdict[order[at]!]!);
  }
  writeIntegers(sink, values, count);
  const sent = sentScaleOf(stretch);
  const mode = writeResults(sink, stretch, sent);
  return { ...sent, mode };
}

/** A column of `left − right`. */
function writeDifference(
  sink: Sink,
  stretch: Stretch,
  left: Float64Array,
  right: Float64Array,
): void {
  const { order, from, to } = stretch;
  reserveScratch(sink, to - from);
  const { values } = sink;
  for (let at = from; at < to; at++) {
    values[at - from] = left[order[at]!]! - right[order[at]!]!;
  }
  writeIntegers(sink, values, to - from);
}

function writeDetails(
  sink: Sink,
  stretch: Stretch,
  sent: WrittenSent,
  dictionary: Dictionary,
): void {
  const { rows, order, from, to } = stretch;
  const count = to - from;
  if (count === 0) return;
  writeDifference(sink, stretch, rows.receivedAt, rows.endAt);
  writeDifference(sink, stretch, rows.publishedAt, rows.receivedAt);
  writeIntegers(sink, gather(sink, rows.position, order, stretch), count);
  const { values } = sink;
  for (let at = from; at < to; at++) {
    values[at - from] = rows.resultAt[order[at]!]! - rows.endAt[order[at]!]!;
  }
  writeNumbers(sink, values, count);
  for (let at = from; at < to; at++) {
    const row = order[at]!;
    values[at - from] = rows.rankAt[row]! - rankBase(rows, row);
  }
  writeIntegers(sink, values, count);
  writeIntegers(sink, gather(sink, rows.rankNode, order, stretch), count);
  writeIntegers(sink, gather(sink, rows.rankPosition, order, stretch), count);
  writeTexts(sink, stretch, rows.device, dictionary);
  writeTexts(sink, stretch, rows.rawName, dictionary);
  writeTexts(sink, stretch, rows.rawUnit, dictionary);
  writeSentTexts(sink, stretch, sent);
  writeSentTimes(sink, stretch);
  writeIntegers(sink, gather(sink, rows.payloadHash, order, stretch), count);
  writeNumbers(sink, gather(sink, rows.latitude, order, stretch), count);
  writeNumbers(sink, gather(sink, rows.longitude, order, stretch), count);
}

function rankBase(rows: Rows, row: number): number {
  const resultAt = rows.resultAt[row]!;
  return Number.isNaN(resultAt) ? rows.receivedAt[row]! : resultAt;
}

function writeTexts(
  sink: Sink,
  stretch: Stretch,
  column: readonly (string | null)[],
  dictionary: Dictionary,
): void {
  const { order, from, to } = stretch;
  const { values } = sink;
  let before: string | null = null;
  let id = 0;
  for (let at = from; at < to; at++) {
    const text = column[order[at]!]!;
    if (text !== before) {
      before = text;
      id = text === null ? 0 : dictionary.textId(text);
    }
    values[at - from] = id;
  }
  writeIntegers(sink, values, to - from);
}

const decimalForms = { shortest: 0, full: 1, each: 2 } as const;

/** How to make the sent texts again: nulls, literals, and how many decimals each was written with. */
function writeSentTexts(sink: Sink, stretch: Stretch, sent: WrittenSent): void {
  const { rows, order, from, to } = stretch;
  const { values } = sink;
  let shortest = true;
  let full = true;
  for (let at = from; at < to; at++) {
    const row = order[at]!;
    const decimals = rows.sentDecimals[row]!;
    const fits = !Number.isNaN(scaledDigits(rows, row, sent.decimals));
    values[at - from] = decimals === sentNull ? 1 : fits ? 0 : 2;
    if (!fits) continue;
    if (decimals !== sent.decimals) full = false;
    if (decimals > 0 && rows.sentDigits[row]! % 10 === 0) shortest = false;
  }
  writeIntegers(sink, values, to - from);
  for (let at = from; at < to; at++) {
    if (values[at - from] === 2) writeText(sink, literalOf(rows, order[at]!));
  }
  if (sent.mode === resultModes.own) writeOwnSent(sink, sent);
  const form = full ? decimalForms.full : shortest ? decimalForms.shortest : decimalForms.each;
  writeByte(sink, form);
  if (form !== decimalForms.each) return;
  for (let at = from; at < to; at++) {
    values[at - from] = Math.max(0, rows.sentDecimals[order[at]!]!);
  }
  writeIntegers(sink, values, to - from);
}

/** A text that is no plain decimal, or one too long for the stretch's common decimals. */
function literalOf(rows: Rows, row: number): string {
  return sentTextOf(rows.sentDigits[row]!, rows.sentDecimals[row]!, rows.sentText[row]!)!;
}

function writeSentTimes(sink: Sink, stretch: Stretch): void {
  const { rows, order, from, to } = stretch;
  writeIntegers(sink, gather(sink, rows.timeForm, order, stretch), to - from);
  for (let at = from; at < to; at++) {
    const row = order[at]!;
    if (rows.timeForm[row] === timeForms.literal) writeText(sink, rows.timeText[row]!);
  }
}

/** Reads a block behind what `rows` holds: first the newest rows, then the others. */
export function decodeBlock(
  block: Block,
  rows: Rows,
  dictionary: Dictionary,
): { readonly newest: number; readonly others: number } {
  const points = createSource(block.points);
  const details = createSource(block.details);
  const main = { start: rows.count, count: boundedCount(points) };
  reserveRows(rows, main.start + main.count);
  const sent = readPoints(points, rows, main, dictionary);
  readDetails(details, rows, { ...main, ...sent }, dictionary);
  rows.count += main.count;
  const rest = { start: rows.count, count: boundedCount(details) };
  reserveRows(rows, rest.start + rest.count);
  if (rest.count > 0) {
    const restSent = readPoints(details, rows, rest, dictionary);
    readDetails(details, rows, { ...rest, ...restSent }, dictionary);
  }
  rows.count += rest.count;
  if (points.at !== block.points.length || details.at !== block.details.length) {
    throw new DamagedBytes(details.at);
  }
  return { newest: main.count, others: rest.count };
}

/** A damaged count must not ask for memory without end. */
const countMax = 4_000_000;

function boundedCount(source: Source): number {
  const count = readVarint(source);
  if (count > countMax) throw new DamagedBytes(source.at);
  return count;
}

interface Part {
  readonly start: number;
  readonly count: number;
}

interface SentPart extends Part {
  readonly mode: number;
  readonly decimals: number;
}

function readPoints(
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
  const scratch = new Float64Array(count);
  readIntegers(source, scratch, 0, count);
  rows.revision.set(scratch, start);
  readIntegers(source, scratch, 0, count);
  rows.bits.set(scratch, start);
  readIntegers(source, scratch, 0, count);
  for (let at = 0; at < count; at++) {
    const verdict = dictionary.verdictOf(scratch[at]!);
    if (verdict === undefined) throw new DamagedBytes(source.at);
    rows.verdict[start + at] = verdict;
  }
  return readResults(source, rows, start, count);
}

function readDetails(source: Source, rows: Rows, part: SentPart, dictionary: Dictionary): void {
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
  readTexts(source, rows.device, part, dictionary);
  readTexts(source, rows.rawName, part, dictionary);
  readTexts(source, rows.rawUnit, part, dictionary);
  readSentTexts(source, rows, part);
  readSentTimes(source, rows, part);
  readIntegers(source, rows.payloadHash, start, count);
  readNumbers(source, rows.latitude, start, count);
  readNumbers(source, rows.longitude, start, count);
}

function readTexts(
  source: Source,
  column: (string | null)[],
  { start, count }: Part,
  dictionary: Dictionary,
): void {
  const ids = new Float64Array(count);
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
  const kinds = new Float64Array(count);
  readIntegers(source, kinds, 0, count);
  for (let at = 0; at < count; at++) {
    rows.sentText[start + at] = kinds[at] === 2 ? readText(source) : null;
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
    if (kind !== 0) sentDecimals[row] = kind === 1 ? sentNull : sentLiteral;
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
