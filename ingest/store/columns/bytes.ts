/**
 * Growing output and bounded input of the view's coded columns. Numbers are varints of seven bits a
 * byte, least significant first; whole numbers up to 2^53 are exact.
 */

export interface Sink {
  bytes: Buffer;
  length: number;
  /** Scratch of the integer columns: counts of bit widths. */
  readonly widths: Int32Array;
  scratch: Scratch;
}

/** Columns lent to whoever writes: each holds what its name says until that column is written. */
export interface Scratch {
  readonly capacity: number;
  /** What is to be packed bit by bit. */
  readonly slots: Float64Array;
  /** One gathered column. */
  readonly values: Float64Array;
  /** Its values that are present, and 1 where they are. */
  readonly held: Float64Array;
  readonly marks: Float64Array;
  /** Results and sent digits of the stretch at hand. */
  readonly results: Float64Array;
  readonly digits: Float64Array;
}

export interface Source {
  readonly bytes: Uint8Array;
  at: number;
}

export function createSink(): Sink {
  return {
    bytes: Buffer.allocUnsafe(16_384),
    length: 0,
    widths: new Int32Array(3 * 64),
    scratch: createScratch(1_024),
  };
}

function createScratch(capacity: number): Scratch {
  const column = (): Float64Array => new Float64Array(capacity);
  return {
    capacity,
    slots: column(),
    values: column(),
    held: column(),
    marks: column(),
    results: column(),
    digits: column(),
  };
}

export function createSource(bytes: Uint8Array): Source {
  return { bytes, at: 0 };
}

/** A copy of what was written, of exactly its length. */
export function takeBytes(sink: Sink): Uint8Array {
  const taken = new Uint8Array(sink.length);
  taken.set(sink.bytes.subarray(0, sink.length));
  return taken;
}

/** Makes room for `sizeBytes` more. */
export function reserve(sink: Sink, sizeBytes: number): void {
  const needed = sink.length + sizeBytes;
  if (needed <= sink.bytes.length) return;
  const grown = Buffer.allocUnsafe(Math.max(needed, sink.bytes.length * 2));
  sink.bytes.copy(grown, 0, 0, sink.length);
  sink.bytes = grown;
}

/** Makes the scratch columns hold `count` numbers; what they held before is gone. */
export function reserveScratch(sink: Sink, count: number): void {
  if (sink.scratch.capacity >= count) return;
  sink.scratch = createScratch(Math.max(count, sink.scratch.capacity * 2));
}

export function writeByte(sink: Sink, value: number): void {
  reserve(sink, 1);
  sink.bytes[sink.length++] = value;
}

/** A whole number from 0 to 2^53 − 1. */
export function writeVarint(sink: Sink, value: number): void {
  reserve(sink, 8);
  const bytes = sink.bytes;
  let at = sink.length;
  let rest = value;
  while (rest >= 0x1_0000_0000) {
    bytes[at++] = (rest % 128) | 128;
    rest = Math.floor(rest / 128);
  }
  let low = rest >>> 0;
  while (low >= 128) {
    bytes[at++] = (low & 127) | 128;
    low >>>= 7;
  }
  bytes[at++] = low;
  sink.length = at;
}

export function zigzag(value: number): number {
  return value >= 0 ? value * 2 : -value * 2 - 1;
}

export function unzigzag(value: number): number {
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}

/** A whole number from −2^52 to 2^52. */
export function writeSigned(sink: Sink, value: number): void {
  writeVarint(sink, zigzag(value));
}

export function writeDouble(sink: Sink, value: number): void {
  reserve(sink, 8);
  sink.length = sink.bytes.writeDoubleLE(value, sink.length);
}

export function writeText(sink: Sink, text: string): void {
  const sizeBytes = Buffer.byteLength(text, 'utf8');
  writeVarint(sink, sizeBytes);
  reserve(sink, sizeBytes);
  sink.bytes.write(text, sink.length, 'utf8');
  sink.length += sizeBytes;
}

/** Thrown by the readers below; the store turns it into STORE_BLOCK_DAMAGED with the block's place. */
export class DamagedBytes extends Error {
  constructor(at: number) {
    super(`A coded column ends or breaks at byte ${at}.`);
    this.name = 'DamagedBytes';
  }
}

export function readByte(source: Source): number {
  const value = source.bytes[source.at];
  if (value === undefined) throw new DamagedBytes(source.at);
  source.at++;
  return value;
}

export function readVarint(source: Source): number {
  const { bytes } = source;
  let value = 0;
  let factor = 1;
  for (let count = 0; count < 8; count++) {
    const byte = bytes[source.at];
    if (byte === undefined) break;
    source.at++;
    value += (byte & 127) * factor;
    if (byte < 128) return value;
    factor *= 128;
  }
  throw new DamagedBytes(source.at);
}

export function readSigned(source: Source): number {
  return unzigzag(readVarint(source));
}

const eightBytes = 8;

export function readDouble(source: Source): number {
  const { bytes, at } = source;
  if (at + eightBytes > bytes.length) throw new DamagedBytes(at);
  source.at = at + eightBytes;
  return new DataView(bytes.buffer, bytes.byteOffset + at, eightBytes).getFloat64(0, true);
}

export function readText(source: Source): string {
  const sizeBytes = readVarint(source);
  const { bytes, at } = source;
  if (at + sizeBytes > bytes.length) throw new DamagedBytes(at);
  source.at = at + sizeBytes;
  return Buffer.from(bytes.buffer, bytes.byteOffset + at, sizeBytes).toString('utf8');
}
