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
  const { held, marks } = sink.scratch;
  let present = 0;
  for (let at = 0; at < count; at++) {
    const value = values[at]!;
    const isThere = !Number.isNaN(value);
    marks[at] = isThere ? 1 : 0;
    if (isThere) held[present++] = value;
  }
  if (present === 0) {
    writeByte(sink, 0);
    return;
  }
  const decimals = decimalsOf(held, present);
  writeByte(sink, (present === count ? 1 : 2) | (decimals < 0 ? rawBit : 0));
  if (present !== count) writeIntegers(sink, marks, count);
  if (decimals < 0) writeXored(sink, held, present);
  else writeDecimals(sink, present, decimals);
}

function isExact(value: number, power: number): boolean {
  const whole = Math.round(value * power);
  return Math.abs(whole) <= exactMax && whole / power === value && !Object.is(value, -0);
}

/** Decimals that give (nearly) all values exactly, or −1 where raw doubles are shorter. */
function decimalsOf(values: Float64Array, count: number): number {
  const exceptionsMax = count >> 3;
  let decimals = 0;
  let exceptions = 0;
  for (let at = 0; at < count; at++) {
    const value = values[at]!;
    if (isExact(value, powersOfTen[decimals]!)) continue;
    let tried = decimals + 1;
    while (tried <= decimalsMax && !isExact(value, powersOfTen[tried]!)) tried++;
    if (tried <= decimalsMax) decimals = tried;
    else if (++exceptions > exceptionsMax) return -1;
  }
  return decimals;
}

/** The values are in `held`; `marks` is free to take the whole numbers. */
function writeDecimals(sink: Sink, count: number, decimals: number): void {
  const power = powersOfTen[decimals]!;
  const { held, marks: whole } = sink.scratch;
  const exceptions: number[] = [];
  let before = 0;
  for (let at = 0; at < count; at++) {
    if (isExact(held[at]!, power)) before = Math.round(held[at]! * power);
    else exceptions.push(at);
    whole[at] = before;
  }
  writeByte(sink, decimals);
  writeIntegers(sink, whole, count);
  writeExactDoubles(sink, exceptions, held);
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

function writeXored(sink: Sink, values: Float64Array, count: number): void {
  const words = new Uint32Array(values.buffer, values.byteOffset, count * 2);
  reserve(sink, count * 9);
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

/** Reads `count` numbers into `into` from `start`. */
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
  for (let at = 0; at < count; at++) {
    if (marks[at] !== 0 && marks[at] !== 1) throw new DamagedBytes(source.at);
    present += marks[at]!;
  }
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
