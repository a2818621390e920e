/**
 * Ingest without doors, in this process: what a command that changes data needs where no server runs.
 * It owns the folder, settles what the readings hold, and answers as the rooms of a server would.
 */
import type { Configuration } from './configuration.ts';
import { openDataFolder, type DataFolder } from './data-folder.ts';
import type { Clock } from './devices/clock.ts';
import type { Random } from './devices/random.ts';
import { openRegistryReader } from './devices/registry-sqlite-reader.ts';
import { openRegistryWriter } from './devices/registry-sqlite.ts';
import type { RegistryReader } from './devices/registry.ts';
import type { Telemetry } from './devices/telemetry.ts';
import { openProcessTelemetry } from './devices/telemetry-pino.ts';
import { createDurableEnd } from './ingest/log/durable-end.ts';
import type { FileSystem } from './ingest/log/file-system.ts';
import { openNodeFileSystem } from './ingest/log/file-system-node.ts';
import { takeOwnerLock } from './ingest/log/owner-lock.ts';
import { openLogReader, openLogWriter } from './ingest/log/segment-log.ts';
import { openIngest } from './ingest/main.ts';
import type { EraseParts } from './ingest/maintain/erase.ts';
import { observationsCalls } from './ingest/maintain/observations-calls.ts';
import { readingsCalls } from './ingest/maintain/readings-calls.ts';
import { circularIn } from './ingest/maintain/verify-view.ts';
import { keepReading } from './ingest/reading-codec.ts';
import { openStoreWriter } from './ingest/store/writer.ts';

export interface IngestAlone extends Omit<EraseParts, 'onProgress' | 'timesOf'> {
  readonly registry: RegistryReader;
  /** Resolves to why ingest ended by itself. */
  readonly failed: Promise<unknown>;
  close(): Promise<void>;
}

/** Throws START_FOLDER_… or what the logs and the view refuse by name. Closing gives the folder free. */
export async function openIngestAlone(
  configuration: Configuration,
  { clock, random }: { readonly clock: Clock; readonly random: Random },
  folder: DataFolder = openDataFolder(configuration.dataDir, random),
): Promise<IngestAlone> {
  const closers: (() => unknown)[] = [() => folder.release()];
  const close = async (): Promise<void> => {
    for (const each of closers.splice(0).reverse()) await each();
  };
  try {
    const opened = await openParts(configuration, folder, { clock, random, closers });
    return { ...opened, close };
  } catch (error) {
    await close();
    throw error;
  }
}

interface Surroundings {
  readonly clock: Clock;
  readonly random: Random;
  /** In order of opening. */
  readonly closers: (() => unknown)[];
}

async function openParts(
  configuration: Configuration,
  folder: DataFolder,
  { clock, random, closers }: Surroundings,
): Promise<Omit<IngestAlone, 'close'>> {
  const fileSystem = openNodeFileSystem();
  // Both logs name the same metrics: each part has telemetry of its own, as each thread has.
  const openTelemetry = () => openProcessTelemetry({ room: 'alone', level: 'warn' });
  const telemetry = openTelemetry();
  const devices = { clock, config: configuration.devices };
  openRegistryWriter(folder.registry, { ...devices, random }).close();
  const registry = openRegistryReader(folder.registry, devices);
  closers.push(() => registry.close());
  const logs = { configuration, folder, fileSystem, openTelemetry };
  const openLog = (name: LogName) => openOwnLog(name, logs, { clock, random, closers });
  const { writer: readings, openReader: openReadings } = await openLog('readings');
  const { writer: observations, openReader: openObservations } = await openLog('observations');
  const store = openStoreWriter({
    path: folder.view,
    config: configuration.ingest.store,
    clock,
    telemetry,
    isCircular: (series) => circularIn(registry.current())(series),
    storeId: folder.identity.storeId,
    logEnd: observations.durableEnd.get(),
  });
  closers.push(() => store.close());
  const { promise: failed, resolve: onFailed } = Promise.withResolvers<unknown>();
  const ingest = await openIngest({
    config: configuration.ingest,
    clock,
    telemetry,
    registry,
    readings: await openReadings(),
    originals: await openReadings(),
    readingsEnd: readings.durableEnd,
    observations,
    ownObservations: await openObservations(),
    store,
    fileSystem,
    directory: folder.path,
    onFailed,
  });
  closers.push(() => ingest.close());
  const { durableEnds, blankReadings } = readingsCalls(readings, observations.durableEnd);
  const { flushSliceMs } = configuration.ingest.store;
  return {
    clock,
    fileSystem,
    paths: folder,
    registry,
    failed,
    ends: async () => durableEnds(),
    append: (reading) => keepReading(readings, reading),
    blankReadings,
    ...observationsCalls({ observations, store, clock, flushSliceMs }),
  };
}

type LogName = 'readings' | 'observations';

interface LogParts {
  readonly configuration: Configuration;
  readonly folder: DataFolder;
  readonly fileSystem: FileSystem;
  readonly openTelemetry: () => Telemetry;
}

async function openOwnLog(
  name: LogName,
  { configuration, folder, fileSystem, openTelemetry }: LogParts,
  { clock, random, closers }: Surroundings,
) {
  const log = { directory: folder[name], durableEnd: createDurableEnd(), fileSystem };
  const writer = await openLogWriter({
    ...log,
    name,
    config: configuration.log,
    clock,
    random,
    telemetry: openTelemetry(),
    lock: takeOwnerLock,
  });
  closers.push(() => writer.close());
  return { writer, openReader: () => openLogReader(log) };
}
