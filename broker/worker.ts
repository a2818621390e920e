/** The broker's thread: the owner of the log of readings, and every door in. */
import { readFile } from 'node:fs/promises';
import type { RegistryReader } from '../devices/registry.ts';
import { readCopyNote } from '../devices/registry-copy.ts';
import { openRegistryReader } from '../devices/registry-sqlite-reader.ts';
import type { DevicesConfig } from '../devices/config.ts';
import type { LogConfig, LogRetention } from '../ingest/log/config.ts';
import type { StoreIdentity } from '../ingest/feed/cursor.ts';
import { createStartGate } from '../ingest/cluster/forward/start-gate.ts';
import { createDurableEnd } from '../ingest/log/durable-end.ts';
import { openNodeFileSystem } from '../ingest/log/file-system-node.ts';
import type { LogWriter, Position } from '../ingest/log/log.ts';
import { takeOwnerLock } from '../ingest/log/owner-lock.ts';
import { openLogReader, openLogWriter } from '../ingest/log/segment-log.ts';
import { readingsCalls, repeatRetention } from '../ingest/maintain/readings-calls.ts';
import { keepReading } from '../ingest/reading-codec.ts';
import type { Reading } from '../ingest/reading.ts';
import type { StoreConfig } from '../ingest/store/config.ts';
import { runRoom, type RoomData, type RoomSurroundings } from '../room-thread.ts';
import type { BrokerConfig } from './config.ts';
import type { AccessFile } from './access-file.ts';
import { createAccessFileEvents, createFollowerEvents, createReplicationEvents } from './events.ts';
import { openBroker, type Broker } from './main.ts';
import type { LogState } from './mqtt/context.ts';
import { createLateChangeFeed, type ChangeFeed } from './mqtt/change-feed.ts';
import { createLateFeed } from './mqtt/late-feed.ts';
import { createReplicatedLog, type ReplicatedLog } from './replicated-log.ts';
import { createPacedSource } from './mqtt/paced-source.ts';
import type { OpenFeed } from './mqtt/open-feed.ts';

export interface BrokerRoomData extends RoomData {
  readonly room: 'broker';
  readonly ends: { readonly readings: SharedArrayBuffer; readonly observations: SharedArrayBuffer };
  readonly paths: {
    readonly readings: string;
    readonly observations: string;
    readonly view: string;
    readonly registry: string;
    readonly identity: StoreIdentity;
  };
  readonly log: LogConfig & { readonly readings: LogRetention };
  readonly devices: DevicesConfig;
  readonly ingest: { readonly store: StoreConfig };
  readonly broker: BrokerConfig;
  /** How far back changes can be followed, as at the doors of the api. */
  readonly feedHorizonMs: number;
  /** Cluster profile: `observations` is a copy of the partitions of the network. */
  readonly isCopy?: boolean;
  /** Cluster profile: doors wait for the log to be held against Kafka. */
  readonly startGate?: SharedArrayBuffer;
  /** Where no api of this process asks for what keys were given: a log of its own. */
  readonly accessFile?: {
    readonly directory: string;
    readonly everyMs: number;
    readonly days: number;
    readonly clockJumpMsMax: number;
  };
  /** Cluster profile: an acknowledgement waits for Kafka. */
  readonly replicated?: {
    readonly forwarded: SharedArrayBuffer;
    readonly ackWaitMsMax: number;
    readonly ackPendingMax: number;
  };
}

async function openBrokerRoom(room: RoomSurroundings<BrokerRoomData>) {
  const { data, clock, random, telemetry } = room;
  const fileSystem = openNodeFileSystem();
  const readings = await openLogWriter({
    fileSystem,
    directory: data.paths.readings,
    name: 'readings',
    config: data.log,
    retention: data.log.readings,
    clock,
    random,
    telemetry,
    durableEnd: createDurableEnd(data.ends.readings),
    lock: takeOwnerLock,
  });
  const acknowledged = replicatedLog(room, readings);
  // For what comes through the doors, and for what the api takes in.
  const kept = acknowledged ?? readings;
  const logState = (): LogState => {
    const { state } = readings;
    const unreplicated = acknowledged?.error ?? null;
    if (unreplicated !== null) return { healthy: false, reason: unreplicated.code };
    return state.status === 'healthy'
      ? { healthy: true }
      : { healthy: false, reason: state.error.code };
  };
  const registry = openRegistryReader(data.paths.registry, { clock, config: data.devices });
  await passStartGate(room, readings, registry);
  const openFeed = openFeedOf(room, registry);
  const broker = await openBroker({
    config: data.broker,
    clock,
    random,
    telemetry,
    readFile: (path) => readFile(path),
    readings: kept,
    registry,
    openFeed,
    changeFeed: changeFeedOf(room, registry),
    logState,
  });
  const accessFile = await openOwnAccessFile(room, broker);
  const append = (reading: Reading) =>
    keepReading(kept, { ...reading, payload: new Uint8Array(reading.payload) });
  const { consumed, retain, ...maintenance } = readingsCalls(
    readings,
    createDurableEnd(data.ends.observations),
  );
  const rounds = repeatRetention(clock, retain, (error) =>
    telemetry.logger.warn({ error }, 'retention could not delete; it is tried again'),
  );
  return {
    ready: broker.addresses,
    calls: { ...maintenance, append, health: () => healthOf(logState(), broker) },
    rooms: {
      ingest: { opened: () => true, append, consumed },
      link: { consumed, registryChanged: () => broker.registryChanged() },
      api: { append, health: () => healthOf(logState(), broker), ...callsOfApi(broker) },
    },
    async close() {
      await broker.close();
      await accessFile?.close();
      rounds.stop();
      registry.close();
      await kept.close();
    },
  };
}

function callsOfApi(broker: Broker) {
  return {
    connections: (limit: number) => broker.connections(limit),
    given: () => broker.given(givenPerCall),
    closeToKeys: () => broker.closeToKeys(),
    registryChanged: () => broker.registryChanged(),
  };
}

/** Loaded where it is needed: in a process without an api. */
async function openOwnAccessFile(
  { data, clock, telemetry }: RoomSurroundings<BrokerRoomData>,
  broker: Broker,
): Promise<AccessFile | undefined> {
  if (data.accessFile === undefined) return undefined;
  const { openAccessFile } = await import('./access-file.ts');
  return openAccessFile({
    ...data.accessFile,
    fileSystem: openNodeFileSystem(),
    clock,
    events: createAccessFileEvents(telemetry),
    bytesMax: data.broker.accessFileBytesMax,
    given: () => broker.given(givenPerCall),
  });
}

async function passStartGate(
  { data, clock }: RoomSurroundings<BrokerRoomData>,
  readings: LogWriter,
  registry: RegistryReader,
): Promise<void> {
  if (data.startGate === undefined) return;
  const gate = createStartGate(data.startGate, clock);
  gate.tellEnd(readings.durableEnd.get());
  await gate.pass();
  // Versions that came meanwhile were told to nobody.
  registry.refresh();
}

/** The log as doors see it: with `ack: replicated` a reading counts as kept once Kafka has it. */
function replicatedLog(
  { data, clock, telemetry }: RoomSurroundings<BrokerRoomData>,
  readings: LogWriter,
): ReplicatedLog | undefined {
  if (data.replicated === undefined) return undefined;
  const { forwarded, ackWaitMsMax, ackPendingMax } = data.replicated;
  return createReplicatedLog({
    log: readings,
    forwardedEnd: createDurableEnd(forwarded),
    clock,
    waitMsMax: ackWaitMsMax,
    pendingMax: ackPendingMax,
    events: createReplicationEvents(telemetry),
  });
}

/** What `/readyz` and the operators are told of this room. */
function healthOf(log: LogState, broker: Broker) {
  const reasons = log.healthy ? [] : [`the log of readings cannot be written: ${log.reason}`];
  return { room: 'broker', isReady: log.healthy, reasons, ...broker.stats };
}

/** What is public of the observations, for subscribers of `open/…`; loaded for the first of them. */
function openFeedOf(room: RoomSurroundings<BrokerRoomData>, registry: RegistryReader): OpenFeed {
  const { data, clock } = room;
  const fileSystem = openNodeFileSystem();
  const durableEnd = createDurableEnd(data.ends.observations);
  return createLateFeed(async () => {
    const { createOpenFeed } = await import('../ingest/store/open-feed.ts');
    const { openStoreFollower } = await import('../ingest/store/follower.ts');
    return createOpenFeed({
      registry,
      clock,
      openStore: () =>
        openStoreFollower({
          path: data.paths.view,
          config: data.ingest.store,
          isCircular: () => false,
        }),
      openReader: () =>
        openLogReader({ fileSystem, directory: data.paths.observations, durableEnd }),
      durableEnd,
      failed: room.fail,
    });
  }, room.fail);
}

/** The changes under the cursors of the api, for subscribers of `open/v1/_changes/…`; loaded for the first. */
function changeFeedOf(
  room: RoomSurroundings<BrokerRoomData>,
  registry: RegistryReader,
): ChangeFeed {
  const { data, clock, telemetry } = room;
  const fileSystem = openNodeFileSystem();
  const durableEnd = createDurableEnd(data.ends.observations);
  const directory = data.paths.observations;
  const events = createFollowerEvents(telemetry);
  return createLateChangeFeed(async () => {
    const { createChangeFeed } = await import('../ingest/feed/change-feed.ts');
    const { openStoreFollower } = await import('../ingest/store/follower.ts');
    const { createNodePlaces } = await import('../ingest/feed/places/node-places.ts');
    const source = {
      durableEnd,
      openReader: (from: Position) => openLogReader({ fileSystem, directory, durableEnd, from }),
    };
    const { paths, isCopy = false, feedHorizonMs, devices } = data;
    const { busyTimeoutMs } = devices;
    return createChangeFeed({
      registry,
      clock,
      source,
      catchUpSource: createPacedSource(source, clock, data.broker.changesCatchUpBytesPerSecond),
      openStore: () =>
        openStoreFollower({ path: paths.view, config: data.ingest.store, isCircular: () => false }),
      createPlaces: createNodePlaces({
        source,
        clock,
        registry,
        identity: paths.identity,
        feedHorizonMs,
        ...(isCopy
          ? { copyNote: (key) => readCopyNote(paths.registry, key, { busyTimeoutMs }) }
          : {}),
      }),
      config: hubConfigOf(data.broker),
      events,
      stepBytesMax: followBytesMax,
    });
  }, room.fail);
}

/** Rows for the access log told at once: about 1 ms. */
const givenPerCall = 1_000;

/** Bytes of the log between which connections are served. */
const followBytesMax = 65_536;
const scanBytesMax = 1_048_576;

function hubConfigOf(config: BrokerConfig) {
  return {
    liveClientsMax: config.changesFollowersMax,
    liveBufferBytesMax: config.changesBufferBytesMax,
    liveFrozenMs: config.slowSubscriberMs,
    liveHeartbeatMs: config.changesHeartbeatMs,
    liveCatchUpsMax: config.changesCatchUpsMax,
    changesScanBytesMax: scanBytesMax,
  };
}

await runRoom(openBrokerRoom);
