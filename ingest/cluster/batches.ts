/**
 * The topic `observations`: each record is one batch, numbered from 1 without holes in its partition
 * by the header `position`, whatever offset Kafka gives it.
 */
import { ingestError } from '../errors.ts';
import { kafkaError } from '../log/kafka/errors.ts';
import type {
  Kafka,
  KafkaRecord,
  Offset,
  PartitionEnds,
  PartitionReader,
} from '../log/kafka/kafka.ts';
import type { Position } from '../log/log.ts';

/**
 * Throws INGEST_RECORD_FOREIGN: only workers write here, so a stranger's record stops the partition
 * until a batch stands behind it.
 */
export function batchPositionOf(record: KafkaRecord): Position {
  if (isBatch(record)) return Number(numberIn(record));
  const { offset } = record;
  throw ingestError('INGEST_RECORD_FOREIGN', { detail: 'no batch of observations', offset });
}

export function isBatch(record: KafkaRecord): boolean {
  return record.value !== null && /^[1-9]\d{0,14}$/.test(numberIn(record));
}

function numberIn({ headers }: KafkaRecord): string {
  return headers['position']?.toString('latin1') ?? '';
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
  return lastWithin(place, await endsOf(place));
}

/**
 * Where reading begins so that batch `position` is the first to be met: behind the last batch where
 * it is not written yet, at the oldest kept one where it is no longer kept.
 * `known`: the last batch, where it was found already.
 */
export async function offsetOfBatch(
  place: TopicPartition,
  position: Position,
  known?: BatchPlaceInTopic,
): Promise<Offset> {
  if (known !== undefined && known.position <= position) return offsetFromLast(known, position);
  const ends = await endsOf(place);
  if (position <= 1) return ends.start;
  const last = known ?? (await lastWithin(place, ends));
  if (last === undefined) return ends.start;
  if (last.position <= position) return offsetFromLast(last, position);
  const reader = place.kafka.openReader(place.topic, place.partition, last.offset);
  try {
    return await search(reader, position, { start: ends.start, last });
  } finally {
    reader.close();
  }
}

/** The batch of this number; undefined where it is not kept, or not written yet. `last`: as found. */
export async function batchNumbered(
  place: TopicPartition,
  position: Position,
  last: BatchPlaceInTopic | undefined,
): Promise<BatchPlaceInTopic | undefined> {
  if (last === undefined || last.position < position) return undefined;
  if (last.position === position) return last;
  const offset = await offsetOfBatch(place, position, last);
  const reader = place.kafka.openReader(place.topic, place.partition, offset);
  try {
    const found = await nextBatch(reader, last);
    return found.position === position ? found : undefined;
  } finally {
    reader.close();
  }
}

function offsetFromLast(last: BatchPlaceInTopic, position: Position): Offset {
  return last.position === position ? last.offset : last.offset + 1;
}

/**
 * Where it stands if offsets grow evenly between the batches known on both sides; every second time
 * the middle, since transactions that were aborted take offsets too.
 */
async function search(
  reader: PartitionReader,
  position: Position,
  { start, last }: { readonly start: Offset; readonly last: BatchPlaceInTopic },
): Promise<Offset> {
  let low = { offset: start, position: 1 };
  let [high, known] = [last.offset, last];
  for (let probes = 0; low.offset < high; probes++) {
    const slope = (known.offset - low.offset) / (known.position - low.position);
    const even = Math.floor(known.offset - slope * (known.position - position));
    const middle = Math.floor((low.offset + high) / 2);
    const probe = probes % 2 === 0 ? Math.min(Math.max(even, low.offset), high - 1) : middle;
    reader.seek(probe);
    const found = await nextBatch(reader, last);
    if (found.position === position) return found.offset;
    if (found.position < position) {
      low = { offset: found.offset + 1, position: found.position + 1 };
    } else {
      high = probe;
      known = found;
    }
  }
  return low.offset;
}

/** What strangers wrote has no number: it is passed over, and told of by whoever reads on to it. */
async function nextBatch(
  reader: PartitionReader,
  last: BatchPlaceInTopic,
): Promise<BatchPlaceInTopic> {
  while (reader.next <= last.offset) {
    const [record] = await readUntil(reader, last.offset + 1, 1);
    if (record !== undefined && isBatch(record)) return placeOf(record);
  }
  return last;
}

/** Of a partition that is not told of nothing is known: it is not empty for that. */
async function endsOf({ kafka, topic, partition }: TopicPartition): Promise<PartitionEnds> {
  const ends = (await kafka.ends(topic))[partition];
  if (ends === undefined) throw kafkaError('KAFKA_UNREACHABLE', { topic, partition });
  return ends;
}

/** A batch and the marker that ends its transaction. */
const offsetsOfBatch = 2;

/** It lies shortly before the end: only markers and what was aborted lie behind it. */
async function lastWithin(
  { kafka, topic, partition }: TopicPartition,
  { start, end }: PartitionEnds,
): Promise<BatchPlaceInTopic | undefined> {
  if (start >= end) return undefined;
  const reader = kafka.openReader(topic, partition, Math.max(start, end - offsetsOfBatch));
  try {
    for (let back = offsetsOfBatch; ; back *= 8) {
      const from = Math.max(start, end - back);
      reader.seek(from);
      let found: KafkaRecord | undefined;
      while (reader.next < end) found = (await readUntil(reader, end, readBytes)).at(-1) ?? found;
      if (found !== undefined) return placeOf(found);
      if (from === start) return undefined;
    }
  } finally {
    reader.close();
  }
}

function placeOf(record: KafkaRecord): BatchPlaceInTopic {
  const { offset, value } = record;
  return { position: batchPositionOf(record), offset, value: value ?? Buffer.alloc(0) };
}

const readBytes = 1_048_576;

/** Waits for records before `end`; none where only markers are left there. */
async function readUntil(
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
