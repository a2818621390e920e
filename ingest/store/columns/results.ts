/**
 * Results beside the values as sent. Most results are the sent number itself or a straight line of
 * it (a unit conversion, a calibration), so the sent digits are what is kept. First byte:
 *
 *   0 own     a column of doubles; the sent digits follow in the second block
 *   1 same    result = sent
 *   2 line    result = sent × scale + shift, corrected by a column of steps between neighbouring
 *             doubles, so that every bit comes back
 *
 * Of 1 and 2: a column of 0 and 1 for null results (first byte + 8 where there is one), one byte of
 * decimals, the sent digits as whole numbers at these decimals, for 2 scale, shift and the steps,
 * then exceptions (place and exact double).
 */
import {
  DamagedBytes,
  readByte,
  readDouble,
  writeByte,
  writeDouble,
  type Sink,
  type Source,
} from './bytes.ts';
import { readIntegers, writeIntegers } from './integers.ts';
import {
  exactMax,
  powersOfTen,
  readExactDoubles,
  readNumbers,
  writeExactDoubles,
  writeNumbers,
} from './numbers.ts';
import type { Rows } from './rows.ts';

export const resultModes = { own: 0, same: 1, line: 2 } as const;
const nullsBit = 8;
const stepMax = 2 ** 20;

/** Rows of one series by their places, in order. */
export interface Stretch {
  readonly rows: Rows;
  readonly order: Int32Array;
}

/** What the stretch's sent values have in common; their digits are in the sink's scratch. */
export interface SentScale {
  /** Greatest count of decimals, at which all sent digits are whole numbers. */
  readonly decimals: number;
  /** Rows whose sent value is a plain decimal that fits. */
  readonly numeric: number;
}

/** A sent value's digits at `decimals`; NaN where there are none or they do not fit. */
export function scaledDigits(rows: Rows, at: number, decimals: number): number {
  const own = rows.sentDecimals[at]!;
  if (own === decimals) return rows.sentDigits[at]!;
  if (own < 0) return Number.NaN;
  const scaled = rows.sentDigits[at]! * powersOfTen[decimals - own]!;
  return Math.abs(scaled) <= exactMax ? scaled : Number.NaN;
}

/** Puts the sent digits into the scratch; a row that has none gets those of the row before. */
export function scaleSent(sink: Sink, { rows, order }: Stretch): SentScale {
  const { sentDecimals } = rows;
  let decimals = 0;
  for (let at = 0; at < order.length; at++) {
    const own = sentDecimals[order[at]!]!;
    if (own > decimals) decimals = own;
  }
  const { digits } = sink.scratch;
  let before = 0;
  let numeric = 0;
  for (let at = 0; at < order.length; at++) {
    const scaled = scaledDigits(rows, order[at]!, decimals);
    if (!Number.isNaN(scaled)) {
      before = scaled;
      numeric++;
    }
    digits[at] = before;
  }
  return { decimals, numeric };
}

/** Writes the results; gives the mode, which the second block needs. */
export function writeResults(sink: Sink, stretch: Stretch, sent: SentScale): number {
  const { rows, order } = stretch;
  const count = order.length;
  const { results } = sink.scratch;
  for (let at = 0; at < count; at++) results[at] = rows.result[order[at]!]!;
  const exceptionsMax = count >> 3;
  const same = sent.numeric > 0 ? notSame(sink, stretch, sent) : null;
  if (same !== null && same.length <= exceptionsMax) {
    writeSent(sink, resultModes.same, count, sent);
    writeExactDoubles(sink, same, results);
    return resultModes.same;
  }
  const line = sent.numeric > 0 ? lineOf(sink, stretch, sent) : null;
  if (line !== null) {
    writeSent(sink, resultModes.line, count, sent);
    writeDouble(sink, line.scale);
    writeDouble(sink, line.shift);
    writeIntegers(sink, line.steps, count);
    writeExactDoubles(sink, line.exceptions, results);
    return resultModes.line;
  }
  writeByte(sink, resultModes.own);
  writeNumbers(sink, results, count);
  return resultModes.own;
}

/** Places whose result is not the sent number (a null is none); null where they are too many. */
function notSame(sink: Sink, { rows, order }: Stretch, sent: SentScale): number[] | null {
  const { results, digits } = sink.scratch;
  const power = powersOfTen[sent.decimals]!;
  const exceptionsMax = order.length >> 3;
  const places: number[] = [];
  for (let at = 0; at < order.length; at++) {
    const result = results[at]!;
    if (Number.isNaN(result)) continue;
    const isHeld = rows.sentDecimals[order[at]!]! >= 0;
    if (isHeld && Object.is(digits[at]! / power, result)) continue;
    if (places.push(at) > exceptionsMax) return null;
  }
  return places;
}

function writeSent(sink: Sink, mode: number, count: number, sent: SentScale): void {
  const { results, digits, marks } = sink.scratch;
  let nullCount = 0;
  for (let at = 0; at < count; at++) {
    const isNull = Number.isNaN(results[at]!);
    marks[at] = isNull ? 1 : 0;
    if (isNull) nullCount++;
  }
  writeByte(sink, nullCount === 0 ? mode : mode | nullsBit);
  if (nullCount > 0) writeIntegers(sink, marks, count);
  writeByte(sink, sent.decimals);
  writeIntegers(sink, digits, count);
}

interface Line {
  readonly scale: number;
  readonly shift: number;
  readonly steps: Float64Array;
  readonly exceptions: readonly number[];
}

/** The straight line through the stretch's least and greatest sent value, with what it misses. */
function lineOf(sink: Sink, { rows, order }: Stretch, sent: SentScale): Line | null {
  const fit = fitOf(sink, { rows, order }, sent);
  if (fit === null) return null;
  const { results, digits } = sink.scratch;
  const power = powersOfTen[sent.decimals]!;
  const steps = new Float64Array(order.length);
  const exceptions: number[] = [];
  const exceptionsMax = order.length >> 3;
  const measure = createStepMeasure();
  for (let at = 0; at < order.length; at++) {
    const result = results[at]!;
    if (Number.isNaN(result)) continue;
    const isHeld = rows.sentDecimals[order[at]!]! >= 0;
    const step = isHeld
      ? measure.between((digits[at]! / power) * fit.scale + fit.shift, result)
      : Number.NaN;
    if (Math.abs(step) <= stepMax) steps[at] = step;
    else if (exceptions.push(at) > exceptionsMax) return null;
  }
  return { scale: fit.scale, shift: fit.shift, steps, exceptions };
}

function fitOf(
  sink: Sink,
  { rows, order }: Stretch,
  sent: SentScale,
): { readonly scale: number; readonly shift: number } | null {
  const { results, digits } = sink.scratch;
  let least = -1;
  let greatest = -1;
  for (let at = 0; at < order.length; at++) {
    if (Number.isNaN(results[at]!) || rows.sentDecimals[order[at]!]! < 0) continue;
    if (least < 0 || digits[at]! < digits[least]!) least = at;
    if (greatest < 0 || digits[at]! > digits[greatest]!) greatest = at;
  }
  if (least < 0) return null;
  const power = powersOfTen[sent.decimals]!;
  const low = digits[least]! / power;
  const high = digits[greatest]! / power;
  const widest = Math.abs(high) >= Math.abs(low) ? greatest : least;
  const ratio = results[widest]! / (digits[widest]! / power);
  if (low === high) return Number.isFinite(ratio) ? { scale: ratio, shift: 0 } : null;
  const scale = (results[greatest]! - results[least]!) / (high - low);
  const shift = results[least]! - low * scale;
  const span = Math.max(Math.abs(results[greatest]!), Math.abs(results[least]!));
  const through0 = Math.abs(shift) <= span * 1e-9 && Number.isFinite(ratio);
  return through0 ? { scale: ratio, shift: 0 } : { scale, shift };
}

interface StepMeasure {
  /** Count of doubles from `a` to `b`; NaN where they have not the same sign. */
  between(a: number, b: number): number;
  /** The double `steps` away from `a`. */
  moved(a: number, steps: number): number;
}

function createStepMeasure(): StepMeasure {
  const doubles = new Float64Array(2);
  const words = new Uint32Array(doubles.buffer);
  const word = 2 ** 32;
  return {
    between(a, b) {
      doubles[0] = a;
      doubles[1] = b;
      const sameSign = words[1]! >>> 31 === words[3]! >>> 31;
      return sameSign ? (words[3]! - words[1]!) * word + (words[2]! - words[0]!) : Number.NaN;
    },
    moved(a, steps) {
      doubles[0] = a;
      const low = words[0]! + steps;
      const carry = Math.floor(low / word);
      words[0] = low - carry * word;
      words[1] = words[1]! + carry;
      return doubles[0];
    },
  };
}

/** Reads results (and, of modes same and line, sent digits at the common decimals). */
export function readResults(
  source: Source,
  rows: Rows,
  start: number,
  count: number,
): { readonly mode: number; readonly decimals: number } {
  if (count === 0) return { mode: resultModes.own, decimals: 0 };
  const head = readByte(source);
  const mode = head & 7;
  if (mode === resultModes.own) {
    readNumbers(source, rows.result, start, count);
    return { mode, decimals: 0 };
  }
  if (mode > resultModes.line) throw new DamagedBytes(source.at);
  const hasNulls = (head & nullsBit) !== 0;
  const nulls = new Float64Array(hasNulls ? count : 0);
  if (hasNulls) readIntegers(source, nulls, 0, count);
  const decimals = readByte(source);
  const power = powersOfTen[decimals];
  if (power === undefined) throw new DamagedBytes(source.at);
  readIntegers(source, rows.sentDigits, start, count);
  const { result, sentDigits } = rows;
  if (mode === resultModes.same) {
    for (let at = start; at < start + count; at++) result[at] = sentDigits[at]! / power;
  } else readLine(source, rows, start, { count, power });
  readExactDoubles(source, result, start, count);
  for (let at = 0; at < nulls.length; at++) if (nulls[at] !== 0) result[start + at] = Number.NaN;
  return { mode, decimals };
}

function readLine(
  source: Source,
  rows: Rows,
  start: number,
  { count, power }: { readonly count: number; readonly power: number },
): void {
  const scale = readDouble(source);
  const shift = readDouble(source);
  const steps = new Float64Array(count);
  readIntegers(source, steps, 0, count);
  const measure = createStepMeasure();
  for (let at = 0; at < count; at++) {
    const predicted = (rows.sentDigits[start + at]! / power) * scale + shift;
    rows.result[start + at] = steps[at] === 0 ? predicted : measure.moved(predicted, steps[at]!);
  }
}

/** Sent digits of a stretch whose results are kept by themselves. */
export function writeOwnSent(sink: Sink, sent: SentScale, count: number): void {
  writeByte(sink, sent.decimals);
  writeIntegers(sink, sink.scratch.digits, count);
}
