/**
 * A reading as the body of a record of the log `readings`:
 *
 *   body     := kind and door u8 (kind in the low 4 bits, door in the next 3, then 1 with travels)
 *             · receivedAt u48 · travels? · device · topic · payload to the end
 *   device   := varint bytes · UTF-8
 *   topic    := varint (bytes × 2) · UTF-8, or varint (2 × pattern + 1) for a topic of the own scheme
 *               that the device's id alone decides
 *   travels  := flags varint (1 origin, 2 passed, 4 fault) · origin? · passed? · fault?
 *   origin   := node varint · position varint · sequence varint
 *   passed   := from varint · registryVersion varint
 *   fault    := code · detail · readings varint                  code and detail as device
 *
 * Only readings that came over the cluster's bus have travels.
 * Little-endian. It adds 9 bytes to device and payload, and to a topic outside the patterns. A kind,
 * a door or a pattern gets its number from its place in its list: lists grow at their end only.
 */
import { logError } from './log/errors.ts';
import type { LogWriter, Position } from './log/log.ts';
import {
  doors,
  readingKinds,
  type Door,
  type Reading,
  type ReadingFault,
  type ReadingKind,
  type ReadingOrigin,
  type ReadingPassage,
} from './reading.ts';

export interface LoggedReading extends Reading {
  readonly position: Position;
}

const topicStart = 'env/v1/';
const topicEnds = ['/obs', '/obs/backfill', '/state', '/meta'] as const;

const fixedBytes = 7;
const travelsBit = 128;
const originFlag = 1;
const passedFlag = 2;
const faultFlag = 4;

/** Varints have so many bytes at most: 49 bits. */
const varintBytesMax = 7;
const kindNumbers = numbersOf(readingKinds);
const doorNumbers = numbersOf(doors);

function numbersOf<Name extends string>(names: readonly Name[]): Readonly<Record<Name, number>> {
  return Object.fromEntries(names.map((name, index) => [name, index])) as Record<Name, number>;
}

/** Bytes that `writeReading` writes. */
export function readingSize(reading: Reading): number {
  return layoutOf(reading).bytes;
}

/** Writes the reading into `target` from `at`; returns the offset behind it. */
export function writeReading(reading: Reading, target: Buffer, at: number): number {
  return writeLaidOut(reading, layoutOf(reading), target, at);
}

/** What is known of a reading before it is written, looked up once. */
interface Layout {
  readonly bytes: number;
  /** 0: the reading has no travels. */
  readonly flags: number;
  readonly deviceBytes: number;
  /** Place in `topicEnds`, or -1 where the topic is written out. */
  readonly pattern: number;
  readonly topicBytes: number;
}

function layoutOf(reading: Reading): Layout {
  const deviceBytes = utf8Bytes(reading.device);
  const pattern = patternOf(reading);
  const topicBytes = pattern >= 0 ? 0 : utf8Bytes(reading.topic);
  const topicSize = pattern >= 0 ? 1 : varintBytes(topicBytes * 2) + topicBytes;
  const flags = flagsOf(reading);
  const travelsSize = flags === 0 ? 0 : travelsBytes(reading, flags);
  const textsSize = varintBytes(deviceBytes) + deviceBytes + topicSize;
  const bytes = fixedBytes + travelsSize + textsSize + reading.payload.length;
  return { bytes, flags, deviceBytes, pattern, topicBytes };
}

function writeLaidOut(reading: Reading, layout: Layout, target: Buffer, at: number): number {
  target[at] = kindNumbers[reading.kind] | (doorNumbers[reading.door] << 4);
  writeTime(target, at + 1, reading.receivedAt);
  let next = at + fixedBytes;
  if (layout.flags !== 0) {
    target[at] = (target[at] ?? 0) | travelsBit;
    next = writeTravels(reading, layout.flags, target, next);
  }
  next = writeVarint(target, next, layout.deviceBytes);
  next = writeText(target, next, reading.device);
  if (layout.pattern >= 0) {
    target[next++] = 2 * layout.pattern + 1;
  } else {
    next = writeVarint(target, next, layout.topicBytes * 2);
    next = writeText(target, next, reading.topic);
  }
  target.set(reading.payload, next);
  return next + reading.payload.length;
}

/**
 * The reading in a record's body; its payload is a view of the body, good as long as that is. Throws
 * LOG_READING_UNKNOWN with the position for bytes that are no reading of this format.
 */
export function decodeReading(position: Position, body: Buffer): LoggedReading {
  const first = body[0] ?? 255;
  const kind: ReadingKind | undefined = readingKinds[first & 15];
  const door: Door | undefined = doors[(first & ~travelsBit) >> 4];
  if (kind === undefined || door === undefined || body.length < fixedBytes + 2) {
    throw unknown(position);
  }
  const cursor: Cursor = { body, at: fixedBytes, position };
  const travels = first >= travelsBit ? readTravels(cursor) : undefined;
  const device = readText(cursor, readVarint(cursor));
  const topic = readTopic(cursor, device);
  const reading = {
    position,
    kind,
    door,
    receivedAt: body.readUInt32LE(1) + body.readUInt16LE(5) * 2 ** 32,
    device,
    topic,
    payload: body.subarray(cursor.at),
  };
  return travels === undefined ? reading : { ...reading, ...travels };
}

/** Appends the reading to the log; its payload may be reused when this returns. */
export function appendReading(
  writer: LogWriter,
  reading: Reading,
  done: (error: Error | null, position: Position) => void,
): void {
  const layout = layoutOf(reading);
  writer.append(layout.bytes, (target, at) => void writeLaidOut(reading, layout, target, at), done);
}

/** Resolves once the reading is durable; rejects as the log refuses it. */
export function keepReading(writer: LogWriter, reading: Reading): Promise<Position> {
  return new Promise((resolve, reject) => {
    appendReading(writer, reading, (error, position) => {
      if (error === null) resolve(position);
      else reject(error);
    });
  });
}

/**
 * What a lawful erasure leaves of a reading: that something of this kind came in by this door at this
 * time, and nothing else.
 */
export function blankReading(reading: Reading): Buffer {
  const blank: Reading = { ...reading, device: '', topic: '', payload: new Uint8Array(0) };
  const body = Buffer.alloc(readingSize(blank));
  writeReading(blank, body, 0);
  return body;
}

interface Travels {
  readonly origin?: ReadingOrigin;
  readonly passed?: ReadingPassage;
  readonly fault?: ReadingFault;
}

function flagsOf({ origin, passed, fault }: Reading): number {
  return (
    (origin === undefined ? 0 : originFlag) |
    (passed === undefined ? 0 : passedFlag) |
    (fault === undefined ? 0 : faultFlag)
  );
}

function travelsBytes({ origin, passed, fault }: Reading, flags: number): number {
  let bytes = varintBytes(flags);
  if (origin !== undefined) {
    const { node, position, sequence } = origin;
    bytes += varintBytes(node) + varintBytes(position) + varintBytes(sequence);
  }
  if (passed !== undefined) {
    bytes += varintBytes(passed.from) + varintBytes(passed.registryVersion);
  }
  if (fault === undefined) return bytes;
  return bytes + textSize(fault.code) + textSize(fault.detail) + varintBytes(fault.readings);
}

function writeTravels(reading: Reading, flags: number, target: Buffer, at: number): number {
  const { origin, passed, fault } = reading;
  let next = writeVarint(target, at, flags);
  if (origin !== undefined) {
    next = writeVarint(target, next, origin.node);
    next = writeVarint(target, next, origin.position);
    next = writeVarint(target, next, origin.sequence);
  }
  if (passed !== undefined) {
    next = writeVarint(target, next, passed.from);
    next = writeVarint(target, next, passed.registryVersion);
  }
  if (fault === undefined) return next;
  for (const text of [fault.code, fault.detail]) {
    next = writeVarint(target, next, utf8Bytes(text));
    next = writeText(target, next, text);
  }
  return writeVarint(target, next, fault.readings);
}

function readTravels(cursor: Cursor): Travels {
  const flags = readVarint(cursor);
  if (flags === 0 || flags > (originFlag | passedFlag | faultFlag)) throw unknown(cursor.position);
  const origin = (flags & originFlag) === 0 ? undefined : readOrigin(cursor);
  const passed = (flags & passedFlag) === 0 ? undefined : readPassage(cursor);
  const fault = (flags & faultFlag) === 0 ? undefined : readFault(cursor);
  return {
    ...(origin === undefined ? {} : { origin }),
    ...(passed === undefined ? {} : { passed }),
    ...(fault === undefined ? {} : { fault }),
  };
}

function readOrigin(cursor: Cursor): ReadingOrigin {
  const node = readVarint(cursor);
  const position = readVarint(cursor);
  return { node, position, sequence: readVarint(cursor) };
}

function readPassage(cursor: Cursor): ReadingPassage {
  const from = readVarint(cursor);
  return { from, registryVersion: readVarint(cursor) };
}

function readFault(cursor: Cursor): ReadingFault {
  const code = readText(cursor, readVarint(cursor));
  const detail = readText(cursor, readVarint(cursor));
  return { code, detail, readings: readVarint(cursor) };
}

/** Which own-scheme topic this is, by its place in `topicEnds`; -1 for any other. */
function patternOf(reading: Reading): number {
  const { device, topic } = reading;
  const endBytes = topic.length - topicStart.length - device.length;
  for (let pattern = 0; pattern < topicEnds.length; pattern++) {
    const end = topicEnds[pattern]!;
    // The lengths first: they decide most topics of other schemes without looking at a character.
    if (end.length !== endBytes || !topic.endsWith(end)) continue;
    if (topic.startsWith(device, topicStart.length) && topic.startsWith(topicStart)) return pattern;
  }
  return -1;
}

interface Cursor {
  readonly body: Buffer;
  at: number;
  readonly position: Position;
}

function readTopic(cursor: Cursor, device: string): string {
  const number = readVarint(cursor);
  if (number % 2 === 0) return readText(cursor, number / 2);
  const end = topicEnds[(number - 1) / 2];
  if (end === undefined) throw unknown(cursor.position);
  return topicStart + device + end;
}

function readText(cursor: Cursor, bytes: number): string {
  const end = cursor.at + bytes;
  if (end > cursor.body.length) throw unknown(cursor.position);
  const text = cursor.body.toString('utf8', cursor.at, end);
  cursor.at = end;
  return text;
}

function readVarint(cursor: Cursor): number {
  let value = 0;
  for (let scale = 1; scale < 128 ** varintBytesMax; scale *= 128) {
    const byte = cursor.body[cursor.at++];
    if (byte === undefined) break;
    value += (byte & 127) * scale;
    if (byte < 128) return value;
  }
  throw unknown(cursor.position);
}

function writeVarint(target: Buffer, at: number, value: number): number {
  let next = at;
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) target[next++] = (rest % 128) | 128;
  target[next++] = rest;
  return next;
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest > 127; rest = Math.floor(rest / 128)) bytes++;
  return bytes;
}

function textSize(text: string): number {
  const bytes = utf8Bytes(text);
  return varintBytes(bytes) + bytes;
}

function writeTime(target: Buffer, at: number, time: number): void {
  const high = Math.floor(time / 2 ** 32);
  const low = time >>> 0;
  target[at] = low;
  target[at + 1] = low >>> 8;
  target[at + 2] = low >>> 16;
  target[at + 3] = low >>> 24;
  target[at + 4] = high;
  target[at + 5] = high >>> 8;
}

/** Ids and most topics are ASCII and short: a loop then costs less than a call into the machine. */
function utf8Bytes(text: string): number {
  for (let index = 0; index < text.length; index++) {
    if (text.charCodeAt(index) > 127) return Buffer.byteLength(text, 'utf8');
  }
  return text.length;
}

function writeText(target: Buffer, at: number, text: string): number {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code > 127) return at + target.write(text, at, 'utf8');
    target[at + index] = code;
  }
  return at + text.length;
}

function unknown(position: Position): Error {
  return logError('LOG_READING_UNKNOWN', { position });
}
