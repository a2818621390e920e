/**
 * Where a node's copy begins that need not hold everything: behind the last batch of each partition
 * that is older than the horizon and wholly in InfluxDB. A folder that ends before is given up, and so
 * is a log that has let go of its beginning and lost the view that says what it lacks.
 */
import { existsSync } from 'node:fs';
import type { Clock } from '../../../devices/clock.ts';
import { CodedError } from '../../../devices/coded-error.ts';
import type { Kafka } from '../../log/kafka/kafka.ts';
import type { LogReader, LogRecord, Position } from '../../log/log.ts';
import { ingestError } from '../../errors.ts';
import { decodeBatch } from '../../observations/batch-codec.ts';
import { noTotals } from '../../observations/batch.ts';
import type { ViewBeginning } from '../../store/writer.ts';
import { knownFromAtOf, lastBatchBefore, type HorizonRules } from '../beginning.ts';

export interface CopyBeginningOptions {
  readonly kafka: Pick<Kafka, 'openReader' | 'ends'>;
  readonly topic: string;
  readonly partitions: number;
  readonly clock: Clock;
  /** How far back a copy reaches at least. */
  readonly lengthMs: number;
  readonly rules: HorizonRules;
  /** By partition, the last batch that is wholly in InfluxDB. */
  readonly noted: () => Promise<ReadonlyMap<number, Position>>;
}

/** Undefined: with the first batch of every partition. */
export async function findCopyBeginning(
  options: CopyBeginningOptions,
): Promise<ViewBeginning | undefined> {
  const { kafka, topic, partitions, clock, rules } = options;
  const at = clock.now() - options.lengthMs;
  const noted = await options.noted();
  const found = await Promise.all(
    Array.from({ length: partitions }, (_, partition) =>
      lastBatchBefore({ kafka, topic, partition }, { at, upTo: noted.get(partition) ?? 0 }).catch(
        withFirst,
      ),
    ),
  );
  const published = found.flatMap((each) => each?.batch.publishedAt ?? []);
  if (published.length === 0) return undefined;
  return {
    position: 0,
    batch: {
      totals: noTotals,
      consumed: 0,
      publishedAt: 0,
      registryVersion: 0,
      sources: undefined,
    },
    horizon: {
      knownFromAt: knownFromAtOf(Math.max(...published), rules),
      floors: found.map((each) => each?.position ?? 0),
      knowsLatest: false,
    },
  };
}

/** Of a partition in which something is wrong: it is copied as far as it can be, and then held. */
function withFirst(error: unknown): undefined {
  if (!(error instanceof CodedError) || error.canRetry || !isOfPartition(error)) throw error;
}

function isOfPartition({ code }: CodedError): boolean {
  return code === 'KAFKA_OFFSET_GONE' || code.startsWith('INGEST_');
}

/** What a node's folder holds of the observations. */
export interface HeldCopy {
  /** Of each partition the last batch. */
  readonly positions: readonly Position[];
  readonly publishedAt: number;
}

/** Undefined of an empty log; INGEST_COPY_FOREIGN of one that is no copy. */
export async function readHeldCopy(
  reader: LogReader,
  end: Position,
): Promise<HeldCopy | undefined> {
  if (end === 0) return undefined;
  reader.seek(end);
  const { place, publishedAt } = placed((await reader.read(1))[0], end);
  return { positions: place.positions, publishedAt };
}

/** Whether the log begins with the first batches; it is not empty. */
export async function isWhole(reader: LogReader): Promise<boolean> {
  reader.seek(1);
  const { partition, positions } = placed((await reader.read(1))[0], 1).place;
  const before = positions.with(partition, (positions[partition] ?? 0) - 1);
  return before.every((position) => position === 0);
}

function placed(record: LogRecord | undefined, position: Position) {
  const batch = record && decodeBatch(record.position, record.body);
  if (batch?.place === undefined) throw ingestError('INGEST_COPY_FOREIGN', { position });
  return { place: batch.place, publishedAt: batch.publishedAt };
}

/** Whether the folder should rather begin anew, as far as it can be said without Kafka. */
export function mayBeginAnew(
  held: HeldCopy | undefined,
  { viewPath, sinceAt }: { readonly viewPath: string; readonly sinceAt: number },
): boolean {
  return held === undefined ? !existsSync(viewPath) : held.publishedAt < sinceAt;
}

/** Whether a copy that begins there is sooner level than one that goes on. */
export function isFurther(begin: ViewBeginning, { positions }: HeldCopy): boolean {
  return begin.horizon.floors.some((floor, partition) => floor > (positions[partition] ?? 0));
}
