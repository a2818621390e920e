/**
 * Health and metrics of a process without api, over plain HTTP on `httpPort`: /livez, /readyz,
 * /metrics (the last on loopback only, or from anywhere when `api.metricsPort` names the port).
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Configuration } from './configuration.ts';
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

const json = 'application/json';
const prometheus = 'text/plain; version=0.0.4; charset=utf-8';
const requestMsMax = 10_000;

export async function openHealthDoor(
  { host, httpPort }: Pick<Configuration, 'host' | 'httpPort'>,
  rooms: readonly NamedRoom[],
): Promise<{ readonly httpPort: number; close(): Promise<void> }> {
  const server = createServer({ requestTimeout: requestMsMax }, (request, response) => {
    answer(rooms, request).then(
      (given) => send(response, given),
      (error: unknown) =>
        send(response, { status: 500, type: json, text: JSON.stringify(String(error)) }),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(startError('START_PORT_IN_USE', { key: 'httpPort', port: httpPort }, error)),
    );
    server.listen(httpPort, host ?? '::', resolve);
  });
  return {
    httpPort: (server.address() as AddressInfo).port,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => void server.close(resolve));
    },
  };
}

function send(response: ServerResponse, { status, type, text }: Answer): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(text);
}

async function answer(rooms: readonly NamedRoom[], request: IncomingMessage): Promise<Answer> {
  const { pathname } = new URL(request.url ?? '/', 'http://localhost');
  if (pathname === '/livez') return { status: 200, type: json, text: '{"status":"live"}' };
  if (pathname === '/readyz') return readiness(rooms);
  if (pathname === '/metrics' && isLoopback(request)) return metrics(rooms);
  return { status: 404, type: json, text: '{"status":404}' };
}

function isLoopback({ socket }: IncomingMessage): boolean {
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

async function metrics(rooms: readonly NamedRoom[]): Promise<Answer> {
  const texts = await Promise.all(rooms.map(({ room }) => room.call('metrics')));
  return {
    status: 200,
    type: prometheus,
    text: texts.map((text) => `${String(text).trimEnd()}\n`).join(''),
  };
}
