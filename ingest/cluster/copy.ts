/**
 * This node's own copy of `observations`: all partitions, one behind another as they come, in one
 * local log and one view, so that reading API, live stream and the `open/` feed run as on one machine.
 * The copy is no source of truth: what it lacks is fetched again, and it may be deleted.
 */
import type { Clock } from '../../devices/clock.ts';
import { sleep } from '../../devices/clock.ts';
import { CodedError } from '../../devices/coded-error.ts';
import { catchUp } from '../catch-up.ts';
import type { IngestConfig } from '../config.ts';
import { ingestError } from '../errors.ts';
import type { Kafka, KafkaRecord, PartitionReader } from '../log/kafka/kafka.ts';
import type { LogReader, LogWriter, Position } from '../log/log.ts';
import { decodeBatch, placeBatch } from '../observations/batch-codec.ts';
import type { StoreWriter } from '../store/store.ts';
import { batchPositionOf, offsetOfBatch } from './batches.ts';
import { CopyAppender } from './copy-appender.ts';
import type { CopyEvents } from './copy-events.ts';
import type { Levels } from './levels.ts';

export interface CopyOptions {
  readonly kafka: Kafka;
  readonly topic: string;
  readonly partitions: number;
  /** The local log and view; their owner closes them after this. */
  readonly observations: LogWriter;
  readonly store: StoreWriter;
  /** A reader of the local log. Closed when the copy is open. */
  readonly ownObservations: LogReader;
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
  /** Null, or why nothing comes at the moment. */
  readonly problem: string | null;
  /** Offsets behind the ends of all partitions, about. */
  readonly lag: number;
  /** Of each partition all that it held at some moment since the opening is here. */
  readonly wasLevel: boolean;
  close(): Promise<void>;
}

const retryMs = 500;
const readBytes = 1_048_576;
/** With nothing to copy, whether the view wants a flush is asked this often. */
const restMs = 1_000;

/** Opens with what the folder holds; Kafka may be away. */
export async function openCopy(options: CopyOptions): Promise<Copy> {
  const { observations, store, clock, config, events, partitions } = options;
  await catchUp({
    reader: options.ownObservations,
    end: observations.durableEnd.get(),
    readingsEnd: Number.POSITIVE_INFINITY,
    store,
    clock,
    config,
  });
  const positions = await heldPositions(options);
  await options.ownObservations.close();
  events.opened({ position: store.position, positions });
  const stopping = new AbortController();
  const state = { problem: null as string | null, lag: 0 };
  const level = new Set<number>();
  const append = new CopyAppender(options);
  const copying: Copying = { options, positions, append, level, stopped: stopping.signal };
  const running = run().catch(options.onFailed);

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      let readers: PartitionReader[] = [];
      try {
        readers = await openReaders(options, positions);
        await follow(readers);
      } catch (error) {
        if (error instanceof CodedError && !error.canRetry) throw error;
        state.problem = error instanceof Error ? error.message : String(error);
        events.held(error);
        await sleep(clock, retryMs);
      } finally {
        for (const reader of readers) reader.close();
      }
    }
    await append.close();
  }

  async function follow(readers: readonly PartitionReader[]): Promise<void> {
    while (!stopping.signal.aborted) {
      let copied = 0;
      for (const [partition, reader] of readers.entries()) {
        for (const record of await reader.read(readBytes)) {
          await take(copying, partition, record);
          copied++;
        }
      }
      state.problem = null;
      state.lag = readers.reduce((sum, { end, next }) => sum + Math.max(0, end - next), 0);
      events.lagging(state.lag);
      tellLevels(copying, readers);
      if (copied === 0) await rest(options, readers, stopping.signal);
    }
  }

  return {
    positions,
    get problem() {
      return state.problem;
    },
    get lag() {
      return state.lag;
    },
    get wasLevel() {
      return level.size === partitions;
    },
    async close() {
      stopping.abort();
      await running;
      events.closed(partitions);
    },
  };
}

interface Copying {
  readonly options: CopyOptions;
  /** Of each partition the last batch that is on its way to the disk. */
  readonly positions: Position[];
  readonly append: CopyAppender;
  /** Partitions that were level once. */
  readonly level: Set<number>;
  readonly stopped: AbortSignal;
}

async function take(
  { options, positions, append, stopped }: Copying,
  partition: number,
  record: KafkaRecord,
): Promise<void> {
  const position = batchPositionOf(record);
  const held = positions[partition] ?? 0;
  if (position <= held || record.value === null) return;
  if (position > held + 1) {
    throw ingestError('INGEST_OBSERVATIONS_MISSING', { partition, held, found: position });
  }
  await makeRoom(options);
  while (append.isFull && !stopped.aborted) await append.changed();
  if (stopped.aborted) return;
  const batch = decodeBatch(position, record.value);
  await options.untilRegistry(batch.registryVersion);
  positions[partition] = position;
  const place = { partition, positions: [...positions] };
  append.add({ ...batch, place }, placeBatch(place, record.value));
}

/** Once all that was read by now is shown. */
function tellLevels(
  { options, append, level }: Copying,
  readers: readonly PartitionReader[],
): void {
  const levelsAt = readers.map(({ levelAt }) => levelAt);
  append.afterAll(() => {
    for (const [partition, levelAt] of levelsAt.entries()) {
      if (levelAt <= 0) continue;
      options.levels.set(partition, levelAt);
      level.add(partition);
    }
  });
}

async function makeRoom({ store, clock, config }: CopyOptions): Promise<void> {
  if (store.pressesFlush) store.flushSlice(config.store.flushSliceMs);
  while (store.saturated) {
    store.flushSlice(config.store.flushSliceMs);
    await sleep(clock, 0);
  }
}

/** Until something comes; a flush that is wanted uses the time. */
async function rest(
  { store, clock, config }: CopyOptions,
  readers: readonly PartitionReader[],
  stopped: AbortSignal,
): Promise<void> {
  if (store.wantsFlush) {
    store.flushSlice(config.store.flushSliceMs);
    return sleep(clock, 0);
  }
  const waiting = new AbortController();
  const end = (): void => waiting.abort();
  stopped.addEventListener('abort', end);
  const timer = clock.schedule(restMs, end);
  await Promise.race(readers.map((reader) => reader.wait(waiting.signal)));
  stopped.removeEventListener('abort', end);
  end();
  timer.cancel();
}

/**
 * The last local record says what the copy holds of every partition; before the first, its horizon
 * says behind which batches it begins.
 */
async function heldPositions(options: CopyOptions): Promise<Position[]> {
  const { observations, ownObservations, partitions, store } = options;
  const end = observations.durableEnd.get();
  const { floors } = store.horizon;
  if (end === 0)
    return Array.from({ length: partitions }, (_, partition) => floors[partition] ?? 0);
  ownObservations.seek(end);
  const [last] = await ownObservations.read(1);
  const place = last && decodeBatch(last.position, last.body).place;
  if (place?.positions.length === partitions) return [...place.positions];
  throw ingestError('INGEST_COPY_FOREIGN', { position: end, partitions });
}

async function openReaders(
  { kafka, topic }: CopyOptions,
  positions: readonly Position[],
): Promise<PartitionReader[]> {
  const offsets = await Promise.all(
    positions.map((held, partition) => offsetOfBatch({ kafka, topic, partition }, held + 1)),
  );
  return offsets.map((offset, partition) => kafka.openReader(topic, partition, offset));
}
