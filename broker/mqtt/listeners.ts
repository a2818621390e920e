/** The listening sockets of TCP and TLS; every connection is counted from its first byte. */
import {
  createServer as createTcpServer,
  type AddressInfo,
  type Server,
  type Socket,
} from 'node:net';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls';
import type { BrokerConfig } from '../config.ts';
import { brokerError } from '../errors.ts';
import type { BrokerEvents, Listener } from '../events.ts';
import { secureContextOptions, type Pair } from './certificates.ts';
import { openSocketTransport, type Transport, type TransportHandlers } from './transport.ts';

export interface Door {
  readonly listener: Listener;
  readonly port: number;
  close(): Promise<void>;
}

export interface TlsDoor extends Door {
  readonly replace: (pair: Pair) => void;
}

export interface DoorOptions {
  readonly config: BrokerConfig;
  readonly events: BrokerEvents;
  /** Whether one more connection may come in; it is told when it has gone. */
  readonly admit: () => boolean;
  readonly left: () => void;
  readonly connected: (transport: Transport) => TransportHandlers;
}

/** Waiting connections that the kernel holds for us while a storm is let in. */
const backlogMax = 4_096;

export async function openTcpDoor(options: DoorOptions): Promise<Door> {
  const server = createTcpServer((socket) => {
    openSocketTransport(socket, 'tcp', options.connected);
  });
  return openDoor(server, 'tcp', options);
}

export async function openTlsDoor(options: DoorOptions, pair: Pair): Promise<TlsDoor> {
  const { config } = options;
  const server: TlsServer = createTlsServer(
    {
      ...secureContextOptions,
      ...pair,
      handshakeTimeout: config.connectTimeoutMs,
      requestCert: config.tlsClientCertificates !== 'off',
      // Certificates are pinned by fingerprint in the registry; the handshake proves the key.
      rejectUnauthorized: false,
    },
    (socket) => openSocketTransport(socket, 'tls', options.connected),
  );
  // A handshake that fails is the peer's matter; its socket is closed and counted out.
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  const door = await openDoor(server, 'tls', options);
  return {
    ...door,
    replace: (next) => server.setSecureContext({ ...secureContextOptions, ...next }),
  };
}

const portKeys = { tcp: 'mqttPort', tls: 'mqttsPort', websocket: 'mqttWsPort' } as const;

/** Listens with a server, under the listener's name. */
export async function openDoor(
  server: Server,
  listener: Listener,
  options: DoorOptions,
): Promise<Door> {
  const { config, events } = options;
  const open = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    if (!options.admit()) {
      socket.destroy();
      return;
    }
    open.add(socket);
    socket.on('close', () => {
      open.delete(socket);
      options.left();
    });
  });
  const key = portKeys[listener];
  const port = await listen(server, config.host, config[key], key);
  server.on('error', (error) => events.doorFailed(listener, error));
  events.listening({ listener, host: config.host, port });
  return {
    listener,
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of open) socket.destroy();
      }),
  };
}

function listen(server: Server, host: string, port: number, key: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const code = error.code === 'EADDRINUSE' ? 'BROKER_PORT_IN_USE' : 'BROKER_LISTEN_FAILED';
      reject(brokerError(code, { key, host, port }, error));
    });
    server.listen({ host, port, backlog: backlogMax }, () => {
      server.removeAllListeners('error');
      resolve((server.address() as AddressInfo).port);
    });
  });
}
