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
import type { LogReader, Position } from '../../log/log.ts';
import { decodeBatchPlace, placeBatch } from '../../observations/batch-codec.ts';
import type { BatchPlace } from '../../observations/batch.ts';
import { batchNumbered, lastBatch, offsetOfBatch, type TopicPartition } from '../batches.ts';
import type { CopyEvents } from './events.ts';

/** The copy's own log. */
export interface OwnLog {
  readonly durableEnd: { get(): Position };
  readonly openReader: () => Promise<LogReader>;
  readonly events: Pick<CopyEvents, 'notCompared'>;
}

export interface OwnRecord {
  readonly position: Position;
  readonly place: BatchPlace;
  readonly body: Uint8Array;
}

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

export interface NumberedBatch {
  readonly partition: number;
  readonly number: Position;
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
  if (record === undefined) return;
  if (Buffer.compare(placeBatch(record.place, value), record.body) === 0) return;
  throw ingestError('INGEST_COPY_DIFFERS', { partition, held: number, position: record.position });
}

/** The record of a batch in the copy's log; undefined where it is not there, or cannot be read. */
export async function ownBatch(own: OwnLog, batch: NumberedBatch): Promise<OwnRecord | undefined> {
  const reader = await own.openReader();
  try {
    return await find(reader, own.durableEnd.get(), batch);
  } catch (error) {
    own.events.notCompared({ ...batch, error });
    return undefined;
  } finally {
    await reader.close();
  }
}

/**
 * The first record behind which the copy holds the batch is the batch's own: back from the end in steps
 * that double, since most batches that are asked for are near it, and then by halving.
 */
async function find(
  reader: LogReader,
  end: Position,
  { partition, number }: NumberedBatch,
): Promise<OwnRecord | undefined> {
  const holds = ({ place }: OwnRecord): boolean => (place.positions[partition] ?? 0) >= number;
  let found = end === 0 ? undefined : await recordFrom(reader, end);
  if (found === undefined || !holds(found)) return undefined;
  let before = 0;
  for (let step = 1; found.position - before > 1; step *= 2) {
    const middle = Math.floor((before + found.position) / 2);
    const asked = Math.max(1, before === 0 ? found.position - step : middle);
    const record = await recordFrom(reader, asked);
    if (record === undefined) return undefined;
    if (!holds(record)) before = record.position;
    else {
      // What lies between is not kept any more.
      if (record.position > asked) before = record.position - 1;
      found = record;
    }
  }
  const { place } = found;
  return place.partition === partition && place.positions[partition] === number ? found : undefined;
}

/** A position that is no longer kept gives the first that is. */
async function recordFrom(reader: LogReader, from: Position): Promise<OwnRecord | undefined> {
  reader.seek(from);
  const [record] = await reader.read(1);
  const place = record && decodeBatchPlace(record.position, record.body);
  // The reader's next read writes over what it gave.
  return place && { position: record.position, place, body: Uint8Array.from(record.body) };
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

/** INGEST_COPY_DIFFERS, of a partition of which the copy holds another history; undefined: of none now. */
export async function otherHistory(
  parts: HistoryParts,
  positions: readonly Position[],
): Promise<CodedError | undefined> {
  if ((await differing(parts, positions)) === undefined) return undefined;
  await sleep(parts.clock, againMs);
  return differing(parts, positions);
}

async function differing(
  { kafka, topic, clock, ...own }: HistoryParts,
  positions: readonly Position[],
): Promise<CodedError | undefined> {
  const looks = positions.map((held, partition) =>
    offsetBehind({ kafka, topic, partition }, held, own).then(
      () => undefined,
      // Whatever else is wrong is told when the partition is to be copied.
      (error: unknown) => (isOfOtherHistory(error) ? error : undefined),
    ),
  );
  const late = Promise.withResolvers<[]>();
  const timer = clock.schedule(answerMsMax, () => late.resolve([]));
  const found = await Promise.race([Promise.all(looks), late.promise]);
  timer.cancel();
  return found.find((error) => error !== undefined);
}

function isOfOtherHistory(error: unknown): error is CodedError {
  return error instanceof CodedError && error.code === 'INGEST_COPY_DIFFERS';
}
