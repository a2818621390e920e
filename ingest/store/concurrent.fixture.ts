/**
 * A thread that writes a world's batches into a view and flushes slice by slice, telling how far it
 * has come in shared memory: [position applied, 1 when it has ended, times the other thread asked].
 */
import { isMainThread, workerData } from 'node:worker_threads';
import { openSystemClock } from '../../devices/clock-system.ts';
import { createRecordedTelemetry } from '../../devices/telemetry-silent.ts';
import { storeConfigSchema } from './config.ts';
import { isCircularSeries } from './naive.contract.ts';
import { createWorld, type BatchSeed, type World } from './world.contract.ts';
import { openStoreWriter } from './writer.ts';

/** The writer goes no further ahead of the reader than this. */
export const batchesAnAsk = 4;

export interface WritingThread {
  readonly task: 'write a view';
  readonly path: string;
  readonly batches: number;
  readonly shared: SharedArrayBuffer;
}

/** The same world in both threads. */
export function concurrentWorld(batches: number): World {
  const world = createWorld();
  let state = 7;
  const next = (below: number): number => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((state / 2 ** 31) * below);
  };
  const kinds = ['value', 'value', 'value', 'history', 'deletion', 'backfill', 'null'] as const;
  for (let at = 0; at < batches; at++) {
    const rows: BatchSeed['rows'] = Array.from({ length: 1 + next(12) }, () => ({
      series: next(3),
      day: next(3),
      slot: next(40),
      form: next(120),
      value: next(2_000),
      kind: kinds[next(kinds.length)]!,
    }));
    const entries =
      next(4) === 0 ? [{ reading: 1 + next(6), channel: next(3), end: next(2) === 0 }] : [];
    world.grow({ rows, entries, waitMs: next(500) });
  }
  return world;
}

function write({ path, batches, shared }: WritingThread): void {
  const told = new Int32Array(shared);
  const world = concurrentWorld(batches);
  const config = storeConfigSchema.parse({ blockPointsMax: 16, rollupPointsMin: 12 });
  const writer = openStoreWriter({
    path,
    config,
    logEnd: batches,
    storeId: 'one',
    clock: openSystemClock(),
    telemetry: createRecordedTelemetry(),
    isCircular: isCircularSeries,
  });
  for (const [position, batch] of world.batches) {
    writer.apply(position, batch);
    Atomics.store(told, 0, position);
    // One unit a slice: the reader meets half-written flushes all the time.
    do writer.flushSlice(0);
    while (Atomics.load(told, 2) < position / batchesAnAsk);
  }
  while (!writer.flushSlice(0));
  writer.close();
  Atomics.store(told, 1, 1);
}

const given = workerData as WritingThread | null;
if (!isMainThread && given?.task === 'write a view') write(given);
