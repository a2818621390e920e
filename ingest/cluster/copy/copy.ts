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
import type { Kafka, KafkaRecord } from '../../log/kafka/kafka.ts';
import type { LogReader, LogWriter, Position } from '../../log/log.ts';
import { decodeBatch, placeBatch } from '../../observations/batch-codec.ts';
import type { Batch } from '../../observations/batch.ts';
import type { StoreWriter } from '../../store/store.ts';
import { batchPositionOf, offsetOfBatch } from '../batches.ts';
import { CopyAppender } from './appender.ts';
import type { CopyEvents } from './events.ts';
import { CopyPartition } from './partition.ts';
import type { Levels } from '../levels.ts';

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
const readBytes = 1_048_576;
/** With nothing to copy, whether the view wants a flush is asked this often. */
const restMs = 1_000;

/** Opens with what the folder holds; Kafka may be away. */
export async function openCopy(options: CopyOptions): Promise<Copy> {
  const { observations, store, clock, config, events } = options;
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

interface Copying {
  readonly options: CopyOptions;
  /** Of each partition the last batch that is on its way to the disk. */
  readonly positions: Position[];
  readonly partitions: readonly CopyPartition[];
  readonly append: CopyAppender;
  /** Partitions that were level once. */
  readonly level: Set<number>;
  readonly stopped: AbortSignal;
  /** Ends the rest; of whoever rests. */
  wake: () => void;
}

function createCopying(options: CopyOptions, positions: Position[], stopped: AbortSignal): Copying {
  const { kafka, topic, clock, events } = options;
  const partitions = positions.map(
    (_held, partition) =>
      new CopyPartition({
        partition,
        clock,
        events,
        findOffset: () => offsetOfBatch({ kafka, topic, partition }, positions[partition]! + 1),
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

/** Rejects for what is wrong with the local disk; what is wrong with a partition holds that alone. */
async function follow(copying: Copying): Promise<void> {
  const { options, partitions, stopped } = copying;
  while (!stopped.aborted) {
    let copied = 0;
    for (const each of partitions) copied += await copySome(copying, each);
    if (stopped.aborted) return;
    options.events.lagging(lagOf(partitions));
    tellLevels(copying);
    if (copied === 0) await rest(copying);
  }
}

/** How many batches it copied. */
async function copySome(copying: Copying, from: CopyPartition): Promise<number> {
  from.openWhenDue();
  let copied = 0;
  for (const record of await readSome(from)) {
    const batch = batchOf(copying, from, record);
    if (batch === undefined) continue;
    await take(copying, from.partition, batch);
    copied++;
  }
  const { reader } = from;
  if (reader !== undefined && (copied > 0 || reader.levelAt > 0)) from.free();
  return copied;
}

async function readSome(from: CopyPartition): Promise<readonly KafkaRecord[]> {
  try {
    return (await from.reader?.read(readBytes)) ?? [];
  } catch (error) {
    from.hold(error);
    return [];
  }
}

interface NextBatch {
  readonly batch: Batch;
  readonly position: Position;
  readonly value: Buffer;
}

/** Undefined of one that is here already, and of all that come behind one that cannot be. */
function batchOf(
  { positions }: Copying,
  from: CopyPartition,
  record: KafkaRecord,
): NextBatch | undefined {
  if (from.reader === undefined) return undefined;
  const { partition } = from;
  const held = positions[partition] ?? 0;
  try {
    const position = batchPositionOf(record);
    if (position <= held || record.value === null) return undefined;
    if (position > held + 1) {
      throw ingestError('INGEST_OBSERVATIONS_MISSING', { partition, held, found: position });
    }
    return { batch: decodeBatch(position, record.value), position, value: record.value };
  } catch (error) {
    from.hold(error);
    return undefined;
  }
}

async function take(
  { options, positions, append, stopped }: Copying,
  partition: number,
  { batch, position, value }: NextBatch,
): Promise<void> {
  await makeRoom(options);
  while (append.isFull && !stopped.aborted) await append.changed();
  if (stopped.aborted) return;
  await options.untilRegistry(batch.registryVersion);
  positions[partition] = position;
  const place = { partition, positions: [...positions] };
  append.add({ ...batch, place }, placeBatch(place, value));
}

/** Once all that was read by now is shown. One that is held goes no further. */
function tellLevels({ options, append, level, partitions }: Copying): void {
  const levelsAt = partitions.map(({ reader }) => reader?.levelAt ?? 0);
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

/** Until something comes, or a partition is to be opened; a flush that is wanted uses the time. */
function rest(copying: Copying): Promise<void> {
  const { options, partitions, stopped } = copying;
  const { store, clock, config } = options;
  if (store.wantsFlush) {
    store.flushSlice(config.store.flushSliceMs);
    return sleep(clock, 0);
  }
  return new Promise((resolve) => {
    const waiting = new AbortController();
    const delayMs = Math.min(restMs, ...partitions.map((each) => each.restMs));
    const timer = clock.schedule(delayMs, end);
    stopped.addEventListener('abort', end);
    copying.wake = end;
    for (const { reader } of partitions) void reader?.wait(waiting.signal).then(end);

    function end(): void {
      timer.cancel();
      stopped.removeEventListener('abort', end);
      waiting.abort();
      resolve();
    }
  });
}

function lagOf(partitions: readonly CopyPartition[]): number {
  return partitions.reduce((sum, { lag }) => sum + lag, 0);
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
