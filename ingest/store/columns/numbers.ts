/**
 * A column of doubles in which NaN means "none". First byte: bits 0–1 presence (0 none has a value,
 * 1 all have, 2 a column of 0 and 1 follows), bit 2 set where the values are raw doubles.
 *
 * Else they are decimals: one byte of decimals d, a column of whole numbers n with value = n / 10^d
 * exactly, then the exceptions (count, then distance and the exact double each). Raw doubles: each is
 * XORed with the one before; one byte (leading zero bytes × 16 + bytes kept), then those bytes.
 */
import {
  DamagedBytes,
  readByte,
  readDouble,
  readVarint,
  reserve,
  reserveScratch,
  writeByte,
  writeDouble,
  writeVarint,
  type Sink,
  type Source,
} from './bytes.ts';
import { readIntegers, writeIntegers } from './integers.ts';

/** Whole numbers up to this survive a division by a power of ten and back, exactly. */
export const exactMax = 1e15;
const decimalsMax = 9;
const rawBit = 4;

export const powersOfTen: readonly number[] = Array.from({ length: 23 }, (_, power) => 10 ** power);

export function writeNumbers(sink: Sink, values: Float64Array, count: number): void {
  if (count === 0) return;
  let present = 0;
  for (let at = 0; at < count; at++) if (!Number.isNaN(values[at]!)) present++;
  if (present === 0) {
    writeByte(sink, 0);
    return;
  }
  const held = new Float64Array(present);
  const marks = new Float64Array(present === count ? 0 : count);
  let kept = 0;
  for (let at = 0; at < count; at++) {
    const value = values[at]!;
    if (Number.isNaN(value)) continue;
    held[kept++] = value;
    if (present !== count) marks[at] = 1;
  }
  const decimals = decimalsOf(held);
  writeByte(sink, (present === count ? 1 : 2) | (decimals < 0 ? rawBit : 0));
  if (present !== count) writeIntegers(sink, marks, count);
  if (decimals < 0) writeXored(sink, held);
  else writeDecimals(sink, held, decimals);
}

function isExact(value: number, power: number): boolean {
  const whole = Math.round(value * power);
  return Math.abs(whole) <= exactMax && whole / power === value && !Object.is(value, -0);
}

/** Decimals that give (nearly) all values exactly, or −1 where raw doubles are shorter. */
function decimalsOf(values: Float64Array): number {
  const exceptionsMax = values.length >> 3;
  let decimals = 0;
  let exceptions = 0;
  for (const value of values) {
    if (isExact(value, powersOfTen[decimals]!)) continue;
    let tried = decimals + 1;
    while (tried <= decimalsMax && !isExact(value, powersOfTen[tried]!)) tried++;
    if (tried <= decimalsMax) decimals = tried;
    else if (++exceptions > exceptionsMax) return -1;
  }
  return decimals;
}

function writeDecimals(sink: Sink, values: Float64Array, decimals: number): void {
  const power = powersOfTen[decimals]!;
  const whole = new Float64Array(values.length);
  const exceptions: number[] = [];
  let before = 0;
  for (let at = 0; at < values.length; at++) {
    if (isExact(values[at]!, power)) before = Math.round(values[at]! * power);
    else exceptions.push(at);
    whole[at] = before;
  }
  writeByte(sink, decimals);
  writeIntegers(sink, whole, whole.length);
  writeExactDoubles(sink, exceptions, values);
}

/** The listed places of `values`: count, then (distance from the place before, double) each. */
export function writeExactDoubles(
  sink: Sink,
  places: readonly number[],
  values: Float64Array,
): void {
  writeVarint(sink, places.length);
  let before = 0;
  for (const place of places) {
    writeVarint(sink, place - before);
    writeDouble(sink, values[place]!);
    before = place;
  }
}

export function readExactDoubles(
  source: Source,
  into: Float64Array,
  start: number,
  count: number,
): void {
  const places = readVarint(source);
  let place = 0;
  for (let read = 0; read < places; read++) {
    place += readVarint(source);
    if (place >= count) throw new DamagedBytes(source.at);
    into[start + place] = readDouble(source);
  }
}

function writeXored(sink: Sink, values: Float64Array): void {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length * 2);
  reserve(sink, values.length * 9);
  let previousLow = 0;
  let previousHigh = 0;
  for (let at = 0; at < words.length; at += 2) {
    const low = (words[at]! ^ previousLow) >>> 0;
    const high = (words[at + 1]! ^ previousHigh) >>> 0;
    previousLow = words[at]!;
    previousHigh = words[at + 1]!;
    writeXoredWord(sink, low, high);
  }
}

function writeXoredWord(sink: Sink, low: number, high: number): void {
  const { bytes } = sink;
  let leading = 0;
  while (leading < 8 && byteAt(low, high, 7 - leading) === 0) leading++;
  let trailing = 0;
  while (trailing < 8 - leading && byteAt(low, high, trailing) === 0) trailing++;
  bytes[sink.length++] = leading * 16 + (8 - leading - trailing);
  for (let place = trailing; place < 8 - leading; place++) {
    bytes[sink.length++] = byteAt(low, high, place);
  }
}

/** Byte `place` of a double's bits, 0 the least significant. */
function byteAt(low: number, high: number, place: number): number {
  return place < 4 ? (low >>> (8 * place)) & 255 : (high >>> (8 * (place - 4))) & 255;
}

/** Reads `count` numbers into `into` from `start`; `sink` lends its scratch. */
export function readNumbers(
  source: Source,
  into: Float64Array,
  start: number,
  count: number,
): void {
  if (count === 0) return;
  const head = readByte(source);
  const presence = head & 3;
  if (presence === 0) {
    into.fill(Number.NaN, start, start + count);
    return;
  }
  if (presence === 1) {
    readHeld(source, into, start, { count, raw: (head & rawBit) !== 0 });
    return;
  }
  const marks = new Float64Array(count);
  readIntegers(source, marks, 0, count);
  let present = 0;
  for (let at = 0; at < count; at++) present += marks[at]!;
  const held = new Float64Array(present);
  readHeld(source, held, 0, { count: present, raw: (head & rawBit) !== 0 });
  let taken = 0;
  for (let at = 0; at < count; at++) {
    into[start + at] = marks[at] === 0 ? Number.NaN : held[taken++]!;
  }
}

function readHeld(
  source: Source,
  into: Float64Array,
  start: number,
  { count, raw }: { readonly count: number; readonly raw: boolean },
): void {
  if (raw) {
    readXored(source, into, start, count);
    return;
  }
  const power = powersOfTen[readByte(source)];
  if (power === undefined) throw new DamagedBytes(source.at);
  readIntegers(source, into, start, count);
  for (let at = start; at < start + count; at++) into[at] = into[at]! / power;
  readExactDoubles(source, into, start, count);
}

function readXored(source: Source, into: Float64Array, start: number, count: number): void {
  const word = new Uint8Array(8);
  const double = new DataView(word.buffer);
  for (let at = start; at < start + count; at++) {
    const head = readByte(source);
    const leading = head >> 4;
    const kept = head & 15;
    if (leading + kept > 8) throw new DamagedBytes(source.at);
    const trailing = 8 - leading - kept;
    for (let place = 0; place < kept; place++) {
      word[trailing + place] = word[trailing + place]! ^ readByte(source);
    }
    into[at] = double.getFloat64(0, true);
  }
}

/** Gathers a column through an order into the sink's scratch and gives the scratch back. */
export function gather(
  sink: Sink,
  column: { readonly [at: number]: number },
  order: Int32Array,
  { from, to }: { readonly from: number; readonly to: number },
): Float64Array {
  reserveScratch(sink, to - from);
  const { values } = sink;
  for (let at = from; at < to; at++) values[at - from] = column[order[at]!]!;
  return values;
}
