/**
 * The way of batches from Kafka into a node's copy: partition after partition what has come, each batch
 * behind the one before it.
 */
import { sleep } from '../../../devices/clock.ts';
import { ingestError } from '../../errors.ts';
import type { KafkaRecord, Offset } from '../../log/kafka/kafka.ts';
import type { Position } from '../../log/log.ts';
import { decodeBatch, placeBatch } from '../../observations/batch-codec.ts';
import type { Batch } from '../../observations/batch.ts';
import { batchPositionOf } from '../batches.ts';
import type { CopyAppender } from './appender.ts';
import { offsetBehind, requireSame } from './comparing.ts';
import type { CopyOptions } from './copy.ts';
import type { OwnLog } from './own-log.ts';
import type { CopyPartition } from './partition.ts';

const readBytes = 1_048_576;
/** With nothing to copy, whether the view wants a flush is asked this often. */
const restMs = 1_000;

export interface Copying {
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

/** Rejects for what is wrong with the local disk; what is wrong with a partition holds that alone. */
export async function follow(copying: Copying): Promise<void> {
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
    const next = batchOf(copying, from, record);
    if (next?.batch === undefined) {
      if (next !== undefined) await compare(copying, from, next);
      continue;
    }
    await take(copying, from.partition, next.batch, next);
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
  readonly position: Position;
  readonly value: Buffer;
  /** Undefined of one under whose number the copy holds one already. */
  readonly batch: Batch | undefined;
}

/** Undefined of one that cannot be taken, and of all that come behind that. */
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
    const value = record.value ?? Buffer.alloc(0);
    if (position <= held) return { position, value, batch: undefined };
    if (position > held + 1) {
      throw ingestError('INGEST_OBSERVATIONS_MISSING', { partition, held, found: position });
    }
    return { position, value, batch: decodeBatch(position, value) };
  } catch (error) {
    from.hold(error);
    return undefined;
  }
}

/** Of one that comes again nothing is to be done, and one that is another holds the partition. */
async function compare(
  copying: Copying,
  from: CopyPartition,
  { position, value }: NextBatch,
): Promise<void> {
  const { partition } = from;
  await untilShown(copying, partition);
  try {
    await requireSame(ownLogOf(copying), { partition, number: position, value });
  } catch (error) {
    from.hold(error);
  }
}

/** Behind the last batch that is held, once it is known to be the one that Kafka holds. */
export async function findOffset(copying: Copying, partition: number): Promise<Offset> {
  const { kafka, topic } = copying.options;
  await untilShown(copying, partition);
  const held = copying.positions[partition] ?? 0;
  return offsetBehind({ kafka, topic, partition }, held, ownLogOf(copying));
}

function ownLogOf({ options }: Copying): OwnLog {
  const { openReader, events } = options;
  return { durableEnd: options.observations.durableEnd, openReader, events };
}

/** What is still on its way to the disk cannot be compared. */
async function untilShown(
  { options, positions, append, stopped }: Copying,
  partition: number,
): Promise<void> {
  const isShown = (): boolean => {
    const last = options.store.publishedBy(Number.MAX_SAFE_INTEGER, partition);
    return last === undefined || last.number >= (positions[partition] ?? 0);
  };
  while (!stopped.aborted && !isShown()) await append.changed();
}

async function take(
  { options, positions, append, stopped }: Copying,
  partition: number,
  batch: Batch,
  { position, value }: NextBatch,
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

export function lagOf(partitions: readonly CopyPartition[]): number {
  return partitions.reduce((sum, { lag }) => sum + lag, 0);
}
