/**
 * How far Kafka knows a node's own log of readings: what was decided of it, as the last batch of each
 * partition says, and what waits behind that in `readings`. What a node takes in at a position that
 * is known already is dropped as a repeat.
 */
import { CodedError } from '../../../devices/coded-error.ts';
import type { Kafka, Offset, PartitionEnds, PartitionReader } from '../../log/kafka/kafka.ts';
import type { Position } from '../../log/log.ts';
import { decodeBatch } from '../../observations/batch-codec.ts';
import { lastBatch } from '../batches.ts';
import { startOfKept } from '../partition-log.ts';
import { recordToReading } from '../reading-record.ts';
import { offsetFrom, readingPlace } from '../route.ts';
import type { ForwardEvents } from './events.ts';

export interface KnownOptions {
  readonly kafka: Pick<Kafka, 'openReader' | 'ends'>;
  readonly topics: { readonly readings: string; readonly observations: string };
  readonly node: number;
  readonly events: Pick<ForwardEvents, 'decidedUnread'>;
  /** Nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

export interface Known {
  /** The greatest position of the node's log; 0 where Kafka knows none. */
  readonly position: Position;
  /** Records that were looked at, of whichever node. */
  readonly records: number;
}

/** Partitions looked at at once: memory is what is read ahead of so many. */
const partitionsAtOnce = 8;
const readBytes = 262_144;

/**
 * As of now: whoever sends under the number at the same time is not waited for. However much waits
 * undecided, it is looked through piece by piece. Rejects KAFKA_….
 */
export async function greatestKnown(options: KnownOptions): Promise<Known> {
  // The ends first: what was decided since then lies behind them, and is in the batches.
  const ends = await options.kafka.ends(options.topics.readings);
  let [position, records] = [0, 0];
  for (let first = 0; first < ends.length; first += partitionsAtOnce) {
    const some = ends.slice(first, first + partitionsAtOnce);
    const found = await Promise.all(some.map((each, at) => knownIn(options, first + at, each)));
    for (const known of found) {
      position = Math.max(position, known.position);
      records += known.records;
    }
  }
  return { position, records };
}

async function knownIn(
  options: KnownOptions,
  partition: number,
  { start, end }: PartitionEnds,
): Promise<Known> {
  const { kafka, topics } = options;
  const decided = await decidedIn(options, partition);
  const from = Math.max(start, offsetFrom(decided.consumed + 1, partition));
  if (from >= end) return { position: decided.position, records: 0 };
  const reader = kafka.openReader(topics.readings, partition, from);
  try {
    const waiting = await waitingIn(options, reader, { partition, end });
    return { ...waiting, position: Math.max(decided.position, waiting.position) };
  } finally {
    reader.close();
  }
}

interface Decided {
  readonly position: Position;
  readonly consumed: Position;
}

const nothing: Decided = { position: 0, consumed: 0 };

/** Where the last batch cannot be understood, all that is kept of `readings` is looked at instead. */
async function decidedIn(options: KnownOptions, partition: number): Promise<Decided> {
  const { kafka, topics, node, events } = options;
  try {
    const last = await lastBatch({ kafka, topic: topics.observations, partition });
    if (last === undefined) return nothing;
    const { consumed, sources = [] } = decodeBatch(last.position, last.value);
    return { consumed, position: sources.find((mark) => mark.node === node)?.position ?? 0 };
  } catch (error) {
    if (!(error instanceof CodedError) || !error.code.startsWith('INGEST_')) throw error;
    events.decidedUnread({ partition, error });
    return nothing;
  }
}

async function waitingIn(
  { node, signal }: KnownOptions,
  reader: PartitionReader,
  { partition, end }: { readonly partition: number; readonly end: Offset },
): Promise<Known> {
  const own = String(node);
  let [position, records] = [0, 0];
  while (reader.next < end && !signal.aborted) {
    const some = await readKept(reader);
    for (const record of some) {
      records += 1;
      if (record.headers['node']?.toString('latin1') !== own) continue;
      const { origin } = recordToReading(record, readingPlace(record.offset, partition));
      position = Math.max(position, origin?.position ?? 0);
    }
    if (some.length === 0 && reader.next < end) await reader.wait(signal);
  }
  return { position, records };
}

/** What retention deletes while it is looked for is passed over. */
async function readKept(reader: PartitionReader) {
  try {
    return await reader.read(readBytes);
  } catch (error) {
    const start = startOfKept(error);
    if (start === undefined || start <= reader.next) throw error;
    reader.seek(start);
    return [];
  }
}
