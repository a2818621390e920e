/**
 * The record of the log `observations`. Begins with the format version; then one batch (version 1):
 * head, rows (`row-layout.ts`), quarantine, control. Numbers are of variable length, texts are
 * written where they first occur and named by number after that, so that a batch of one message
 * stays near 30 bytes a row and a large one near 10. The bytes are a function of the batch alone.
 * A place and sources, of the cluster profile, stand before it with versions of their own (`batch.ts`).
 * Damage is the log's matter (CRC-32C); what the log lets through and does not parse is
 * INGEST_BATCH_UNREADABLE.
 */
import type { Position } from '../log/log.ts';
import { measurementsEnded } from '../balance.ts';
import { CodedError } from '../../devices/coded-error.ts';
import { ingestError } from '../errors.ts';
import {
  batchFormatVersion,
  placedFormatVersion,
  sourcedFormatVersion,
  type BalanceTotals,
  type Batch,
  type BatchPlace,
  type ControlEntry,
  type QuarantineEntry,
  type SourceMark,
} from './batch.ts';
import {
  createReader,
  createWriter,
  readBlob,
  readByte,
  readSigned,
  readVarint,
  reserve,
  varintBytesMax,
  writeBlob,
  writeByte,
  writeSigned,
  writeVarint,
  type Reader,
  type Writer,
} from './bytes.ts';
import {
  createRowDecoder,
  decodeName,
  decodeNamePresent,
  decodeRows,
  type RowDecoder,
} from './row-decoder.ts';
import { createRowEncoder, encodeName, encodeRows, type RowEncoder } from './row-encoder.ts';

/** Guesses of the size, so that the usual batch grows no buffer. */
const headBytes = 1_024;
const rowBytes = 32;

/**
 * A batch as bytes. Each row's `publishedAt` is the batch's and is not kept again; instants are
 * integer milliseconds below 2^52; positions, revisions and totals are integers below 2^49.
 */
export function encodeBatch(batch: Batch): Uint8Array {
  const writer = createWriter(headBytes + batch.rows.length * rowBytes);
  const encoder = createRowEncoder(writer, batch);
  encodePlace(writer, batch.place);
  encodeSources(writer, batch.sources);
  writeByte(writer, batchFormatVersion);
  writeSigned(writer, batch.publishedAt);
  writeVarint(writer, batch.consumed);
  writeVarint(writer, batch.registryVersion);
  encodeTotals(writer, batch.consumed, batch.totals);
  encodeRows(encoder, batch.rows);
  encodeQuarantined(encoder, batch.quarantined);
  encodeControl(encoder, batch.control);
  return writer.bytes.subarray(0, writer.at);
}

/** The batch of a record; `position` is only named in errors. Keeps nothing of `body`. */
export function decodeBatch(position: Position, body: Uint8Array): Batch {
  const reader = createReader(body);
  try {
    const place = decodePlace(reader);
    const sources = decodeSources(reader);
    const version = readByte(reader);
    if (version !== batchFormatVersion) {
      const accepted = [batchFormatVersion, sourcedFormatVersion, placedFormatVersion];
      throw ingestError('INGEST_BATCH_VERSION', { position, version, accepted });
    }
    const publishedAt = readSigned(reader);
    const consumed = readVarint(reader);
    const registryVersion = readVarint(reader);
    const totals = decodeTotals(reader, consumed);
    const decoder = createRowDecoder(reader, { consumed, publishedAt });
    const rows = decodeRows(decoder);
    const quarantined = decodeQuarantined(decoder);
    const control = decodeControl(decoder);
    if (reader.at !== body.length) throw new RangeError('The batch ends before its record');
    return {
      publishedAt,
      consumed,
      registryVersion,
      totals,
      rows,
      quarantined,
      control,
      ...(sources === undefined ? {} : { sources }),
      ...(place === undefined ? {} : { place }),
    };
  } catch (error) {
    if (error instanceof CodedError) throw error;
    throw ingestError('INGEST_BATCH_UNREADABLE', { position, offset: reader.at }, error);
  }
}

/** Where the batch of a record stands in a copy, without the batch itself; undefined without a place. */
export function decodeBatchPlace(position: Position, body: Uint8Array): BatchPlace | undefined {
  const reader = createReader(body);
  try {
    return decodePlace(reader);
  } catch (error) {
    throw ingestError('INGEST_BATCH_UNREADABLE', { position, offset: reader.at }, error);
  }
}

/**
 * A batch that a copy of several partitions holds, whose bytes are left as they are: what the record
 * of one partition becomes in a node's own log.
 */
export function placeBatch(place: BatchPlace, batch: Uint8Array): Uint8Array {
  const writer = createWriter(batch.length + (place.positions.length + 3) * varintBytesMax);
  encodePlace(writer, place);
  writer.bytes.set(batch, writer.at);
  return writer.bytes.subarray(0, writer.at + batch.length);
}

function encodePlace(writer: Writer, place: BatchPlace | undefined): void {
  if (place === undefined) return;
  reserve(writer, (place.positions.length + 3) * varintBytesMax);
  writeByte(writer, placedFormatVersion);
  writeVarint(writer, place.partition);
  writeVarint(writer, place.positions.length);
  for (const position of place.positions) writeVarint(writer, position);
}

function decodePlace(reader: Reader): BatchPlace | undefined {
  if (reader.bytes[reader.at] !== placedFormatVersion) return undefined;
  readByte(reader);
  const partition = readVarint(reader);
  const positions: Position[] = [];
  for (let left = readCount(reader); left > 0; left--) positions.push(readVarint(reader));
  return { partition, positions };
}

function encodeSources(writer: Writer, sources: readonly SourceMark[] | undefined): void {
  if (sources === undefined) return;
  reserve(writer, (sources.length * 3 + 2) * varintBytesMax);
  writeByte(writer, sourcedFormatVersion);
  writeVarint(writer, sources.length);
  for (const { node, position, sequence } of sources) {
    writeVarint(writer, node);
    writeVarint(writer, position);
    writeVarint(writer, sequence);
  }
}

function decodeSources(reader: Reader): SourceMark[] | undefined {
  if (reader.bytes[reader.at] !== sourcedFormatVersion) return undefined;
  readByte(reader);
  const sources: SourceMark[] = [];
  for (let left = readCount(reader); left > 0; left--) {
    sources.push({
      node: readVarint(reader),
      position: readVarint(reader),
      sequence: readVarint(reader),
    });
  }
  return sources;
}

/** How many follow: each takes a byte at least, so damaged bytes cannot ask for more memory than they have. */
function readCount(reader: Reader): number {
  const count = readVarint(reader);
  if (count > reader.bytes.length - reader.at)
    throw new RangeError('A list is longer than its record');
  return count;
}

/** The two terms that follow from the balance laws are kept as what the laws leave: nothing. */
function encodeTotals(writer: Writer, consumed: number, totals: BalanceTotals): void {
  writeVarint(writer, totals.readingsQuarantined);
  writeVarint(writer, totals.readingsControl);
  writeSigned(
    writer,
    consumed - totals.readingsSettled - totals.readingsQuarantined - totals.readingsControl,
  );
  writeVarint(writer, totals.measurementsStored);
  writeVarint(writer, totals.measurementsDuplicate);
  writeVarint(writer, totals.measurementsRevision);
  writeVarint(writer, totals.measurementsQuarantined);
  writeSigned(writer, totals.measurementsDecoded - measurementsEnded(totals));
  writeVarint(writer, totals.replayed);
  writeVarint(writer, totals.reprocessed);
}

function decodeTotals(reader: Reader, consumed: number): BalanceTotals {
  const readingsQuarantined = readVarint(reader);
  const readingsControl = readVarint(reader);
  const readingsSettled = consumed - readingsQuarantined - readingsControl - readSigned(reader);
  const ended = {
    measurementsStored: readVarint(reader),
    measurementsDuplicate: readVarint(reader),
    measurementsRevision: readVarint(reader),
    measurementsQuarantined: readVarint(reader),
  };
  return {
    readingsSettled,
    readingsQuarantined,
    readingsControl,
    measurementsDecoded: measurementsEnded(ended) + readSigned(reader),
    ...ended,
    replayed: readVarint(reader),
    reprocessed: readVarint(reader),
  };
}

const states = ['open', 'replayed', 'dismissed'] as const satisfies QuarantineEntry['state'][];

/** The entries of one message share its payload: the same bytes (by identity) are written once. */
function encodeQuarantined(encoder: RowEncoder, entries: readonly QuarantineEntry[]): void {
  const { writer } = encoder;
  const payloads = new Map<Uint8Array, number>();
  reserve(writer, varintBytesMax);
  writeVarint(writer, entries.length);
  let last = 0;
  for (const entry of entries) {
    reserve(writer, 4 * varintBytesMax);
    writeSigned(writer, entry.position - last);
    last = entry.position;
    writeSigned(writer, entry.receivedAt);
    writeVarint(writer, entry.offset + 1);
    writeByte(writer, states.indexOf(entry.state));
    encodeName(encoder, entry.device);
    encodeName(encoder, entry.topic);
    encodeName(encoder, entry.channel);
    encodeName(encoder, entry.code);
    encodeName(encoder, entry.detail);
    encodePayload(encoder, payloads, entry.payload);
  }
}

function encodePayload(
  encoder: RowEncoder,
  payloads: Map<Uint8Array, number>,
  payload: Uint8Array | null,
): void {
  const { writer } = encoder;
  reserve(writer, varintBytesMax);
  const known = payload === null ? 0 : payloads.get(payload);
  writeVarint(writer, known ?? payloads.size + 1);
  if (payload === null || known !== undefined) return;
  payloads.set(payload, payloads.size + 1);
  writeBlob(writer, payload, 0);
}

function decodeQuarantined(decoder: RowDecoder): QuarantineEntry[] {
  const { reader } = decoder;
  const payloads: Uint8Array[] = [];
  const entries: QuarantineEntry[] = [];
  let position = 0;
  for (let rest = readVarint(reader); rest > 0; rest--) {
    position += readSigned(reader);
    const receivedAt = readSigned(reader);
    const offset = readVarint(reader) - 1;
    const state = states[readByte(reader)];
    if (state === undefined) throw new RangeError('A quarantine entry has an unknown state');
    entries.push({
      position,
      receivedAt,
      device: decodeNamePresent(decoder),
      topic: decodeNamePresent(decoder),
      channel: decodeName(decoder),
      code: decodeNamePresent(decoder),
      offset,
      detail: decodeNamePresent(decoder),
      state,
      payload: decodePayload(decoder, payloads),
    });
    if (reader.at > reader.bytes.length) throw new RangeError('Quarantine ends beyond its record');
  }
  return entries;
}

function decodePayload(decoder: RowDecoder, payloads: Uint8Array[]): Uint8Array | null {
  const number = readVarint(decoder.reader);
  if (number === 0) return null;
  if (number === payloads.length + 1) payloads.push(readBlob(decoder.reader));
  const payload = payloads[number - 1];
  if (payload === undefined) throw new RangeError('A payload is named that did not come before');
  return payload;
}

function encodeControl(encoder: RowEncoder, entries: readonly ControlEntry[]): void {
  const { writer } = encoder;
  reserve(writer, varintBytesMax);
  writeVarint(writer, entries.length);
  let last = 0;
  for (const entry of entries) {
    reserve(writer, 2 * varintBytesMax);
    writeSigned(writer, entry.position - last);
    last = entry.position;
    writeSigned(writer, entry.receivedAt);
    encodeName(encoder, entry.device);
    encodeName(encoder, entry.kind);
    encodeName(encoder, entry.text);
  }
}

function decodeControl(decoder: RowDecoder): ControlEntry[] {
  const { reader } = decoder;
  const entries: ControlEntry[] = [];
  let position = 0;
  for (let rest = readVarint(reader); rest > 0; rest--) {
    position += readSigned(reader);
    const receivedAt = readSigned(reader);
    entries.push({
      position,
      receivedAt,
      device: decodeNamePresent(decoder),
      kind: decodeNamePresent(decoder),
      text: decodeNamePresent(decoder),
    });
    if (reader.at > reader.bytes.length) throw new RangeError('Control ends beyond its record');
  }
  return entries;
}
