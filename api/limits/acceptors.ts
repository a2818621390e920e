/**
 * Where the API listens, with several doors to the one port. Each listening socket gives one new
 * connection in a turn of the event loop (libuv since 1.46), so while turns are long newcomers wait
 * one behind the other, operators among them. Linux shares connections out among sockets with
 * SO_REUSEPORT; elsewhere there is one door.
 */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';

import type { FastifyInstance } from 'fastify';

import type { ApiConfig } from '../config.ts';
import { apiError } from '../errors.ts';

export interface Listening {
  readonly port: number;
  /** Of the further doors; the app closes its own. */
  close(): Promise<void>;
}

export interface ListenOptions {
  readonly config: Pick<ApiConfig, 'host' | 'doors' | 'waitingConnectionsMax'>;
  readonly port: number;
  readonly isSecure: boolean;
  /** As `process.platform`. */
  readonly platform: string;
}

/**
 * All interfaces where no address is given; machines without IPv6 get IPv4. Rejects with
 * API_PORT_IN_USE.
 */
export async function listen(app: FastifyInstance, options: ListenOptions): Promise<Listening> {
  const { config, port } = options;
  try {
    return await listenAt(app, config.host ?? '::', options);
  } catch (error) {
    const { code } = error as { readonly code?: string };
    const hasNoIpv6 = code === 'EAFNOSUPPORT' || code === 'EADDRNOTAVAIL';
    if (config.host === undefined && hasNoIpv6) return listenAt(app, '0.0.0.0', options);
    if (code === 'EADDRINUSE') throw apiError('API_PORT_IN_USE', { port, key: 'httpPort' }, error);
    throw error;
  }
}

async function listenAt(
  app: FastifyInstance,
  host: string,
  { config, port, isSecure, platform }: ListenOptions,
): Promise<Listening> {
  const { doors, waitingConnectionsMax: backlog } = config;
  const isShared = platform === 'linux' && doors > 1;
  if (isShared && port !== 0) await requireFree(host, port);
  // Handed on to the socket as it is, which the types of Fastify do not say yet.
  await app.listen({ host, port, backlog, ...(isShared ? { reusePort: true } : {}) });
  const { address, port: bound } = app.server.address() as AddressInfo;
  const opened: Server[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(opened.map((door) => new Promise((done) => door.close(done))));
  };
  if (!isShared) return { port: bound, close };
  try {
    for (let left = doors - 1; left > 0; left--) {
      // As Node's own servers take their connections.
      const door = createServer({ allowHalfOpen: !isSecure, noDelay: true });
      door.on('connection', (socket: Socket) => app.server.emit('connection', socket));
      opened.push(door);
      await openDoor(door, { host: address, port: bound, backlog, reusePort: true });
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { port: bound, close };
}

/** Rejects with EADDRINUSE where anyone listens, whether or not they would share the port. */
async function requireFree(host: string, port: number): Promise<void> {
  const door = createServer();
  await openDoor(door, { host, port });
  await new Promise((done) => door.close(done));
}

interface Place {
  readonly host: string;
  readonly port: number;
  readonly backlog?: number;
  readonly reusePort?: boolean;
}

function openDoor(door: Server, place: Place): Promise<void> {
  return new Promise((resolve, reject) => {
    door.once('error', reject);
    door.listen(place, () => {
      door.off('error', reject);
      resolve();
    });
  });
}
