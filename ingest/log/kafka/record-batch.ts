/**
 * A record batch of format 2 (Apache Kafka protocol guide, "Record Batch", "Record"), read in place.
 * kafkajs makes long integers and texts of every record's offset and time, and a new object for each
 * header: measured 4 µs of CPU a reading, where this takes 1. Compressed batches are left to it. No
 * server looks at the checksum of what it gives out, and kafkajs does not either.
 */
import Decoder from 'kafkajs/src/protocol/decoder.js';
import decodeCompressed from 'kafkajs/src/protocol/recordBatch/v0/decoder.js';
import { createCrc32c, type Crc32c } from '../crc32c.ts';
import { kafkaError } from './errors.ts';
import type { KafkaRecord, Offset } from './kafka.ts';

export interface StoredBatch {
  /** Decimal. */
  readonly producerId: string;
  readonly isTransactional: boolean;
  /** Holds the marker that ends a transaction, no records. */
  readonly isMarker: boolean;
  /** Offset behind the last that the batch had when it was written. */
  readonly behind: Offset;
  readonly records: readonly KafkaRecord[];
}

/** Places in the header of a batch. */
const header = {
  baseOffset: 0,
  length: 8,
  magic: 16,
  checksum: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  producerId: 43,
  count: 57,
  bytes: 61,
} as const;
/** The length counts what lies behind it. */
const frameBytes = 12;
const magic = 2;
const attribute = { compression: 7, transactional: 16, marker: 32 } as const;

/**
 * The batches in a part of an answer. The last may have been cut by the bound of the answer: it is
 * asked for again. Keys, values and headers are views of `bytes`. Rejects KAFKA_BATCH_DAMAGED where the
 * first cannot be read; what lies before one that cannot is given.
 */
export type DecodeBatches = (bytes: Buffer) => Promise<StoredBatch[]>;

export function createBatchDecoder(): DecodeBatches {
  const crc32c = createCrc32c();
  return async (bytes) => {
    const batches: StoredBatch[] = [];
    const names: string[] = [];
    for (let at = 0; at + frameBytes <= bytes.length;) {
      const end = at + frameBytes + bytes.readInt32BE(at + header.length);
      if (end > bytes.length || end < at + header.bytes) break;
      try {
        batches.push(await decodeBatch(bytes.subarray(at, end), crc32c, names));
      } catch (error) {
        if (batches.length > 0) break;
        const offset = Number(bytes.readBigInt64BE(at));
        throw kafkaError('KAFKA_BATCH_DAMAGED', { offset, reason: String(error) }, error);
      }
      at = end;
    }
    return batches;
  };
}

async function decodeBatch(bytes: Buffer, crc32c: Crc32c, names: string[]): Promise<StoredBatch> {
  if (bytes[header.magic] !== magic) {
    throw new RangeError(`A record batch has format ${bytes[header.magic]}, not ${magic}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (crc32c(view, header.attributes, bytes.length, 0) !== view.getUint32(header.checksum)) {
    throw new RangeError('Its bytes are not those that its checksum was made of');
  }
  const attributes = bytes.readInt16BE(header.attributes);
  const baseOffset = Number(bytes.readBigInt64BE(header.baseOffset));
  return {
    producerId: String(bytes.readBigInt64BE(header.producerId)),
    isTransactional: (attributes & attribute.transactional) !== 0,
    isMarker: (attributes & attribute.marker) !== 0,
    behind: baseOffset + bytes.readInt32BE(header.lastOffsetDelta) + 1,
    records:
      (attributes & attribute.compression) === 0
        ? decodeRecords({ bytes, at: header.bytes, names }, baseOffset)
        : await decodedByKafkajs(bytes),
  };
}

async function decodedByKafkajs(bytes: Buffer): Promise<KafkaRecord[]> {
  const { records } = await decodeCompressed(new Decoder(bytes));
  return records.map(({ offset, key, value, headers }) => ({
    offset: Number(offset),
    key,
    value,
    headers,
  }));
}

interface Cursor {
  readonly bytes: Buffer;
  at: number;
  /** Names of headers as last met, by their place: nearly all records of a topic have the same. */
  readonly names: string[];
}

function decodeRecords(cursor: Cursor, baseOffset: Offset): KafkaRecord[] {
  const { bytes } = cursor;
  const records: KafkaRecord[] = [];
  for (let left = bytes.readInt32BE(header.count); left > 0; left--) {
    const size = readVarint(cursor);
    const end = cursor.at + size;
    if (!(size > 0 && end <= bytes.length)) throw new RangeError('A record ends behind its batch');
    // Attributes of records are unused; their times are nobody's here.
    cursor.at++;
    skipVarint(cursor);
    const offset = baseOffset + readVarint(cursor);
    const key = readContent(cursor);
    const value = readContent(cursor);
    records.push({ offset, key, value, headers: readHeaders(cursor) });
    if (cursor.at !== end) throw new RangeError('A record is not as long as it says');
  }
  return records;
}

type Content = Buffer | null;

/** As kafkajs gives them: of a name that comes twice all contents, as a list. */
function readHeaders(cursor: Cursor): KafkaRecord['headers'] {
  const headers: Record<string, Content | Content[]> = {};
  const count = readVarint(cursor);
  for (let place = 0; place < count; place++) {
    const name = readName(cursor, place);
    const content = readContent(cursor);
    if (name === '__proto__' || Object.hasOwn(headers, name)) addAgain(headers, name, content);
    else headers[name] = content;
  }
  return headers as KafkaRecord['headers'];
}

function addAgain(
  headers: Record<string, Content | Content[]>,
  name: string,
  content: Content,
): void {
  const before = Object.hasOwn(headers, name) ? headers[name] : undefined;
  const value = before === undefined ? content : [before, content].flat();
  Object.defineProperty(headers, name, { value, enumerable: true, configurable: true });
}

function readName(cursor: Cursor, place: number): string {
  const { bytes, names } = cursor;
  const length = readVarint(cursor);
  const start = cursor.at;
  advance(cursor, length);
  const last = names[place];
  if (last !== undefined && isText(bytes, start, length, last)) return last;
  const name = bytes.toString('utf8', start, start + length);
  names[place] = name;
  return name;
}

/** Only of ASCII: any other text has more bytes than characters. */
function isText(bytes: Buffer, start: number, length: number, text: string): boolean {
  if (text.length !== length) return false;
  for (let index = 0; index < length; index++) {
    if (bytes[start + index] !== text.charCodeAt(index)) return false;
  }
  return true;
}

/** Null where the length is -1. */
function readContent(cursor: Cursor): Content {
  const length = readVarint(cursor);
  if (length < 0) return null;
  const start = cursor.at;
  advance(cursor, length);
  return cursor.bytes.subarray(start, start + length);
}

function advance(cursor: Cursor, length: number): void {
  if (!(length >= 0 && cursor.at + length <= cursor.bytes.length)) {
    throw new RangeError('A record ends behind its batch');
  }
  cursor.at += length;
}

/** Zigzag, of 32 bits. */
function readVarint(cursor: Cursor): number {
  const { bytes } = cursor;
  let value = 0;
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = bytes[cursor.at++];
    if (byte === undefined) throw new RangeError('A record ends within a number');
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return (value >>> 1) ^ -(value & 1);
  }
  throw new RangeError('A number of a record has more than 32 bits');
}

function skipVarint(cursor: Cursor): void {
  while ((cursor.bytes[cursor.at++] ?? 0) >= 0x80);
}
