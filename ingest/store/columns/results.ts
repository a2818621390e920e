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
  reserveScratch,
  writeByte,
  writeDouble,
  type Sink,
  type Source,
} from './bytes.ts';
import { readIntegers, writeIntegers } from './integers.ts';
import {
  exactMax,
  gather,
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

/** Rows `order[from..to)` of `rows`. */
export interface Stretch {
  readonly rows: Rows;
  readonly order: Int32Array;
  readonly from: number;
  readonly to: number;
}

/** What the stretch's sent values have in common. */
export interface SentScale {
  /** Greatest count of decimals, at which all sent digits are whole numbers. */
  readonly decimals: number;
  /** Sent digits at those decimals; where a row has none, the digits of the row before. */
  readonly digits: Float64Array;
  /** Rows whose sent value is a plain decimal that fits. */
  readonly numeric: number;
}

/** A sent value's digits at `decimals`; NaN where there are none or they do not fit. */
export function scaledDigits(rows: Rows, at: number, decimals: number): number {
  const own = rows.sentDecimals[at]!;
  if (own < 0) return Number.NaN;
  const scaled =
    own === decimals ? rows.sentDigits[at]! : rows.sentDigits[at]! * powersOfTen[decimals - own]!;
  return Math.abs(scaled) <= exactMax ? scaled : Number.NaN;
}

/** Decimals beyond those that the digits of the stretch's greatest value leave room for are cut. */
export function sentScaleOf(stretch: Stretch): SentScale {
  const { rows, order, from, to } = stretch;
  let decimals = 0;
  for (let at = from; at < to; at++) {
    const own = rows.sentDecimals[order[at]!]!;
    if (own > decimals) decimals = own;
  }
  const digits = new Float64Array(to - from);
  let before = 0;
  let numeric = 0;
  for (let at = from; at < to; at++) {
    const scaled = scaledDigits(rows, order[at]!, decimals);
    if (!Number.isNaN(scaled)) {
      before = scaled;
      numeric++;
    }
    digits[at - from] = before;
  }
  return { decimals, digits, numeric };
}

/** Writes the results; gives the mode, which the second block needs. */
export function writeResults(sink: Sink, stretch: Stretch, sent: SentScale): number {
  const count = stretch.to - stretch.from;
  const results = gather(sink, stretch.rows.result, stretch.order, stretch).slice(0, count);
  const exceptionsMax = count >> 3;
  const power = powersOfTen[sent.decimals]!;
  const usable = sent.numeric > 0;
  const same = usable ? exceptionsOf(stretch, sent, results, (digits) => digits / power) : null;
  if (same !== null && same.length <= exceptionsMax) {
    writeSent(sink, resultModes.same, results, sent);
    writeExactDoubles(sink, same, results);
    return resultModes.same;
  }
  const line = usable ? lineOf(stretch, sent, results) : null;
  if (line !== null && line.exceptions.length <= exceptionsMax) {
    writeSent(sink, resultModes.line, results, sent);
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

/** Places whose result is not what `predict` makes of the sent digits; nulls need no prediction. */
function exceptionsOf(
  stretch: Stretch,
  sent: SentScale,
  results: Float64Array,
  predict: (digits: number) => number,
): number[] {
  const { rows, order, from } = stretch;
  const places: number[] = [];
  for (let at = 0; at < results.length; at++) {
    const result = results[at]!;
    if (Number.isNaN(result)) continue;
    const held = rows.sentDecimals[order[from + at]!]! >= 0;
    if (!held || !Object.is(predict(sent.digits[at]!), result)) places.push(at);
  }
  return places;
}

function writeSent(sink: Sink, mode: number, results: Float64Array, sent: SentScale): void {
  const count = results.length;
  const nulls = new Float64Array(count);
  let nullCount = 0;
  for (let at = 0; at < count; at++) {
    if (!Number.isNaN(results[at]!)) continue;
    nulls[at] = 1;
    nullCount++;
  }
  writeByte(sink, nullCount === 0 ? mode : mode | nullsBit);
  if (nullCount > 0) writeIntegers(sink, nulls, count);
  writeByte(sink, sent.decimals);
  writeIntegers(sink, sent.digits, count);
}

interface Line {
  readonly scale: number;
  readonly shift: number;
  readonly steps: Float64Array;
  readonly exceptions: readonly number[];
}

/** The straight line through the stretch's least and greatest sent value, with what it misses. */
function lineOf(stretch: Stretch, sent: SentScale, results: Float64Array): Line | null {
  const fit = fitOf(stretch, sent, results);
  if (fit === null) return null;
  const power = powersOfTen[sent.decimals]!;
  const { rows, order, from } = stretch;
  const steps = new Float64Array(results.length);
  const exceptions: number[] = [];
  const exceptionsMax = results.length >> 3;
  const measure = createStepMeasure();
  for (let at = 0; at < results.length; at++) {
    const result = results[at]!;
    if (Number.isNaN(result)) continue;
    const held = rows.sentDecimals[order[from + at]!]! >= 0;
    const step = held
      ? measure.between((sent.digits[at]! / power) * fit.scale + fit.shift, result)
      : Number.NaN;
    if (Math.abs(step) <= stepMax) steps[at] = step;
    else if (exceptions.push(at) > exceptionsMax) return null;
  }
  return { scale: fit.scale, shift: fit.shift, steps, exceptions };
}

function fitOf(
  stretch: Stretch,
  sent: SentScale,
  results: Float64Array,
): { readonly scale: number; readonly shift: number } | null {
  const { rows, order, from } = stretch;
  let least = -1;
  let greatest = -1;
  for (let at = 0; at < results.length; at++) {
    if (Number.isNaN(results[at]!) || rows.sentDecimals[order[from + at]!]! < 0) continue;
    if (least < 0 || sent.digits[at]! < sent.digits[least]!) least = at;
    if (greatest < 0 || sent.digits[at]! > sent.digits[greatest]!) greatest = at;
  }
  if (least < 0) return null;
  const power = powersOfTen[sent.decimals]!;
  const low = sent.digits[least]! / power;
  const high = sent.digits[greatest]! / power;
  const widest = Math.abs(high) >= Math.abs(low) ? greatest : least;
  const ratio = results[widest]! / (sent.digits[widest]! / power);
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
export function writeOwnSent(sink: Sink, sent: SentScale): void {
  reserveScratch(sink, sent.digits.length);
  writeByte(sink, sent.decimals);
  writeIntegers(sink, sent.digits, sent.digits.length);
}
