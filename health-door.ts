/**
 * Health and metrics of a process without api, over plain HTTP on `httpPort`: /livez, /readyz, and
 * /metrics for this machine. For everyone /metrics has a port of its own where `api.metricsPort` is
 * set, as in a process with api.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Configuration } from './configuration.ts';
import { joinMetrics } from './devices/metrics-text.ts';
import { startError } from './errors.ts';
import type { NamedRoom } from './server-cluster.ts';

interface RoomHealth {
  readonly room: string;
  readonly isReady: boolean;
  readonly reasons: readonly string[];
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

/** What the doors tell about. */
export interface HealthParts {
  readonly rooms: readonly NamedRoom[];
  readonly processMetrics: () => Promise<string>;
}

type Answering = (path: string, request: IncomingMessage) => Promise<Answer>;

export interface HealthDoor {
  readonly httpPort: number;
  /** Where it was asked for. */
  readonly metricsPort?: number;
  close(): Promise<void>;
}

const json = 'application/json';
const prometheus = 'text/plain; version=0.0.4; charset=utf-8';
const requestMsMax = 10_000;
const notFound: Answer = { status: 404, type: json, text: '{"status":404}' };

/** START_PORT_IN_USE names the key; nothing stays open then. */
export async function openHealthDoor(
  configuration: Pick<Configuration, 'host' | 'httpPort'> & {
    readonly api: Pick<Configuration['api'], 'metricsPort'>;
  },
  parts: HealthParts,
): Promise<HealthDoor> {
  const { host = '::', httpPort, api } = configuration;
  const door = await listen({ key: 'httpPort', host, port: httpPort }, (path, request) =>
    answer(parts, path, request),
  );
  if (api.metricsPort === undefined) {
    return { httpPort: portOf(door), close: () => shut(door) };
  }
  const place = { key: 'api.metricsPort', host, port: api.metricsPort };
  const toAll: Answering = async (path) => (path === '/metrics' ? metrics(parts) : notFound);
  const metricsDoor = await listen(place, toAll).catch(async (error: unknown) => {
    await shut(door);
    throw error;
  });
  return {
    httpPort: portOf(door),
    metricsPort: portOf(metricsDoor),
    async close() {
      await Promise.all([shut(door), shut(metricsDoor)]);
    },
  };
}

interface Place {
  readonly key: string;
  readonly host: string;
  readonly port: number;
}

async function listen({ key, host, port }: Place, answering: Answering): Promise<Server> {
  const server = createServer({ requestTimeout: requestMsMax }, (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    answering(pathname, request).then(
      (given) => send(response, given),
      (error: unknown) =>
        send(response, { status: 500, type: json, text: JSON.stringify(String(error)) }),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(startError('START_PORT_IN_USE', { key, port }, error)));
    server.listen(port, host, resolve);
  });
  return server;
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

async function shut(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => void server.close(resolve));
}

function send(response: ServerResponse, { status, type, text }: Answer): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(text);
}

async function answer(parts: HealthParts, path: string, request: IncomingMessage): Promise<Answer> {
  if (path === '/livez') return { status: 200, type: json, text: '{"status":"live"}' };
  if (path === '/readyz') return readiness(parts.rooms);
  if (path === '/metrics' && isLocal(request)) return metrics(parts);
  return notFound;
}

/** A proxy on this machine asks for others: what it forwards is not local. */
function isLocal({ socket, headers }: IncomingMessage): boolean {
  if (headers['x-forwarded-for'] !== undefined || headers.forwarded !== undefined) return false;
  const address = socket.remoteAddress ?? '';
  return address === '::1' || address.replace('::ffff:', '').startsWith('127.');
}

async function readiness(rooms: readonly NamedRoom[]): Promise<Answer> {
  const states = await Promise.all(
    rooms.map(({ room }) => room.call('health') as Promise<RoomHealth>),
  );
  const isReady = states.every((state) => state.isReady);
  const text = JSON.stringify({ status: isReady ? 'ready' : 'not ready', rooms: states });
  return { status: isReady ? 200 : 503, type: json, text };
}

async function metrics({ rooms, processMetrics }: HealthParts): Promise<Answer> {
  const texts = await Promise.all([
    processMetrics(),
    ...rooms.map(({ room }) => room.call('metrics')),
  ]);
  return { status: 200, type: prometheus, text: joinMetrics(texts.map(String)) };
}
