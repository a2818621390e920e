/**
 * Whether a copy is of the history that Kafka holds. Kafka may lose the end of a partition, when all
 * its servers lose power at once; workers then decide those readings again, into other batches under
 * the same numbers. Who holds the old ones must not go on behind them as if they were the new ones:
 * nodes would differ for ever. The last batch that is held tells, since none before it changes alone.
 */
import { sleep, type Clock } from '../../../devices/clock.ts';
import { CodedError } from '../../../devices/coded-error.ts';
import { ingestError } from '../../errors.ts';
import type { Kafka, Offset } from '../../log/kafka/kafka.ts';
import type { Position } from '../../log/log.ts';
import { placeBatch } from '../../observations/batch-codec.ts';
import { batchNumbered, lastBatch, offsetOfBatch, type TopicPartition } from '../batches.ts';
import {
  firstNumber,
  ownBatch,
  type NumberedBatch,
  type OwnLog,
  type OwnRecord,
} from './own-log.ts';

/**
 * Where reading goes on behind the last batch that is held. Rejects INGEST_COPY_DIFFERS where Kafka's
 * partition ends before it, or holds another one under its number.
 */
export async function offsetBehind(
  topic: TopicPartition,
  held: Position,
  own: OwnLog,
): Promise<Offset> {
  if (held === 0) return offsetOfBatch(topic, 1);
  const { partition } = topic;
  const last = await lastBatch(topic);
  if ((last?.position ?? 0) < held) {
    throw ingestError('INGEST_COPY_DIFFERS', { partition, held, end: last?.position ?? 0 });
  }
  const found = await batchNumbered(topic, held, last);
  if (found !== undefined) {
    await requireSame(own, { partition, number: held, value: found.value });
  }
  return offsetOfBatch(topic, held + 1, last);
}

/**
 * Rejects INGEST_COPY_DIFFERS where the copy holds other bytes under this number. What it has let go of
 * is taken to be the same: that was in InfluxDB, and long behind the end.
 */
export async function requireSame(
  own: OwnLog,
  { partition, number, value }: NumberedBatch & { readonly value: Uint8Array },
): Promise<void> {
  const record = await ownBatch(own, { partition, number });
  if (record === undefined || isSame(record, value)) return;
  throw ingestError('INGEST_COPY_DIFFERS', { partition, held: number, position: record.position });
}

function isSame({ place, body }: OwnRecord, value: Uint8Array): boolean {
  return Buffer.compare(placeBatch(place, value), body) === 0;
}

export interface HistoryParts extends OwnLog {
  readonly kafka: Kafka;
  readonly topic: string;
  readonly clock: Clock;
}

/** Longer Kafka is not waited for at a start: it may be away, and then it is asked while copying. */
const answerMsMax = 3_000;
/** A server that has just begun to lead may not know its end yet. */
const againMs = 1_000;

/**
 * INGEST_COPY_DIFFERS, of a partition of which the copy holds another end; undefined: of none, or the copy
 * shares not even the beginning with Kafka. Then Kafka lost more than an end, and the copy may be the
 * only one: it is kept, and its partitions are held.
 */
export async function otherHistory(
  parts: HistoryParts,
  positions: readonly Position[],
): Promise<CodedError | undefined> {
  if ((await differing(parts, positions)).length === 0) return undefined;
  await sleep(parts.clock, againMs);
  const found = await differing(parts, positions);
  return found.every(({ isBegunAlike }) => isBegunAlike) ? found[0]?.error : undefined;
}

interface Difference {
  readonly error: CodedError;
  readonly isBegunAlike: boolean;
}

async function differing(
  parts: HistoryParts,
  positions: readonly Position[],
): Promise<readonly Difference[]> {
  const { kafka, topic, clock } = parts;
  const looks = positions.map(async (held, partition) => {
    const place = { kafka, topic, partition };
    try {
      await offsetBehind(place, held, parts);
    } catch (error) {
      // Whatever else is wrong is told when the partition is to be copied.
      if (!isOfOtherHistory(error)) return [];
      return [{ error, isBegunAlike: await isBegunAlike(place, parts).catch(() => false) }];
    }
    return [];
  });
  const late = Promise.withResolvers<[]>();
  const timer = clock.schedule(answerMsMax, () => late.resolve([]));
  const found = await Promise.race([Promise.all(looks), late.promise]);
  timer.cancel();
  return found.flat();
}

function isOfOtherHistory(error: unknown): error is CodedError {
  return error instanceof CodedError && error.code === 'INGEST_COPY_DIFFERS';
}

/** Whether Kafka holds the first batch of the partition that the copy still has. */
async function isBegunAlike(topic: TopicPartition, own: OwnLog): Promise<boolean> {
  const { partition } = topic;
  const number = await firstNumber(own, partition);
  const first = await ownBatch(own, { partition, number });
  if (first === undefined) return false;
  const kept = await batchNumbered(topic, number, await lastBatch(topic));
  return kept !== undefined && isSame(first, kept.value);
}
