/**
 * Where the view of a partition begins that need not hold everything: behind the last batch that is
 * older than the horizon and wholly in InfluxDB. So building it takes as long as the horizon, however
 * long the network has run.
 */
import type { KafkaRecord, Offset, PartitionReader } from '../log/kafka/kafka.ts';
import type { Position } from '../log/log.ts';
import { decodeBatch } from '../observations/batch-codec.ts';
import type { Batch } from '../observations/batch.ts';
import { wholeDayFrom } from '../store/horizon.ts';
import type { ViewBeginning } from '../store/writer.ts';
import { batchPositionOf, isBatch, lastBatch, type TopicPartition } from './batches.ts';

export interface HorizonRules {
  /** By so much an end may lie behind its reception, by the clock of the node that took it in. */
  readonly futureMsMax: number;
}

/** The clocks of two nodes differ by no more: who received, and who published. */
const clocksMsMax = 6 * 3_600_000;

/** Every row that ends then or later is of a batch behind one that was published at `publishedAt`. */
export function knownFromAtOf(publishedAt: number, { futureMsMax }: HorizonRules): number {
  return wholeDayFrom(publishedAt + futureMsMax + clocksMsMax + 1);
}

export interface BatchAt {
  readonly position: Position;
  readonly batch: Batch;
}

/** Undefined where it begins with the first batch. */
export function beginningOf(
  found: BatchAt | undefined,
  rules: HorizonRules,
): ViewBeginning | undefined {
  if (found === undefined) return undefined;
  const { position, batch } = found;
  const { totals, consumed, publishedAt, registryVersion, sources } = batch;
  const knownFromAt = knownFromAtOf(publishedAt, rules);
  return {
    position,
    batch: { totals, consumed, publishedAt, registryVersion, sources },
    // Its view answers nobody who asks for the latest.
    horizon: { knownFromAt, floors: [position], knowsLatest: false },
  };
}

/**
 * The last batch that was published before `at` and is not behind `upTo`; undefined where there is
 * none. By halving: neither position nor time of publishing ever falls from one batch to the next.
 */
export async function lastBatchBefore(
  place: TopicPartition,
  { at, upTo }: { readonly at: number; readonly upTo: Position },
): Promise<BatchAt | undefined> {
  const last = await lastBatch(place);
  if (last === undefined) return undefined;
  const isBefore = ({ position, batch }: BatchAt): boolean =>
    position <= upTo && batch.publishedAt < at;
  const newest = batchOf(last.position, last.value);
  if (isBefore(newest)) return newest;
  const { start } = (await place.kafka.ends(place.topic))[place.partition] ?? { start: 0 };
  const reader = place.kafka.openReader(place.topic, place.partition, start);
  let found: BatchAt | undefined;
  try {
    for (let [low, high] = [start, last.offset]; low < high;) {
      const middle = Math.floor((low + high) / 2);
      const record = await firstBetween(reader, middle, high);
      const probe = record && batchOf(batchPositionOf(record), record.value ?? new Uint8Array(0));
      if (record !== undefined && probe !== undefined && isBefore(probe)) {
        found = probe;
        low = record.offset + 1;
      } else {
        high = middle;
      }
    }
    return found;
  } finally {
    reader.close();
  }
}

function batchOf(position: Position, value: Uint8Array): BatchAt {
  return { position, batch: decodeBatch(position, value) };
}

/** The first batch in [from, to): only markers, what was aborted and what strangers wrote may lie there. */
async function firstBetween(
  reader: PartitionReader,
  from: Offset,
  to: Offset,
): Promise<KafkaRecord | undefined> {
  reader.seek(from);
  while (reader.next < to) {
    const [record] = await reader.read(1);
    if (record === undefined) await reader.wait();
    else if (isBatch(record)) return record.offset < to ? record : undefined;
  }
  return undefined;
}
