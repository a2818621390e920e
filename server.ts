/**
 * Starts the server: owns the data folder, opens the rooms in their threads, serves the control
 * socket, prints the addresses, and closes everything in reverse on a signal. A room that ends by
 * itself ends the process with a reason; a restart loses nothing.
 *
 * The broker comes first and alone: devices that wait to send are heard while the rest is loaded.
 * What the other rooms need is imported when the broker is open, not at the head of this file.
 */
import { flushCompileCache } from 'node:module';
import { MessageChannel } from 'node:worker_threads';
import type { ApiRoomData } from './api/worker.ts';
import type { BrokerRoomData } from './broker/worker.ts';
import type { Command } from './command-line.ts';
import { readConfiguration, type Configuration } from './configuration.ts';
import { openDataFolder, type DataFolder } from './data-folder.ts';
import { openSystemClock } from './devices/clock-system.ts';
import { openSystemRandom } from './devices/random.ts';
import { isPresentRegistry } from './devices/registry/tables.ts';
import { durableEndBytes } from './ingest/log/durable-end.ts';
import type { IngestRoomData } from './ingest/worker.ts';
import { openRoom, type Room } from './open-room.ts';

/** What `listening` tells; the ports are those that were picked. */
export interface Addresses {
  readonly mqttPort: number;
  readonly mqttsPort?: number;
  readonly mqttWsPort: number;
  readonly httpPort: number;
  /** For /metrics alone, where it was asked for. */
  readonly metricsPort?: number;
  /** Whether the HTTP port speaks HTTPS. */
  readonly isSecure: boolean;
}

export interface Server {
  readonly addresses: Addresses;
  readonly dataDir: string;
  /** Resolves when the server ended by itself: to the reason. */
  readonly ended: Promise<Error>;
  readonly close: () => Promise<void>;
}

/** A node of a cluster may wait for Kafka as long as the signal does not abort; it rejects with its reason. */
export async function startServer(
  configuration: Configuration,
  signal: AbortSignal,
): Promise<Server> {
  if (configuration.cluster !== undefined) {
    const { startNode } = await import('./server-cluster.ts');
    return startNode(configuration, configuration.cluster, signal);
  }
  const folder = openDataFolder(configuration.dataDir, openSystemRandom());
  const closers: (() => Promise<unknown>)[] = [async () => folder.release()];
  const close = async (): Promise<void> => {
    for (const each of closers.splice(0).reverse()) await each();
  };
  try {
    await prepareRegistry(folder, configuration);
    const { rooms, ended, addresses } = await openRooms(configuration, folder, closers);
    const { serveControl } = await import('./control.ts');
    const { controlHandlers } = await import('./control-handlers.ts');
    const control = await serveControl(
      folder.controlSocket,
      controlHandlers({ rooms, addresses, folder, configuration }),
    );
    closers.push(async () => control.close());
    flushCompileCache();
    return { addresses, dataDir: folder.path, ended, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Creates or migrates the registry before the threads that read it start. */
async function prepareRegistry(folder: DataFolder, configuration: Configuration): Promise<void> {
  const { busyTimeoutMs } = configuration.devices;
  if (isPresentRegistry(folder.registry, busyTimeoutMs)) return;
  const { openRegistryWriter } = await import('./devices/registry-sqlite.ts');
  openRegistryWriter(folder.registry, {
    clock: openSystemClock(),
    random: openSystemRandom(),
    config: configuration.devices,
  }).close();
}

export interface Rooms {
  readonly broker: Room;
  readonly ingest: Room;
  readonly api: Room;
}

interface OpenedRooms {
  readonly rooms: Rooms;
  readonly addresses: Addresses;
  readonly ended: Promise<Error>;
}

/** Rejects with the reason of the room that did not open; what was opened is in `closers`. */
async function openRooms(
  configuration: Configuration,
  folder: DataFolder,
  closers: (() => Promise<unknown>)[],
): Promise<OpenedRooms> {
  const data = describeRooms(configuration, folder);
  const { threads } = configuration;
  const clock = openSystemClock();
  const broker = openRoom(data.broker, {}, threads, clock);
  closers.push(() => broker.close());
  const doorsIn = await openedOf([broker]);
  const metrics = import('./process-metrics.ts').then(({ openProcessMetrics }) =>
    openProcessMetrics({ configuration, clock, path: folder.path }),
  );
  const calls = { processMetrics: async () => (await metrics).text() };
  const ingest = openRoom(data.ingest, calls, threads, clock);
  closers.push(() => ingest.close());
  const api = openRoom(data.api, calls, threads, clock);
  closers.push(() => api.close());
  const all = [broker, ingest, api];
  // What the control socket needs is loaded while the rooms open.
  const [[, , doorsOut]] = await Promise.all([openedOf(all), import('./control-handlers.ts')]);
  return {
    rooms: { broker, ingest, api },
    addresses: {
      ...(doorsIn[0] as Omit<Addresses, 'httpPort' | 'isSecure'>),
      ...(doorsOut as Pick<Addresses, 'httpPort' | 'isSecure'>),
    },
    ended: endedOf(all),
  };
}

/** What each room tells when it is open; rejects with the reason when one of them ends before. */
function openedOf(rooms: readonly Room[]): Promise<unknown[]> {
  const ended = endedOf(rooms).then((error) => Promise.reject(error));
  return Promise.race([Promise.all(rooms.map((room) => room.ready)), ended]);
}

function endedOf(rooms: readonly Room[]): Promise<Error> {
  return Promise.race(rooms.map((room) => room.ended));
}

interface RoomsData {
  readonly broker: BrokerRoomData;
  readonly ingest: IngestRoomData;
  readonly api: ApiRoomData;
}

/** What each room is given: the logs' shared ends, the ports between them, and its settings. */
function describeRooms(configuration: Configuration, folder: DataFolder): RoomsData {
  const ends = {
    readings: new SharedArrayBuffer(durableEndBytes),
    observations: new SharedArrayBuffer(durableEndBytes),
  };
  const links = {
    brokerIngest: new MessageChannel(),
    brokerApi: new MessageChannel(),
    ingestApi: new MessageChannel(),
  };
  const { release: _release, ...paths } = folder;
  const { logLevel, log, devices, ingest } = configuration;
  const shared = { logLevel, ends, paths, log, devices, ingest };
  const host = configuration.host ?? (configuration.demo ? '127.0.0.1' : '::');
  const { mqttPort, mqttsPort, mqttWsPort, httpPort } = configuration;
  const anonymousPublish = configuration.demo ? 'demo' : 'never';
  return {
    broker: {
      ...shared,
      room: 'broker',
      feedHorizonMs: configuration.api.feedHorizonMs,
      ports: { ingest: links.brokerIngest.port1, api: links.brokerApi.port1 },
      broker: {
        ...configuration.broker,
        host,
        mqttPort,
        mqttsPort,
        mqttWsPort,
        anonymousPublish,
      },
    },
    ingest: {
      ...shared,
      room: 'ingest',
      ports: { broker: links.brokerIngest.port2, api: links.ingestApi.port1 },
    },
    api: {
      ...shared,
      room: 'api',
      ports: { broker: links.brokerApi.port2, ingest: links.ingestApi.port2 },
      api: { ...configuration.api, host, httpPort },
    },
  };
}

export function runCommand({ flags }: Command): Promise<number> {
  return runServer(readConfiguration({ flags, environment: process.env }));
}

/** The command `run`: until a signal (exit code 0) or until a room ends (its reason, exit code 1). */
async function runServer(configuration: Configuration): Promise<number> {
  const stopping = new AbortController();
  const stopped = new Promise<'signal'>((resolve) => {
    stopping.signal.addEventListener('abort', () => resolve('signal'));
    for (const signal of ['SIGINT', 'SIGTERM'] as const)
      process.once(signal, () => stopping.abort());
  });
  const starting = startServer(configuration, stopping.signal);
  const server = await starting.catch((error: unknown) => {
    if (!stopping.signal.aborted) throw error;
    return undefined;
  });
  if (server === undefined) return 0;
  process.stdout.write(listeningText(configuration, server));
  const world = await startWorld(server, configuration);
  const outcome = await Promise.race([stopped, server.ended]);
  await world?.close();
  await server.close();
  if (outcome === 'signal') return 0;
  const { explainError } = await import('./explain-error.ts');
  process.stderr.write(`${explainError(outcome)}\n`);
  return 1;
}

/** The simulated network beside the server, where one is asked for. */
async function startWorld(
  server: Server,
  configuration: Configuration,
): Promise<{ close(): Promise<void> } | undefined> {
  if (configuration.sandbox) return (await import('./demo.ts')).startSandbox(server, configuration);
  if (configuration.demo) return (await import('./demo.ts')).startDemo(server, configuration);
  return undefined;
}

/** What `run` prints once everything accepts: for people, or with --json for machines. */
export function listeningText(
  { host: asked, json, demo, sandbox }: Pick<Configuration, 'host' | 'json' | 'demo' | 'sandbox'>,
  { addresses, dataDir }: Pick<Server, 'addresses' | 'dataDir'>,
): string {
  if (json) return `${JSON.stringify({ event: 'listening', ...addresses, dataDir })}\n`;
  const host = hostInUrl(asked);
  const web = `${addresses.isSecure ? 'https' : 'http'}://${host}:${addresses.httpPort}`;
  const { mqttPort, mqttWsPort, mqttsPort, httpPort } = addresses as Partial<Addresses>;
  const lines = [
    `Quantrac is running; data in ${dataDir}`,
    ...(httpPort === undefined
      ? []
      : [`  live page      ${web}/`, `  reading API    ${web}/api/v1/latest`]),
    ...(mqttPort === undefined ? [] : [`  MQTT           mqtt://${host}:${mqttPort}`]),
    ...(mqttWsPort === undefined ? [] : [`  MQTT over web  ws://${host}:${mqttWsPort}/mqtt`]),
    ...(mqttsPort === undefined ? [] : [`  MQTT over TLS  mqtts://${host}:${mqttsPort}`]),
    ...(sandbox
      ? [`  sandbox        ${web}/api/v1/sandbox (what is planted: docs/sandbox.md)`]
      : demo
        ? ['  demonstration: simulated stations publish every 2 s']
        : []),
  ];
  return `${lines.join('\n')}\n`;
}

/** What a browser on this machine can open; an IPv6 address stands in brackets. */
function hostInUrl(host: string | undefined): string {
  if (host === undefined || host === '0.0.0.0' || host === '::') return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}
