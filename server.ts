/**
 * Starts the server: owns the data folder, opens the rooms in their threads, serves the control
 * socket, prints the addresses, and closes everything in reverse on a signal. A room that ends by
 * itself ends the process with a reason; a restart loses nothing.
 */
import {
  MessageChannel,
  Worker,
  type MessagePort,
  type TransferListItem,
} from 'node:worker_threads';
import type { ApiRoomData } from './api/worker.ts';
import type { BrokerRoomData } from './broker/worker.ts';
import type { Configuration } from './configuration.ts';
import { controlHandlers } from './control-handlers.ts';
import { serveControl } from './control.ts';
import { openDataFolder, type DataFolder } from './data-folder.ts';
import { startDemo } from './demo.ts';
import { openSystemClock } from './devices/clock-system.ts';
import { CodedError } from './devices/coded-error.ts';
import { openSystemRandom } from './devices/random.ts';
import { openRegistryWriter } from './devices/registry-sqlite.ts';
import { openProcessTelemetry } from './devices/telemetry-pino.ts';
import { startError } from './errors.ts';
import { explainError } from './explain-error.ts';
import { durableEndBytes } from './ingest/log/durable-end.ts';
import type { IngestRoomData } from './ingest/worker.ts';
import type { RoomData, RoomMessage } from './room-thread.ts';
import { createCaller, serveCalls } from './thread-call.ts';

/** What `listening` tells; the ports are those that were picked. */
export interface Addresses {
  readonly mqttPort: number;
  readonly mqttsPort?: number;
  readonly mqttWsPort: number;
  readonly httpPort: number;
}

export interface Server {
  readonly addresses: Addresses;
  readonly dataDir: string;
  /** Resolves when the server ended by itself: to the reason. */
  readonly ended: Promise<Error>;
  readonly close: () => Promise<void>;
}

interface Room {
  readonly ready: Promise<unknown>;
  readonly ended: Promise<Error>;
  call(name: string, argument?: unknown): Promise<unknown>;
  close(): Promise<void>;
}

/** How long a room may take to close before its thread is ended: together under 10 s. */
const closeMsMax = 3_000;

export async function startServer(configuration: Configuration): Promise<Server> {
  const random = openSystemRandom();
  const folder = openDataFolder(configuration.dataDir, random);
  prepareRegistry(folder, configuration);
  const closers: (() => Promise<unknown>)[] = [async () => folder.release()];
  const close = async (): Promise<void> => {
    for (const each of closers.splice(0).reverse()) await each();
  };
  try {
    const rooms = openRooms(configuration, folder);
    const all = [rooms.broker, rooms.ingest, rooms.api];
    for (const room of all) closers.push(() => room.close());
    const ended = Promise.race(all.map((room) => room.ended));
    const opened = Promise.all(all.map((room) => room.ready));
    const [broker, , api] = await Promise.race([
      opened,
      ended.then((error) => Promise.reject(error)),
    ]);
    const addresses = {
      ...(broker as Omit<Addresses, 'httpPort'>),
      ...(api as { httpPort: number }),
    };
    const control = await serveControl(
      folder.controlSocket,
      controlHandlers({ rooms, addresses, folder, configuration }),
    );
    closers.push(async () => control.close());
    return { addresses, dataDir: folder.path, ended, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Creates or migrates the registry before the threads that read it start. */
function prepareRegistry(folder: DataFolder, configuration: Configuration): void {
  const clock = openSystemClock();
  openRegistryWriter(folder.registry, {
    clock,
    random: openSystemRandom(),
    config: configuration.devices,
  }).close();
}

export interface Rooms {
  readonly broker: Room;
  readonly ingest: Room;
  readonly api: Room;
}

function openRooms(configuration: Configuration, folder: DataFolder): Rooms {
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
  const { logLevel, log, threads } = configuration;
  const shared = { logLevel, ends, paths, log };
  const host = configuration.host ?? (configuration.demo ? '127.0.0.1' : '::');
  const { mqttPort, mqttsPort, mqttWsPort, httpPort } = configuration;
  const broker: BrokerRoomData = {
    ...shared,
    room: 'broker',
    ports: { ingest: links.brokerIngest.port1, api: links.brokerApi.port1 },
    devices: configuration.devices,
    ingest: configuration.ingest,
    broker: {
      ...configuration.broker,
      host,
      mqttPort,
      mqttsPort,
      mqttWsPort,
      anonymousPublish: configuration.demo ? 'demo' : 'never',
    },
  };
  const ingest: IngestRoomData = {
    ...shared,
    room: 'ingest',
    ports: { broker: links.brokerIngest.port2, api: links.ingestApi.port1 },
    devices: configuration.devices,
    ingest: configuration.ingest,
  };
  const api: ApiRoomData = {
    ...shared,
    room: 'api',
    ports: { broker: links.brokerApi.port2, ingest: links.ingestApi.port2 },
    devices: configuration.devices,
    ingest: configuration.ingest,
    api: { ...configuration.api, host, httpPort },
  };
  const metrics = openProcessTelemetry({ room: 'main', level: logLevel, processMetrics: true });
  const calls = { processMetrics: () => metrics.text() };
  return {
    broker: openRoom(broker, calls, threads),
    ingest: openRoom(ingest, calls, threads),
    api: openRoom(api, calls, threads),
  };
}

function openRoom(
  data: RoomData,
  calls: Parameters<typeof serveCalls>[1],
  threads: Configuration['threads'],
): Room {
  const transferList: TransferListItem[] = Object.values<MessagePort>(data.ports);
  const worker = new Worker(new URL(`./${data.room}/worker.ts`, import.meta.url), {
    workerData: data,
    transferList,
    name: data.room,
    resourceLimits: {
      maxYoungGenerationSizeMb: threads.youngMegabytesMax,
      maxOldGenerationSizeMb: threads.heapMegabytesMax,
    },
  });
  let closing = false;
  let isOpen = false;
  const port = worker as unknown as MessagePort;
  serveCalls(port, calls);
  const call = createCaller(port);
  const exited = new Promise<number>((resolve) => worker.once('exit', resolve));
  const ended = new Promise<Error>((resolve) => {
    worker.on('message', (message: RoomMessage | { type?: undefined }) => {
      if (message.type === 'failed') resolve(errorOf(data.room, message));
    });
    worker.once('error', (error) =>
      resolve(startError('START_ROOM_ENDED', { room: data.room, reason: String(error) }, error)),
    );
    void exited.then((code) => {
      if (!closing) resolve(startError('START_ROOM_ENDED', { room: data.room, exitCode: code }));
    });
  });
  const ready = new Promise<unknown>((resolve) => {
    worker.on('message', (message: RoomMessage | { type?: undefined }) => {
      if (message.type !== 'ready') return;
      isOpen = true;
      resolve(message.ready);
    });
  });
  return {
    ready,
    ended,
    call,
    async close() {
      closing = true;
      // One that is still opening answers no calls; what it has begun is what a kill would leave.
      if (!isOpen) return void (await worker.terminate());
      const late = new Promise((resolve) => setTimeout(resolve, closeMsMax).unref());
      await Promise.race([call('close').catch((error: unknown) => error), late, exited]);
      await worker.terminate();
    },
  };
}

function errorOf(room: string, failure: RoomMessage & { type: 'failed' }): Error {
  if (failure.code === null)
    return startError('START_ROOM_ENDED', { room, reason: failure.message, stack: failure.stack });
  const entry = { message: failure.message, meaning: '', canRetry: true };
  return new CodedError(failure.code, entry, { fields: failure.fields as Record<string, unknown> });
}

/** The command `run`: until a signal (exit code 0) or until a room ends (its reason, exit code 1). */
export async function runServer(configuration: Configuration): Promise<number> {
  const stopped = new Promise<'signal'>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const)
      process.once(signal, () => resolve('signal'));
  });
  const server = await startServer(configuration);
  tellListening(configuration, server);
  const demo = configuration.demo ? await startDemo(server, configuration) : undefined;
  const outcome = await Promise.race([stopped, server.ended]);
  await demo?.close();
  await server.close();
  if (outcome === 'signal') return 0;
  process.stderr.write(`${explainError(outcome)}\n`);
  return 1;
}

function tellListening(configuration: Configuration, server: Server): void {
  const { addresses } = server;
  if (configuration.json) {
    process.stdout.write(
      `${JSON.stringify({ event: 'listening', ...addresses, dataDir: server.dataDir })}\n`,
    );
    return;
  }
  const host = configuration.host ?? 'localhost';
  const lines = [
    `Quantrac is running; data in ${server.dataDir}`,
    `  live page      http://${host}:${addresses.httpPort}/`,
    `  reading API    http://${host}:${addresses.httpPort}/api/v1/latest`,
    `  MQTT           mqtt://${host}:${addresses.mqttPort}`,
    `  MQTT over web  ws://${host}:${addresses.mqttWsPort}/mqtt`,
    ...(addresses.mqttsPort === undefined
      ? []
      : [`  MQTT over TLS  mqtts://${host}:${addresses.mqttsPort}`]),
    ...(configuration.demo ? ['  demonstration: simulated stations publish every 2 s'] : []),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
