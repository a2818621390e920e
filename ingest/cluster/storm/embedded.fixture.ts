/** One machine that takes the same readings: what the cluster must come to. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { RegistryWriter } from '../../../devices/registry.ts';
import { createSeededRandom } from '../../../devices/random.ts';
import { createRecordedTelemetry } from '../../../devices/telemetry-silent.ts';
import { logConfigSchema } from '../../log/config.ts';
import { createDurableEnd } from '../../log/durable-end.ts';
import { createMemoryFileSystem } from '../../log/file-system-memory.ts';
import type { LogReader, Position } from '../../log/log.ts';
import { openLogReader, openLogWriter } from '../../log/segment-log.ts';
import { openIngest } from '../../main.ts';
import { decodeBatch } from '../../observations/batch-codec.ts';
import type { Batch } from '../../observations/batch.ts';
import { keepReading } from '../../reading-codec.ts';
import type { Reading } from '../../reading.ts';
import { openStoreWriter, type ViewWriter } from '../../store/writer.ts';
import { stormConfig } from './worker-node.fixture.ts';
import type { World } from './world.fixture.ts';

export interface Embedded {
  readonly batches: readonly Batch[];
  readonly store: ViewWriter;
}

/** The logs of one machine, in memory. */
async function openLogs({ clock }: World['ground'], folder: string) {
  const fileSystem = createMemoryFileSystem();
  const telemetry = createRecordedTelemetry();
  const ends = { readings: createDurableEnd(), observations: createDurableEnd() };
  for (const path of [folder, join(folder, 'readings'), join(folder, 'observations')]) {
    await fileSystem.makeDirectory(path);
  }
  const openLog = (name: 'readings' | 'observations') =>
    openLogWriter({
      fileSystem,
      clock,
      random: createSeededRandom(1),
      telemetry,
      name,
      lock: null,
      directory: join(folder, name),
      config: logConfigSchema.parse({}),
      durableEnd: ends[name],
    });
  return {
    fileSystem,
    telemetry,
    ends,
    readings: await openLog('readings'),
    observations: await openLog('observations'),
    readerOf: (name: 'readings' | 'observations') =>
      openLogReader({ fileSystem, directory: join(folder, name), durableEnd: ends[name] }),
  };
}

/** Settles readings, and markers of registry versions, in this order. */
export async function settleAlone(
  { ground, until }: Pick<World, 'ground' | 'until'>,
  folder: string,
  {
    registry,
    readings,
  }: { readonly registry: RegistryWriter; readonly readings: readonly Reading[] },
): Promise<Embedded> {
  const { clock } = ground;
  mkdirSync(folder, { recursive: true });
  const logs = await until(openLogs(ground, folder));
  const { fileSystem, telemetry, readerOf, ends } = logs;
  const store = openStoreWriter({
    path: join(folder, 'view.db'),
    config: stormConfig.store,
    clock,
    telemetry,
    isCircular: () => false,
    storeId: 'alone',
    logEnd: 0,
  });
  const failure = Promise.withResolvers<never>();
  failure.promise.catch(() => undefined);
  const ingest = await until(
    openIngest({
      config: stormConfig,
      clock,
      telemetry,
      registry,
      readings: await readerOf('readings'),
      originals: await readerOf('readings'),
      readingsEnd: ends.readings,
      observations: logs.observations,
      ownObservations: await readerOf('observations'),
      store,
      fileSystem,
      directory: folder,
      onFailed: (error) => failure.reject(error as Error),
    }),
  );
  for (const reading of readings) await until(keepReading(logs.readings, reading));
  const isSettled = async (): Promise<void> => {
    while (ingest.stats.consumed < readings.length) {
      await new Promise<void>((resolve) => void clock.schedule(5, resolve));
    }
  };
  await until(Promise.race([isSettled(), failure.promise]));
  await until(ingest.close());
  const batches = await batchesIn(await readerOf('observations'), ends.observations.get());
  await until(Promise.all([logs.readings.close(), logs.observations.close()]));
  return { batches, store };
}

async function batchesIn(reader: LogReader, end: Position): Promise<Batch[]> {
  const batches: Batch[] = [];
  while (reader.next <= end) {
    for (const { position, body } of await reader.read(1_048_576)) {
      batches.push(decodeBatch(position, body));
    }
  }
  await reader.close();
  return batches;
}
