/** Answers to Fetch requests as a server writes them (version 4), and the requests read as a server does. */
import Decoder from 'kafkajs/src/protocol/decoder.js';
import { createCrc32c } from '../crc32c.ts';
import type { OutgoingRecord } from './kafka.ts';
import { createProduceEncoder } from './produce-request.ts';

export interface WrittenBatch {
  /** Of its first record. */
  readonly offset: number;
  readonly texts: readonly string[];
  /** Of a transaction. */
  readonly producer?: number;
  /** It ends the producer's transaction, and holds no texts. */
  readonly marker?: 'abort' | 'commit';
  /** How many records it had before compaction took some; absent: as many as it has. */
  readonly written?: number;
}

export interface WrittenPartition {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode?: number;
  /** Of what is committed. */
  readonly end?: number;
  /** Of all; absent: all is committed. */
  readonly high?: number;
  /** Null as by servers that have none to name. */
  readonly aborted?: readonly { readonly producer: number; readonly offset: number }[] | null;
  readonly batches?: readonly Buffer[];
}

const transactional = 0x10;
const control = 0x20;
const place = { checksum: 17, attributes: 21, lastOffsetDelta: 23, producer: 43 };

export function writeBatch({ offset, texts, producer, marker, written }: WrittenBatch): Buffer {
  const records: WrittenRecord[] = texts.map((text) => ({ key: null, value: Buffer.from(text) }));
  if (marker !== undefined) records.push({ key: null, value: Buffer.alloc(6) });
  const batch = batchOf({ offset, records, producer: producer ?? -1 });
  const kind = (producer === undefined ? 0 : transactional) | (marker === undefined ? 0 : control);
  batch.writeInt16BE(kind, place.attributes);
  batch.writeInt32BE((written ?? records.length) - 1, place.lastOffsetDelta);
  return summed(batch);
}

const crc32c = createCrc32c();

/** With the checksum of the bytes that it has now. */
export function summed(batch: Buffer): Buffer {
  const view = new DataView(batch.buffer, batch.byteOffset, batch.byteLength);
  view.setUint32(place.checksum, crc32c(view, place.attributes, batch.length, 0));
  return batch;
}

export type WrittenRecord = Omit<OutgoingRecord, 'topic' | 'partition'>;

/** As it lies in a partition. */
export function batchOf({
  offset,
  records,
  producer = -1,
}: {
  readonly offset: number;
  readonly records: readonly WrittenRecord[];
  readonly producer?: number;
}): Buffer {
  const topic = 't';
  const request = createProduceEncoder()({
    producerId: BigInt(producer),
    producerEpoch: 0,
    timeoutMs: 1,
    now: 1_700_000_000_000,
    batches: [
      {
        topic,
        partition: 0,
        firstSequence: 0,
        records: records.map((record) => ({ ...record, topic, partition: 0 })),
      },
    ],
  });
  const before = 2 + 2 + 4 + 4 + 2 + topic.length + 4 + 4 + 4;
  const batch = Buffer.from(request.subarray(before));
  batch.writeBigInt64BE(BigInt(offset), 0);
  return batch;
}

export function writeAnswer(partitions: readonly WrittenPartition[]): Buffer {
  const parts: Buffer[] = [int32(0), int32(partitions.length)];
  for (const { topic, partition, errorCode = 0, aborted, batches = [], ...ends } of partitions) {
    const { end = 0, high = end } = ends;
    const records = Buffer.concat(batches);
    parts.push(int16(topic.length), Buffer.from(topic), int32(1), int32(partition));
    parts.push(int16(errorCode), int64(high), int64(end), int32(aborted?.length ?? -1));
    for (const { producer, offset } of aborted ?? []) parts.push(int64(producer), int64(offset));
    parts.push(int32(records.length), records);
  }
  return Buffer.concat(parts);
}

export interface ReadRequest {
  readonly waitMs: number;
  readonly asked: readonly {
    readonly topic: string;
    readonly partition: number;
    readonly offset: number;
  }[];
}

export function readRequest(bytes: Buffer): ReadRequest {
  const decoder = new Decoder(bytes);
  decoder.forward(4);
  const waitMs = decoder.readInt32();
  decoder.forward(4 + 4 + 1);
  const asked: { topic: string; partition: number; offset: number }[] = [];
  for (let topics = decoder.readInt32(); topics > 0; topics--) {
    const topic = decoder.readString() ?? '';
    for (let count = decoder.readInt32(); count > 0; count--) {
      const partition = decoder.readInt32();
      const offset = Number(bytes.readBigInt64BE(decoder.offset));
      decoder.forward(8 + 4);
      asked.push({ topic, partition, offset });
    }
  }
  return { waitMs, asked };
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function int64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(value));
  return bytes;
}
