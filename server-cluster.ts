/**
 * Starts a node of a cluster: the rooms of its role, each in its thread, and the thread between the
 * folder and Kafka. On one machine `server.ts` starts all rooms without any of this.
 */
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { ApiRoomData } from './api/worker.ts';
import type { BrokerRoomData } from './broker/worker.ts';
import type { Configuration } from './configuration.ts';
import { openDataFolder, type DataFolder } from './data-folder.ts';
import type { Clock } from './devices/clock.ts';
import { openSystemClock } from './devices/clock-system.ts';
import { openSystemRandom } from './devices/random.ts';
import { openRegistryCopy } from './devices/registry-copy.ts';
import type { ClusterConfig } from './ingest/cluster/config.ts';
import type { DecideRoomData } from './ingest/cluster/decide-worker.ts';
import { joinedBytes } from './ingest/cluster/node-joined.ts';
import { levelsBytes } from './ingest/cluster/levels.ts';
import type { LinkRoomData } from './ingest/cluster/link-worker.ts';
import { startGateBytes } from './ingest/cluster/forward/start-gate.ts';
import { durableEndBytes } from './ingest/log/durable-end.ts';
import { openHealthDoor } from './health-door.ts';
import { openRoom, type Room } from './open-room.ts';
import type { ProcessMetricsOptions } from './process-metrics.ts';
import type { Addresses, Server } from './server.ts';
import type { Handlers } from './thread-call.ts';

type Role = Configuration['role'];
type RoomName = 'broker' | 'link' | 'decide' | 'api';

/** In the order of opening: doors that take readings in come first. */
const roomsOf: Readonly<Record<Role, readonly RoomName[]>> = {
  all: ['broker', 'link', 'decide', 'api'],
  broker: ['broker', 'link'],
  ingest: ['decide'],
  api: ['link', 'api'],
};

export async function startNode(
  configuration: Configuration,
  cluster: ClusterConfig,
  signal: AbortSignal,
): Promise<Server> {
  const folder = openDataFolder(configuration.dataDir, openSystemRandom());
  const closers: (() => Promise<unknown>)[] = [async () => folder.release()];
  const close = async (): Promise<void> => {
    for (const each of closers.splice(0).reverse()) await each();
  };
  try {
    openRegistryCopy(folder.registry, configuration.devices).close();
    const clock = openSystemClock();
    const calls = { processMetrics: processMetricsOf({ configuration, clock, path: folder.path }) };
    const rooms = openRooms({ configuration, cluster, folder, closers, clock, calls });
    const ended = Promise.race(rooms.map(({ room }) => room.ended));
    const failed = ended.then((error) => Promise.reject(error));
    const ready = Promise.all(rooms.map(({ room }) => room.ready));
    const told = await Promise.race([ready, failed, aborted(signal)]);
    const addresses: Addresses = Object.assign({}, ...told);
    if (configuration.role === 'broker' || configuration.role === 'ingest') {
      const door = await openHealthDoor(configuration, { rooms, ...calls });
      closers.push(() => door.close());
      const { metricsPort } = door;
      Object.assign(addresses, { httpPort: door.httpPort, isSecure: false });
      if (metricsPort !== undefined) Object.assign(addresses, { metricsPort });
    }
    const { serveControl } = await import('./control.ts');
    const { nodeControlHandlers } = await import('./control-handlers-cluster.ts');
    const [api, link] = (['api', 'link'] as const).map(
      (wanted) => rooms.find(({ name }) => name === wanted)?.room,
    );
    const control = await serveControl(
      folder.controlSocket,
      nodeControlHandlers({ api, link, addresses, folder, role: configuration.role }),
    );
    closers.push(async () => control.close());
    return { addresses, dataDir: folder.path, ended, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Loaded when they are first asked for: the doors come first. */
function processMetricsOf(options: ProcessMetricsOptions): () => Promise<string> {
  let opened: Promise<{ text(): Promise<string> }> | undefined;
  return async () => {
    opened ??= import('./process-metrics.ts').then((module) => module.openProcessMetrics(options));
    return (await opened).text();
  };
}

/** Rejects with the signal's reason once it aborts. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const end = (): void => reject(signal.reason as Error);
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
}

export interface NamedRoom {
  readonly name: RoomName;
  readonly room: Room;
}

interface RoomsParts {
  readonly configuration: Configuration;
  readonly cluster: ClusterConfig;
  readonly folder: DataFolder;
  readonly closers: (() => Promise<unknown>)[];
  readonly clock: Clock;
  /** Of the rooms to the main thread. */
  readonly calls: Handlers;
}

function openRooms(parts: RoomsParts): NamedRoom[] {
  const { configuration, cluster, folder, closers, clock, calls } = parts;
  const names = roomsOf[configuration.role];
  const data = describeRooms(configuration, cluster, folder, connect(names));
  return names.map((name) => {
    const room = openRoom(data[name], calls, configuration.threads, clock);
    closers.push(() => room.close());
    return { name, room };
  });
}

type Ports = Readonly<Record<RoomName, Record<string, MessagePort>>>;

/** A channel between any two rooms of the process. */
function connect(names: readonly RoomName[]): Ports {
  const ports: Ports = { broker: {}, link: {}, decide: {}, api: {} };
  for (const [at, one] of names.entries()) {
    for (const other of names.slice(at + 1)) {
      const { port1, port2 } = new MessageChannel();
      ports[one][other] = port1;
      ports[other][one] = port2;
    }
  }
  return ports;
}

interface RoomsData {
  readonly broker: BrokerRoomData;
  readonly link: LinkRoomData;
  readonly decide: DecideRoomData;
  readonly api: ApiRoomData;
}

function describeRooms(
  configuration: Configuration,
  cluster: ClusterConfig,
  folder: DataFolder,
  ports: Ports,
): RoomsData {
  const joined = new SharedArrayBuffer(joinedBytes);
  const levels = new SharedArrayBuffer(levelsBytes(cluster.partitions));
  const forwarded = new SharedArrayBuffer(durableEndBytes);
  const startGate = new SharedArrayBuffer(startGateBytes);
  const ends = {
    readings: new SharedArrayBuffer(durableEndBytes),
    observations: new SharedArrayBuffer(durableEndBytes),
  };
  const { release: _release, ...paths } = folder;
  const { logLevel, log, devices, ingest, role } = configuration;
  const { feedHorizonMs } = configuration.api;
  const shared = { logLevel, ends, paths, log, devices, ingest, feedHorizonMs, isCopy: true };
  const host = configuration.host ?? '::';
  const hasApi = role === 'api' || role === 'all';
  const { mqttPort, mqttsPort, mqttWsPort, httpPort } = configuration;
  const { ackWaitMsMax, ackPendingMax } = cluster.forward;
  const bounds = { ackWaitMsMax, ackPendingMax };
  return {
    broker: {
      ...shared,
      room: 'broker',
      ports: ports.broker,
      broker: {
        ...configuration.broker,
        host,
        mqttPort,
        mqttsPort,
        mqttWsPort,
        anonymousPublish: 'never',
      },
      startGate,
      ...(hasApi ? {} : { accessFile: accessFileOf(configuration, folder) }),
      ...(cluster.ack === 'replicated' ? { replicated: { forwarded, ...bounds } } : {}),
    },
    link: {
      ...shared,
      room: 'link',
      ports: ports.link,
      cluster,
      ends: { ...ends, forwarded, levels, joined },
      startGate,
      ownsReadings: role === 'api',
      keepsRegistry: !hasApi,
    },
    decide: {
      logLevel,
      paths,
      devices,
      ingest,
      cluster,
      joined,
      room: 'decide',
      ports: ports.decide,
      keepsRegistry: role === 'ingest',
    },
    api: {
      ...shared,
      room: 'api',
      ports: ports.api,
      api: { ...configuration.api, host, httpPort },
      cluster: { cluster, levels, joined, startGate },
    },
  };
}

/** By the settings of an api, which this process has not. */
function accessFileOf({ api }: Configuration, { access }: DataFolder) {
  const { accessLogEveryMs: everyMs, accessLogDays: days, clockJumpMsMax } = api;
  return { directory: access, everyMs, days, clockJumpMsMax };
}
