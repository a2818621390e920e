/** Ingest's thread: the owner of the log of observations and of the view. */
import type { DevicesConfig } from '../devices/config.ts';
import type { RegistryReader } from '../devices/registry.ts';
import { openRegistryReader } from '../devices/registry-sqlite-reader.ts';
import { runRoom, type RoomData, type RoomSurroundings } from '../room-thread.ts';
import type { IngestConfig } from './config.ts';
import type { LogConfig } from './log/config.ts';
import { createDurableEnd } from './log/durable-end.ts';
import { openNodeFileSystem } from './log/file-system-node.ts';
import type { Position } from './log/log.ts';
import { takeOwnerLock } from './log/owner-lock.ts';
import { openLogReader, openLogWriter } from './log/segment-log.ts';
import { openIngest, type Ingest } from './main.ts';
import { observationsCalls } from './maintain/observations-calls.ts';
import { openStoreWriter } from './store/writer.ts';

export interface IngestRoomData extends RoomData {
  readonly room: 'ingest';
  readonly ends: { readonly readings: SharedArrayBuffer; readonly observations: SharedArrayBuffer };
  readonly paths: {
    readonly path: string;
    readonly readings: string;
    readonly observations: string;
    readonly view: string;
    readonly registry: string;
    readonly identity: { readonly storeId: string };
  };
  readonly log: LogConfig;
  readonly devices: DevicesConfig;
  readonly ingest: IngestConfig;
}

type Surroundings = RoomSurroundings<IngestRoomData>;

async function openIngestRoom(room: Surroundings) {
  const { data, clock, random, telemetry } = room;
  const { paths } = data;
  // The broker owns `readings`; it answers once the log is recovered and its end is known.
  const brokerOpened = room.call('broker', 'opened');
  // A broker that fails is told below, when it is waited for; not as a fault of this thread.
  brokerOpened.catch(() => undefined);
  const fileSystem = openNodeFileSystem();
  const observationsEnd = createDurableEnd(data.ends.observations);
  const observations = await openLogWriter({
    fileSystem,
    directory: paths.observations,
    name: 'observations',
    config: data.log,
    clock,
    random,
    telemetry,
    durableEnd: observationsEnd,
    lock: takeOwnerLock,
  });
  const registry = openRegistryReader(paths.registry, { clock, config: data.devices });
  const store = openView(room, registry, observationsEnd.get());
  await brokerOpened;
  const readingsEnd = createDurableEnd(data.ends.readings);
  const readerOf = (directory: string, durableEnd: typeof readingsEnd) =>
    openLogReader({ fileSystem, directory, durableEnd });
  const ingest = await openIngest({
    config: data.ingest,
    clock,
    telemetry,
    registry,
    readings: await readerOf(paths.readings, readingsEnd),
    originals: await readerOf(paths.readings, readingsEnd),
    readingsEnd,
    observations,
    ownObservations: await readerOf(paths.observations, observationsEnd),
    store,
    fileSystem,
    directory: paths.path,
    mayTrimBefore: (position) => tellConsumed(room, position - 1),
    onFailed: room.fail,
  });
  return {
    ready: { consumed: ingest.stats.consumed },
    calls: {
      stats: () => ingest.stats,
      ...observationsCalls({
        observations,
        store,
        clock,
        flushSliceMs: data.ingest.store.flushSliceMs,
      }),
    },
    rooms: {
      api: { opened: () => true, health: () => healthOf(ingest), stats: () => ingest.stats },
    },
    async close() {
      await ingest.close();
      await observations.close();
      store.close();
      registry.close();
    },
  };
}

function openView(room: Surroundings, registry: RegistryReader, logEnd: Position) {
  const { data, clock, telemetry } = room;
  return openStoreWriter({
    path: data.paths.view,
    config: data.ingest.store,
    clock,
    telemetry,
    isCircular: (series) => {
      const { bySeries, properties } = registry.current();
      return properties.get(bySeries[series]?.property ?? '')?.circular === true;
    },
    storeId: data.paths.identity.storeId,
    logEnd,
  });
}

/** What `/readyz` and the operators are told of this room. */
function healthOf({ health, stats }: Ingest) {
  return {
    ...health,
    readingsInFlight: stats.readingsInFlight,
    carefulReadings: stats.carefulReadings,
  };
}

/** Retention is the broker's work; a broker that is gone ends the process by itself. */
function tellConsumed(room: Surroundings, position: Position): void {
  room.call('broker', 'consumed', position).catch((error: unknown) => {
    room.telemetry.logger.debug({ position, error: String(error) }, 'ReadingsRetentionNotTold');
  });
}

await runRoom(openIngestRoom);
