/**
 * Writing and reading of the few primitives that a batch is made of: unsigned and signed numbers of
 * variable length (7 bits a byte, least significant first), doubles (little-endian) and texts.
 * Plain objects with a cursor, so that the compiler can inline everything.
 */
export interface Writer {
  bytes: Buffer;
  view: DataView;
  at: number;
}

export interface Reader {
  readonly bytes: Buffer;
  readonly view: DataView;
  at: number;
}

/** The longest variable-length number: 53 bits. */
export const varintBytesMax = 8;

export function createWriter(capacityBytes: number): Writer {
  const bytes = Buffer.allocUnsafe(capacityBytes);
  return { bytes, view: viewOf(bytes), at: 0 };
}

export function createReader(body: Uint8Array): Reader {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  return { bytes, view: viewOf(bytes), at: 0 };
}

/** Makes room for `moreBytes`; the writers below do not check, their callers reserve for a row. */
export function reserve(writer: Writer, moreBytes: number): void {
  if (writer.at + moreBytes <= writer.bytes.length) return;
  const grown = Buffer.allocUnsafe(Math.max(writer.bytes.length * 2, writer.at + moreBytes));
  writer.bytes.copy(grown, 0, 0, writer.at);
  writer.bytes = grown;
  writer.view = viewOf(grown);
}

export function writeByte(writer: Writer, value: number): void {
  writer.bytes[writer.at++] = value;
}

/** An integer from 0 to 2^53 − 1. */
export function writeVarint(writer: Writer, value: number): void {
  const bytes = writer.bytes;
  let rest = value;
  let at = writer.at;
  while (rest > 0x7fffffff) {
    bytes[at++] = (rest % 128) | 128;
    rest = Math.floor(rest / 128);
  }
  let small = rest | 0;
  while (small > 127) {
    bytes[at++] = (small & 127) | 128;
    small >>>= 7;
  }
  bytes[at++] = small;
  writer.at = at;
}

/** An integer of at most 52 bits and its sign, the sign in the lowest bit. */
export function writeSigned(writer: Writer, value: number): void {
  writeVarint(writer, value >= 0 ? value * 2 : -value * 2 - 1);
}

export function writeDouble(writer: Writer, value: number): void {
  writer.view.setFloat64(writer.at, value, true);
  writer.at += 8;
}

/**
 * A text: its length and kind in one number, then its characters. Kind 0 is one byte a character
 * (all ASCII), 1 is UTF-8, 2 is UTF-16 for a text with a lone surrogate, which UTF-8 cannot carry
 * and a JSON escape can.
 */
export function writeText(writer: Writer, text: string): void {
  if (isAscii(text)) {
    reserve(writer, varintBytesMax + text.length);
    writeVarint(writer, text.length * 4);
    const bytes = writer.bytes;
    for (let index = 0; index < text.length; index++) {
      bytes[writer.at++] = text.charCodeAt(index);
    }
    return;
  }
  const isUtf8 = text.isWellFormed();
  writeBlob(writer, Buffer.from(text, isUtf8 ? 'utf8' : 'utf16le'), isUtf8 ? 1 : 2);
}

/** Bytes as they are; `kind` (0–3) is free for the caller. */
export function writeBlob(writer: Writer, blob: Uint8Array, kind: number): void {
  reserve(writer, varintBytesMax + blob.length);
  writeVarint(writer, blob.length * 4 + kind);
  writer.bytes.set(blob, writer.at);
  writer.at += blob.length;
}

export function readByte(reader: Reader): number {
  return reader.bytes[reader.at++] ?? 0;
}

export function readVarint(reader: Reader): number {
  const bytes = reader.bytes;
  let byte = bytes[reader.at++] ?? 0;
  let value = byte & 127;
  if (byte < 128) return value;
  let shift = 7;
  do {
    byte = bytes[reader.at++] ?? 0;
    if (shift < 28) value |= (byte & 127) << shift;
    else value += (byte & 127) * 2 ** shift;
    shift += 7;
  } while (byte >= 128 && shift < 56);
  return value;
}

export function readSigned(reader: Reader): number {
  const value = readVarint(reader);
  if (value <= 0x7fffffff) return (value >>> 1) ^ -(value & 1);
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}

/** Throws a RangeError beyond the end, as DataView does. */
export function readDouble(reader: Reader): number {
  const value = reader.view.getFloat64(reader.at, true);
  reader.at += 8;
  return value;
}

export function readText(reader: Reader): string {
  const header = readVarint(reader);
  const kind = header % 4;
  const end = textEnd(reader, (header - kind) / 4);
  const text = reader.bytes.toString(textEncodings[kind], reader.at, end);
  reader.at = end;
  return text;
}

/** A copy of the bytes: the body belongs to a reader that reuses its buffer. */
export function readBlob(reader: Reader): Uint8Array {
  const end = textEnd(reader, Math.floor(readVarint(reader) / 4));
  const blob = Uint8Array.prototype.slice.call(reader.bytes, reader.at, end);
  reader.at = end;
  return blob;
}

const textEncodings = ['latin1', 'utf8', 'utf16le', 'latin1'] as const;

function textEnd(reader: Reader, lengthBytes: number): number {
  const end = reader.at + lengthBytes;
  if (end > reader.bytes.length) throw new RangeError('A text ends beyond the end of its record');
  return end;
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function isAscii(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    if (text.charCodeAt(index) > 127) return false;
  }
  return true;
}
