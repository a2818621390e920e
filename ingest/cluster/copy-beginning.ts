/**
 * Where a node's copy begins that need not hold everything: behind the last batch of each partition
 * that is older than the horizon and wholly in InfluxDB. A folder that ends before is given up, and so
 * is a log that has let go of its beginning and lost the view that says what it lacks.
 */
import { existsSync } from 'node:fs';
import type { Clock } from '../../devices/clock.ts';
import type { Kafka } from '../log/kafka/kafka.ts';
import type { LogReader, LogRecord, Position } from '../log/log.ts';
import { decodeBatch } from '../observations/batch-codec.ts';
import { noTotals } from '../observations/batch.ts';
import type { ViewBeginning } from '../store/writer.ts';
import { knownFromAtOf, lastBatchBefore, type HorizonRules } from './beginning.ts';

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
      lastBatchBefore({ kafka, topic, partition }, { at, upTo: noted.get(partition) ?? 0 }),
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

/** What a node's folder holds of the observations. */
export interface HeldCopy {
  /** Of each partition the last batch. */
  readonly positions: readonly Position[];
  readonly publishedAt: number;
  /** The log begins with the first batches. */
  readonly isWhole: boolean;
}

/** Undefined of an empty log, or where it is no copy: its opening tells. */
export async function readHeldCopy(
  reader: LogReader,
  end: Position,
): Promise<HeldCopy | undefined> {
  if (end === 0) return undefined;
  reader.seek(1);
  const first = placed((await reader.read(1))[0]);
  reader.seek(end);
  const last = placed((await reader.read(1))[0]);
  if (first === undefined || last === undefined) return undefined;
  const { partition, positions } = first.place;
  const before = positions.with(partition, (positions[partition] ?? 0) - 1);
  return {
    positions: last.place.positions,
    publishedAt: last.publishedAt,
    isWhole: before.every((position) => position === 0),
  };
}

function placed(record: LogRecord | undefined) {
  if (record === undefined) return undefined;
  const { place, publishedAt } = decodeBatch(record.position, record.body);
  return place && { place, publishedAt };
}

/** Whether the folder should rather begin anew, as far as it can be said without Kafka. */
export function mayBeginAnew(
  held: HeldCopy | undefined,
  { viewPath, sinceAt }: { readonly viewPath: string; readonly sinceAt: number },
): boolean {
  if (held === undefined) return !existsSync(viewPath);
  return held.publishedAt < sinceAt || mustBeginAnew(held, viewPath);
}

/** Nobody knows any more what the log does not hold. */
export function mustBeginAnew(held: HeldCopy, viewPath: string): boolean {
  return !held.isWhole && !existsSync(viewPath);
}

/** Whether a copy that begins there is sooner level than one that goes on. */
export function isFurther(begin: ViewBeginning, { positions }: HeldCopy): boolean {
  return begin.horizon.floors.some((floor, partition) => floor > (positions[partition] ?? 0));
}
