/**
 * The topic `observations`: each record is one batch, numbered from 1 without holes in its partition
 * by the header `position`, whatever offset Kafka gives it.
 */
import { ingestError } from '../errors.ts';
import type { Kafka, KafkaRecord, Offset, PartitionReader } from '../log/kafka/kafka.ts';
import type { Position } from '../log/log.ts';

/** Throws INGEST_RECORD_FOREIGN: only workers write here, so a stranger's record stops the partition. */
export function batchPositionOf({ offset, headers, value }: KafkaRecord): Position {
  const text = headers['position']?.toString('latin1') ?? '';
  if (value !== null && /^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw ingestError('INGEST_RECORD_FOREIGN', { detail: 'no batch of observations', offset });
}

export interface BatchPlaceInTopic {
  readonly position: Position;
  readonly offset: Offset;
  readonly value: Buffer;
}

export interface TopicPartition {
  readonly kafka: Pick<Kafka, 'openReader' | 'ends'>;
  readonly topic: string;
  readonly partition: number;
}

/** The last committed batch; undefined where there is none. */
export async function lastBatch(place: TopicPartition): Promise<BatchPlaceInTopic | undefined> {
  const { start, end } = await endsOf(place);
  // A transaction ends with a marker, so the last batch lies shortly before the end.
  for (let back = 2; ; back *= 8) {
    const from = Math.max(start, end - back);
    const found = await lastFrom(place, from, end);
    if (found !== undefined || from === start) return found;
  }
}

/**
 * Where reading begins so that batch `position` and those behind it are met: the offset of the last
 * batch at or before it; the oldest kept one where that is later.
 */
export async function offsetOfBatch(place: TopicPartition, position: Position): Promise<Offset> {
  const { start, end } = await endsOf(place);
  let [low, high] = [start, end];
  // Batches are numbered densely and offsets are not: the number never exceeds the offset plus one.
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    const found = await firstFrom(place, middle, end);
    if (found !== undefined && found.position <= position) low = Math.max(found.offset, middle);
    else high = middle;
  }
  return low;
}

async function endsOf({ kafka, topic, partition }: TopicPartition) {
  return (await kafka.ends(topic))[partition] ?? { start: 0, end: 0 };
}

async function firstFrom(
  { kafka, topic, partition }: TopicPartition,
  offset: Offset,
  end: Offset,
): Promise<BatchPlaceInTopic | undefined> {
  const reader = kafka.openReader(topic, partition, offset);
  try {
    const [record] = await readUntil(reader, end, 1);
    return record && placeOf(record);
  } finally {
    reader.close();
  }
}

async function lastFrom(
  { kafka, topic, partition }: TopicPartition,
  offset: Offset,
  end: Offset,
): Promise<BatchPlaceInTopic | undefined> {
  const reader = kafka.openReader(topic, partition, offset);
  let last: KafkaRecord | undefined;
  try {
    while (reader.next < end) last = (await readUntil(reader, end, readBytes)).at(-1) ?? last;
  } finally {
    reader.close();
  }
  return last && placeOf(last);
}

function placeOf(record: KafkaRecord): BatchPlaceInTopic {
  const { offset, value } = record;
  return { position: batchPositionOf(record), offset, value: value ?? Buffer.alloc(0) };
}

const readBytes = 1_048_576;

/** Waits for records before `end`; none where only markers are left there. */
export async function readUntil(
  reader: PartitionReader,
  end: Offset,
  bytesMax: number,
): Promise<readonly KafkaRecord[]> {
  for (;;) {
    const records = await reader.read(bytesMax);
    if (records.length > 0 || reader.next >= end) return records;
    await reader.wait();
  }
}
