/**
 * This node's own copy of `observations`: all partitions, one behind another as they come, in one
 * local log and one view, so that reading API, live stream and the `open/` feed run as on one machine.
 * The copy is no source of truth: what it lacks is fetched again, and it may be deleted.
 */
import type { Clock } from '../../../devices/clock.ts';
import { sleep } from '../../../devices/clock.ts';
import { CodedError } from '../../../devices/coded-error.ts';
import { catchUp } from '../../catch-up.ts';
import type { IngestConfig } from '../../config.ts';
import { ingestError } from '../../errors.ts';
import type { Kafka } from '../../log/kafka/kafka.ts';
import type { LogReader, LogWriter, Position } from '../../log/log.ts';
import { decodeBatch } from '../../observations/batch-codec.ts';
import type { StoreWriter } from '../../store/store.ts';
import { CopyAppender } from './appender.ts';
import type { CopyEvents } from './events.ts';
import { findOffset, follow, lagOf, type Copying } from './follow.ts';
import { CopyPartition } from './partition.ts';
import type { Levels } from '../levels.ts';

export interface CopyOptions {
  readonly kafka: Kafka;
  readonly topic: string;
  readonly partitions: number;
  /** The local log and view; their owner closes them after this. */
  readonly observations: LogWriter;
  readonly store: StoreWriter;
  /** A reader of the local log. */
  readonly openReader: () => Promise<LogReader>;
  readonly clock: Clock;
  readonly config: IngestConfig;
  readonly events: CopyEvents;
  /** Resolves once this node's registry knows the version; undefined where it does. */
  readonly untilRegistry: (version: number) => Promise<void> | undefined;
  /** Told how level the copy is. */
  readonly levels: Pick<Levels, 'set'>;
  readonly onFailed: (error: unknown) => void;
}

export interface Copy {
  /** Of each partition the last batch that this node holds. */
  readonly positions: readonly Position[];
  /** Null, or why nothing comes at the moment, of all partitions or of some. */
  readonly problem: string | null;
  /** Offsets behind the ends of all partitions, about. */
  readonly lag: number;
  /**
   * Of each partition all that it held at some moment since the opening is here, or it is known that it
   * cannot be had now.
   */
  readonly isSettled: boolean;
  close(): Promise<void>;
}

/** After the local log or view refused. */
const retryMs = 500;

/** Opens with what the folder holds; Kafka may be away. */
export async function openCopy(options: CopyOptions): Promise<Copy> {
  const { observations, store, clock, config, events } = options;
  const reader = await options.openReader();
  const end = observations.durableEnd.get();
  const readingsEnd = Number.POSITIVE_INFINITY;
  await catchUp({ reader, end, readingsEnd, store, clock, config });
  const positions = await heldPositions(options, reader);
  await reader.close();
  events.opened({ position: store.position, positions });
  const stopping = new AbortController();
  const copying = createCopying(options, positions, stopping.signal);
  const { partitions, level } = copying;
  const running = run().catch(options.onFailed);
  let problem: string | null = null;

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await follow(copying);
      } catch (error) {
        if (error instanceof CodedError && !error.canRetry) throw error;
        problem = messageOf(error);
        events.held(error);
        for (const each of partitions) each.drop();
        await sleep(clock, retryMs);
        problem = null;
      }
    }
  }

  return {
    positions,
    get problem() {
      return problem ?? problemOf(partitions);
    },
    get lag() {
      return lagOf(partitions);
    },
    get isSettled() {
      if (problem !== null) return true;
      return partitions.every((each) => level.has(each.partition) || each.problem !== undefined);
    },
    async close() {
      stopping.abort();
      await running;
      await Promise.all(partitions.map((each) => each.close()));
      await copying.append.close();
      events.closed(partitions.length);
    },
  };
}

function createCopying(options: CopyOptions, positions: Position[], stopped: AbortSignal): Copying {
  const { kafka, topic, clock, events } = options;
  const partitions: CopyPartition[] = positions.map(
    (_held, partition) =>
      new CopyPartition({
        partition,
        clock,
        events,
        findOffset: () => findOffset(copying, partition),
        openReader: (offset) => kafka.openReader(topic, partition, offset),
        changed: () => copying.wake(),
      }),
  );
  const copying: Copying = {
    options,
    positions,
    partitions,
    append: new CopyAppender(options),
    level: new Set(),
    stopped,
    wake: () => undefined,
  };
  return copying;
}

/** What is wrong with the same is told together. */
function problemOf(partitions: readonly CopyPartition[]): string | null {
  const held = Map.groupBy(
    partitions.filter(({ problem }) => problem !== undefined),
    ({ problem }) => problem,
  );
  const told = [...held].map(
    ([problem, those]) => `${problem} (${those.map(({ partition }) => partition).join(', ')})`,
  );
  return told.length === 0 ? null : told.join(' ');
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * The last local record says what the copy holds of every partition; before the first, its horizon
 * says behind which batches it begins.
 */
async function heldPositions(options: CopyOptions, reader: LogReader): Promise<Position[]> {
  const { observations, partitions, store } = options;
  const end = observations.durableEnd.get();
  const { floors } = store.horizon;
  if (end === 0)
    return Array.from({ length: partitions }, (_, partition) => floors[partition] ?? 0);
  reader.seek(end);
  const [last] = await reader.read(1);
  const place = last && decodeBatch(last.position, last.body).place;
  if (place?.positions.length === partitions) return [...place.positions];
  throw ingestError('INGEST_COPY_FOREIGN', { position: end, partitions });
}
