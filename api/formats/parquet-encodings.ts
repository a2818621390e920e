/**
 * Encodings of Apache Parquet (parquet-format, Encodings.md), over typed arrays, so that a row costs
 * some nanoseconds a column. Each function gives the bytes that stand in a page.
 */

/** Values of one block and of one of its four miniblocks, as parquet-mr and Arrow write them. */
const blockValues = 128;
const miniblocks = 4;
const miniblockValues = blockValues / miniblocks;
/** First value and count, each at most ten bytes, and the two numbers of the header. */
const deltaHeaderBytesMax = 24;
/** Smallest delta, four widths, and 32 values of at most 8 bytes in each miniblock. */
const blockBytesMax = 10 + miniblocks + blockValues * 8;

/** Where bytes go next; the array is large enough from the beginning. */
interface Target {
  readonly bytes: Uint8Array;
  at: number;
}

/** Unsigned LEB128, of whole numbers up to 2^53. */
function putVarint(target: Target, value: number): void {
  let rest = value;
  while (rest >= 0x80) {
    target.bytes[target.at++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  target.bytes[target.at++] = rest;
}

function putZigzag(target: Target, value: number): void {
  putVarint(target, value < 0 ? -value * 2 - 1 : value * 2);
}

/**
 * DELTA_BINARY_PACKED of whole numbers, whose differences are below 2^52: times at even intervals
 * take next to nothing.
 */
export function encodeDeltas(values: Float64Array, count: number): Uint8Array {
  const blocks = Math.ceil(Math.max(0, count - 1) / blockValues);
  const bytes = new Uint8Array(deltaHeaderBytesMax + blocks * blockBytesMax);
  const target: Target = { bytes, at: 0 };
  putVarint(target, blockValues);
  putVarint(target, miniblocks);
  putVarint(target, count);
  putZigzag(target, values[0] ?? 0);
  const deltas = new Float64Array(blockValues);
  for (let begin = 1; begin < count; begin += blockValues) {
    const inBlock = Math.min(blockValues, count - begin);
    let least = Infinity;
    for (let index = 0; index < inBlock; index++) {
      const delta = (values[begin + index] ?? 0) - (values[begin + index - 1] ?? 0);
      deltas[index] = delta;
      if (delta < least) least = delta;
    }
    putBlock(target, deltas, { count: inBlock, least });
  }
  return bytes.subarray(0, target.at);
}

function putBlock(
  target: Target,
  deltas: Float64Array,
  { count, least }: { readonly count: number; readonly least: number },
): void {
  putZigzag(target, least);
  // What lies behind the last value is packed too, and read by nobody.
  for (let index = 0; index < blockValues; index++) {
    deltas[index] = index < count ? (deltas[index] ?? 0) - least : 0;
  }
  const widthsAt = target.at;
  target.at += miniblocks;
  for (let block = 0; block < miniblocks; block++) {
    const begin = block * miniblockValues;
    if (begin >= count) break;
    let greatest = 0;
    for (let index = begin; index < begin + miniblockValues; index++) {
      const delta = deltas[index] ?? 0;
      if (delta > greatest) greatest = delta;
    }
    const width = widthOf(greatest);
    target.bytes[widthsAt + block] = width;
    if (width <= 24) putBits(target, deltas.subarray(begin, begin + miniblockValues), width);
    else putWide(target, deltas.subarray(begin, begin + miniblockValues), width);
  }
}

/** Bits of the values; whole bytes from 25 on, where packing would pass 32 bits. */
function widthOf(greatest: number): number {
  if (greatest < 2 ** 24) return 32 - Math.clz32(greatest);
  let width = 32;
  while (greatest >= 2 ** width) width += 8;
  return width;
}

/** Bit-packed, least significant bit first; a multiple of eight values, at most 24 bits each. */
function putBits(target: Target, values: ArrayLike<number>, width: number): void {
  if (width === 0) return;
  const { bytes } = target;
  let { at } = target;
  let held = 0;
  let bits = 0;
  for (let index = 0; index < values.length; index++) {
    held |= (values[index] ?? 0) << bits;
    bits += width;
    while (bits >= 8) {
      bytes[at++] = held & 0xff;
      held >>>= 8;
      bits -= 8;
    }
  }
  target.at = at;
}

function putWide(target: Target, values: Float64Array, width: number): void {
  for (const value of values) {
    let rest = value;
    for (let bits = 0; bits < width; bits += 8) {
      target.bytes[target.at++] = rest % 256;
      rest = Math.floor(rest / 256);
    }
  }
}

const runMin = 8;

/** The RLE and bit-packing hybrid, without a length before it; at most 24 bits a value. */
export function encodeHybrid(
  values: Uint8Array | Uint32Array,
  count: number,
  bitWidth: number,
): Uint8Array {
  // Bit-packed bytes, and headers: at worst one of a run behind each group of eight.
  const bytes = new Uint8Array(32 + Math.ceil(count / 8) * (bitWidth + 16));
  const target: Target = { bytes, at: 0 };
  const valueBytes = Math.ceil(bitWidth / 8);
  let at = 0;
  while (at < count) {
    const run = runLength(values, at, count);
    if (run >= runMin || at + run === count) {
      putVarint(target, run * 2);
      let rest = values[at] ?? 0;
      for (let index = 0; index < valueBytes; index++) {
        bytes[target.at++] = rest & 0xff;
        rest >>>= 8;
      }
      at += run;
      continue;
    }
    const begin = at;
    do at += 8;
    while (at < count && !startsRun(values, at, count));
    const end = Math.min(at, count);
    const groups = Math.ceil((end - begin) / 8);
    putVarint(target, groups * 2 + 1);
    putBits(target, paddedTo(values, begin, begin + groups * 8), bitWidth);
    at = end;
  }
  return bytes.subarray(0, target.at);
}

/** What lies behind the last value is packed as it is, and read by nobody. */
function paddedTo(values: Uint8Array | Uint32Array, begin: number, end: number): ArrayLike<number> {
  if (end <= values.length) return values.subarray(begin, end);
  const padded = new Uint32Array(end - begin);
  padded.set(values.subarray(begin));
  return padded;
}

function runLength(values: Uint8Array | Uint32Array, begin: number, count: number): number {
  const value = values[begin];
  let at = begin + 1;
  while (at < count && values[at] === value) at++;
  return at - begin;
}

function startsRun(values: Uint8Array | Uint32Array, begin: number, count: number): boolean {
  const end = begin + runMin;
  if (end > count) return false;
  const value = values[begin];
  for (let at = begin + 1; at < end; at++) if (values[at] !== value) return false;
  return true;
}

/** PLAIN of texts: each behind its length in four bytes. */
export function encodeTexts(texts: readonly string[]): Uint8Array {
  const parts: Buffer[] = [];
  for (const text of texts) {
    const bytes = Buffer.from(text);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(bytes.length);
    parts.push(length, bytes);
  }
  return Buffer.concat(parts);
}
