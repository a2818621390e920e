/**
 * The Fetch request (version 4) for committed records, and its answer, looked at partition by partition.
 * kafkajs sends it; what its own consumer makes of an answer is done otherwise here: there one
 * partition's error throws away what the others gave, records of aborted transactions that overlap
 * others come through as committed, and a batch that compaction has emptied is never got past.
 */
import type { NodeConnection } from 'kafkajs/src/cluster/index.js';
import Decoder from 'kafkajs/src/protocol/decoder.js';
import protocolErrors from 'kafkajs/src/protocol/error.js';
import createRequest from 'kafkajs/src/protocol/requests/fetch/v4/request.js';
import type { KafkaRecord, Offset } from './kafka.ts';
import type { LogEnds } from './partition-queue.ts';
import { createBatchDecoder, type DecodeBatches, type StoredBatch } from './record-batch.ts';

export interface AskedPartition {
  readonly topic: string;
  readonly partition: number;
  readonly offset: Offset;
}

/** Of one partition: what it gave, or why it gave nothing. */
export type PartitionAnswer =
  | {
      readonly error?: undefined;
      readonly records: readonly KafkaRecord[];
      /** Offset to ask for next: behind all that was answered, also what is not given out. */
      readonly next: Offset;
      readonly ends: LogEnds;
    }
  | { readonly error: Error; readonly records?: undefined };

/** Of one answer, all partitions together; they are filled in the order in which they are asked for. */
const answerBytesMax = 4_194_304;
/** Of one partition in an answer; the server gives one batch even where that is larger. */
const partitionBytesMax = 262_144;
const committedOnly = 1;
const isConsumer = -1;
const unknownCode = -1;

/**
 * Asks one server for partitions that it leads, each named once; it waits `waitMs` for the first byte. Rejects where
 * the server as a whole does not answer.
 */
export type FetchRecords = (
  node: NodeConnection,
  asked: readonly AskedPartition[],
  waitMs: number,
) => Promise<PartitionAnswer[]>;

export function createFetchRecords(): FetchRecords {
  const decodeBatches = createBatchDecoder();
  const decode = (bytes: Buffer) => decodeAnswer(bytes, decodeBatches);
  return (node, asked, waitMs) => fetchOnce(node, { asked, waitMs, decode });
}

interface Fetch {
  readonly asked: readonly AskedPartition[];
  readonly waitMs: number;
  readonly decode: (bytes: Buffer) => Promise<StoredPartition[]>;
}

async function fetchOnce(
  { connectionPool }: NodeConnection,
  { asked, waitMs, decode }: Fetch,
): Promise<PartitionAnswer[]> {
  const request = createRequest({
    replicaId: isConsumer,
    isolationLevel: committedOnly,
    maxWaitTime: waitMs,
    minBytes: 1,
    maxBytes: answerBytesMax,
    topics: asked.map(({ topic, partition, offset }) => ({
      topic,
      partitions: [{ partition, fetchOffset: String(offset), maxBytes: partitionBytesMax }],
    })),
  });
  const response = { decode, parse: async (answer: StoredPartition[]) => answer };
  const answer = await connectionPool.send<StoredPartition[]>({ request, response });
  const byPlace = new Map(answer.map((each) => [`${each.partition} ${each.topic}`, each]));
  return asked.map((each) => answerOf(each, byPlace.get(`${each.partition} ${each.topic}`)));
}

function answerOf(asked: AskedPartition, stored: StoredPartition | undefined): PartitionAnswer {
  const code = stored?.errorCode ?? unknownCode;
  if (stored === undefined || code !== 0) {
    return { error: protocolErrors.createErrorFromCode(code) };
  }
  const { batches, ends } = stored;
  if (batches instanceof Error) return { error: batches };
  const behind = batches.at(-1)?.behind ?? 0;
  const next = Math.max(asked.offset, behind);
  return { records: committedFrom(asked.offset, batches, stored.aborted), next, ends };
}

interface StoredPartition {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
  readonly ends: LogEnds;
  readonly aborted: readonly Aborted[];
  /** Why they cannot be read: of this partition alone. */
  readonly batches: readonly StoredBatch[] | Error;
}

interface Aborted {
  readonly producerId: string;
  readonly firstOffset: Offset;
}

/**
 * A producer's aborted transaction lasts from its first offset to the producer's next marker. The
 * server names them in the order of their markers.
 */
function committedFrom(
  offset: Offset,
  batches: readonly StoredBatch[],
  aborted: readonly Aborted[],
): KafkaRecord[] {
  const begun = aborted.toSorted((one, other) => other.firstOffset - one.firstOffset);
  const aborting = new Set<string>();
  const committed: KafkaRecord[] = [];
  for (const { producerId, isTransactional, isMarker, behind, records } of batches) {
    while ((begun.at(-1)?.firstOffset ?? Infinity) < behind) aborting.add(begun.pop()!.producerId);
    if (isMarker) {
      aborting.delete(producerId);
    } else if (!isTransactional || !aborting.has(producerId)) {
      for (const record of records) if (record.offset >= offset) committed.push(record);
    }
  }
  return committed;
}

/**
 *     throttled int32, then topics: name string, then partitions: number int32, error int16,
 *     high watermark int64, last stable offset int64, then aborted transactions: producer int64,
 *     first offset int64; then bytes int32 and as many of record batches
 */
async function decodeAnswer(
  bytes: Buffer,
  decodeBatches: DecodeBatches,
): Promise<StoredPartition[]> {
  const decoder = new Decoder(bytes);
  const int64 = (): bigint => {
    const value = bytes.readBigInt64BE(decoder.offset);
    decoder.forward(8);
    return value;
  };
  const partitions: StoredPartition[] = [];
  decoder.readInt32();
  for (let topics = decoder.readInt32(); topics > 0; topics--) {
    const topic = decoder.readString() ?? '';
    for (let count = decoder.readInt32(); count > 0; count--) {
      const partition = decoder.readInt32();
      const errorCode = decoder.readInt16();
      const [high, stable] = [Number(int64()), Number(int64())];
      const aborted: Aborted[] = [];
      for (let left = decoder.readInt32(); left > 0; left--) {
        aborted.push({ producerId: String(int64()), firstOffset: Number(int64()) });
      }
      const sizeBytes = Math.max(0, decoder.readInt32());
      const stored = bytes.subarray(decoder.offset, decoder.offset + sizeBytes);
      decoder.forward(sizeBytes);
      const batches = await decodeBatches(stored).catch((error: Error) => error);
      partitions.push({ topic, partition, errorCode, ends: { stable, high }, aborted, batches });
    }
  }
  return partitions;
}
