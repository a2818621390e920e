/**
 * A column of whole numbers, each way of coding tried and the shortest taken. First byte:
 *
 *   0 constant   signed value
 *   1 line       signed first, signed step
 *   2 runs       count of runs, then (length, signed difference from the run before) each
 *   3 packed     base = least value;                slots = value − base
 *   4 packed     base = first value;                slots = zigzag of the difference from the last
 *   5 packed     base = first value, first step;    slots = zigzag of the change of that difference
 *
 * A packed column goes on with its base, one byte of width, the count of exceptions with
 * (distance from the exception before, slot) each, then all slots bit by bit; an exception's own
 * bits are 0. Slots wider than 24 bits are two rows of bits, the low 24 first. The number of values
 * is known outside.
 */
import {
  DamagedBytes,
  readByte,
  readSigned,
  readVarint,
  reserve,
  unzigzag,
  writeByte,
  writeSigned,
  writeVarint,
  zigzag,
  type Sink,
  type Source,
} from './bytes.ts';

/** A column of one value throughout: this byte, then the value. */
export const modeConstant = 0;
const modeLine = 1;
const modeRuns = 2;
const modePacked = 3;
const widthMax = 48;
const lowBits = 24;
const lowSize = 2 ** lowBits;
const wordSize = 2 ** 32;

/** Columns longer than the sink's scratch must have reserved it. */
export function writeIntegers(sink: Sink, values: Float64Array, count: number): void {
  if (count === 0) return;
  const first = values[0]!;
  const step = count > 1 ? values[1]! - first : 0;
  let at = 2;
  while (at < count && values[at]! - values[at - 1]! === step) at++;
  if (at >= count) {
    writeByte(sink, step === 0 ? modeConstant : modeLine);
    writeSigned(sink, first);
    if (step !== 0) writeSigned(sink, step);
    return;
  }
  writeVaried(sink, values, count);
}

function bitWidth(value: number): number {
  return value < wordSize ? 32 - Math.clz32(value) : 64 - Math.clz32(value / wordSize);
}

function bytesOf(width: number): number {
  return width <= 7 ? 1 : Math.ceil(width / 7);
}

/** Of long columns every so-manieth value says which form is shortest. */
function sampleStride(count: number): number {
  return count >= 192 ? 4 : count >= 64 ? 2 : 1;
}

/** Counts widths of slots of the three orders in one pass, then writes the cheapest form; of 3 values on. */
function writeVaried(sink: Sink, values: Float64Array, count: number): void {
  const { widths } = sink;
  widths.fill(0);
  let least = values[0]!;
  for (let at = 1; at < count; at++) if (values[at]! < least) least = values[at]!;
  const stride = sampleStride(count);
  let sampled = 0;
  let widest = 0;
  let runs = 1;
  let runBytes = 0;
  for (let at = 2; at < count; at += stride) {
    const value = values[at]!;
    const before = values[at - 1]!;
    const step = value - before;
    const width = bitWidth(zigzag(step));
    const plainWidth = bitWidth(value - least);
    const changeWidth = bitWidth(zigzag(step - before + values[at - 2]!));
    widths[plainWidth]!++;
    widths[64 + width]!++;
    widths[128 + changeWidth]!++;
    widest = Math.max(widest, plainWidth, width, changeWidth);
    sampled++;
    if (step === 0) continue;
    runs++;
    runBytes += 1 + bytesOf(width);
  }
  const runsBits = ((runBytes + runs * 0.25) * stride + 4) * 8;
  writeCheapest(sink, { values, count, least, runsBits, sampled, widest });
}

interface Varied {
  readonly values: Float64Array;
  readonly count: number;
  readonly least: number;
  readonly runsBits: number;
  /** Values that the widths were counted of. */
  readonly sampled: number;
  /** Greatest width met. */
  readonly widest: number;
}

function writeCheapest(sink: Sink, column: Varied): void {
  let bestBits = column.runsBits;
  let bestOrder = -1;
  let bestWidth = 0;
  const share = column.count / column.sampled;
  for (let order = 0; order < 3; order++) {
    const slots = column.count - order;
    let exceptionBits = 0;
    for (let { widest: width } = column; width >= 0; width--) {
      const bits = width > widthMax ? Infinity : slots * width + exceptionBits + order * 8;
      if (bits < bestBits) {
        bestBits = bits;
        bestOrder = order;
        bestWidth = width;
      }
      const held = sink.widths[order * 64 + width]!;
      exceptionBits += held * share * (8 + 8 * bytesOf(width));
    }
  }
  if (bestOrder < 0) writeRuns(sink, column.values, column.count);
  else writePacked(sink, column, bestOrder, bestWidth);
}

function writeRuns(sink: Sink, values: Float64Array, count: number): void {
  let runs = 1;
  for (let at = 1; at < count; at++) if (values[at] !== values[at - 1]) runs++;
  writeByte(sink, modeRuns);
  writeVarint(sink, runs);
  let before = 0;
  for (let start = 0; start < count;) {
    const value = values[start]!;
    let end = start + 1;
    while (end < count && values[end] === value) end++;
    writeVarint(sink, end - start);
    writeSigned(sink, value - before);
    before = value;
    start = end;
  }
}

function writePacked(sink: Sink, column: Varied, order: number, width: number): void {
  const { values, count, least } = column;
  const { slots } = sink.scratch;
  writeByte(sink, modePacked + order);
  writeSigned(sink, order === 0 ? least : values[0]!);
  if (order === 2) writeSigned(sink, values[1]! - values[0]!);
  const slotCount = count - order;
  if (order === 0) for (let at = 0; at < count; at++) slots[at] = values[at]! - least;
  else if (order === 1) {
    for (let at = 1; at < count; at++) slots[at - 1] = zigzag(values[at]! - values[at - 1]!);
  } else {
    let step = values[1]! - values[0]!;
    for (let at = 2; at < count; at++) {
      const next = values[at]! - values[at - 1]!;
      slots[at - 2] = zigzag(next - step);
      step = next;
    }
  }
  writeByte(sink, width);
  writeExceptions(sink, slotCount, width);
  if (width <= lowBits) packBits(sink, slots, slotCount, width);
  else packWide(sink, slotCount, width);
}

function writeExceptions(sink: Sink, slotCount: number, width: number): void {
  const { slots } = sink.scratch;
  const limit = 2 ** width;
  let exceptions = 0;
  for (let at = 0; at < slotCount; at++) if (slots[at]! >= limit) exceptions++;
  writeVarint(sink, exceptions);
  if (exceptions === 0) return;
  let before = 0;
  for (let at = 0; at < slotCount; at++) {
    if (slots[at]! < limit) continue;
    writeVarint(sink, at - before);
    writeVarint(sink, slots[at]!);
    slots[at] = 0;
    before = at;
  }
}

function packWide(sink: Sink, slotCount: number, width: number): void {
  const low = new Float64Array(slotCount);
  const { slots } = sink.scratch;
  for (let at = 0; at < slotCount; at++) {
    const high = Math.floor(slots[at]! / lowSize);
    low[at] = slots[at]! - high * lowSize;
    slots[at] = high;
  }
  packBits(sink, low, slotCount, lowBits);
  packBits(sink, slots, slotCount, width - lowBits);
}

function packBits(sink: Sink, slots: Float64Array, count: number, width: number): void {
  if (width === 0) return;
  reserve(sink, ((count * width) >>> 3) + 8);
  const bytes = sink.bytes;
  let at = sink.length;
  let held = 0;
  let bits = 0;
  for (let slot = 0; slot < count; slot++) {
    held |= slots[slot]! << bits;
    bits += width;
    while (bits >= 8) {
      bytes[at++] = held & 255;
      held >>>= 8;
      bits -= 8;
    }
  }
  if (bits > 0) bytes[at++] = held & 255;
  sink.length = at;
}

/** Reads `count` values into `into` from offset `start`. */
export function readIntegers(
  source: Source,
  into: Float64Array,
  start: number,
  count: number,
): void {
  if (count === 0) return;
  const mode = readByte(source);
  if (mode === modeConstant) into.fill(readSigned(source), start, start + count);
  else if (mode === modeLine) {
    const first = readSigned(source);
    const step = readSigned(source);
    for (let at = 0; at < count; at++) into[start + at] = first + step * at;
  } else if (mode === modeRuns) readRuns(source, into, start, count);
  else if (mode <= modePacked + 2) readPacked(source, into, start, { count, order: mode - 3 });
  else throw new DamagedBytes(source.at);
}

function readRuns(source: Source, into: Float64Array, start: number, count: number): void {
  const runs = readVarint(source);
  let value = 0;
  let at = start;
  const end = start + count;
  for (let run = 0; run < runs; run++) {
    const length = readVarint(source);
    value += readSigned(source);
    if (length > end - at) throw new DamagedBytes(source.at);
    into.fill(value, at, at + length);
    at += length;
  }
  if (at !== end) throw new DamagedBytes(source.at);
}

function readPacked(
  source: Source,
  into: Float64Array,
  start: number,
  { count, order }: { readonly count: number; readonly order: number },
): void {
  const base = readSigned(source);
  let step = order === 2 ? readSigned(source) : 0;
  const width = readByte(source);
  if (width > widthMax || count <= order) throw new DamagedBytes(source.at);
  const exceptions = readVarint(source);
  const from = start + order;
  const slotCount = count - order;
  const patches: number[] = [];
  let place = 0;
  for (let patch = 0; patch < exceptions; patch++) {
    place += readVarint(source);
    const slot = readVarint(source);
    if (place >= slotCount) throw new DamagedBytes(source.at);
    patches.push(place, slot);
  }
  unpackBits(source, into, from, { count: slotCount, width: Math.min(width, lowBits) });
  if (width > lowBits) addHighBits(source, into, from, { count: slotCount, width });
  for (let at = 0; at < patches.length; at += 2) into[from + patches[at]!] = patches[at + 1]!;
  const end = start + count;
  if (order === 0) {
    for (let at = start; at < end; at++) into[at] = into[at]! + base;
    return;
  }
  let value = base;
  into[start] = value;
  if (order === 2) {
    value += step;
    into[start + 1] = value;
  }
  for (let at = from; at < end; at++) {
    const change = unzigzag(into[at]!);
    step = order === 2 ? step + change : change;
    value += step;
    into[at] = value;
  }
}

interface Bits {
  readonly count: number;
  readonly width: number;
}

function addHighBits(source: Source, into: Float64Array, from: number, bits: Bits): void {
  const high = new Float64Array(bits.count);
  unpackBits(source, high, 0, { count: bits.count, width: bits.width - lowBits });
  for (let at = 0; at < bits.count; at++) into[from + at] = into[from + at]! + high[at]! * lowSize;
}

function unpackBits(source: Source, into: Float64Array, from: number, bits: Bits): void {
  const { count, width } = bits;
  if (width === 0) {
    into.fill(0, from, from + count);
    return;
  }
  const { bytes } = source;
  let at = source.at;
  const end = at + Math.ceil((count * width) / 8);
  if (end > bytes.length) throw new DamagedBytes(at);
  const mask = 2 ** width - 1;
  let held = 0;
  let heldBits = 0;
  for (let slot = from; slot < from + count; slot++) {
    while (heldBits < width) {
      held |= bytes[at++]! << heldBits;
      heldBits += 8;
    }
    into[slot] = held & mask;
    held >>>= width;
    heldBits -= width;
  }
  source.at = end;
}
