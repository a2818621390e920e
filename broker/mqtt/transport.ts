/** One network connection, whatever carries it: what the MQTT side needs of TCP, TLS or WebSocket. */
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { WebSocket } from 'ws';
import type { Listener } from '../events.ts';

export interface Transport {
  readonly listener: Listener;
  readonly address: string;
  readonly loopback: boolean;
  /** SHA-256 of the client certificate, hex in lower case; the handshake has proved its key. */
  readonly certificateFingerprint: string | undefined;
  /** Integer ms UTC at which the client certificate ends; Infinity without one. */
  readonly certificateEndsAt: number;
  /** Calls `written` once the bytes are with the kernel; never after an error. */
  write(bytes: Buffer, written: () => void): void;
  pause(): void;
  resume(): void;
  /** Sends what was written and closes; `destroy` follows if the peer lets it wait. */
  end(): void;
  destroy(): void;
}

export interface TransportHandlers {
  readonly received: (chunk: Buffer) => void;
  /** Once, when nothing can come or go any more. */
  readonly closed: () => void;
}

export function isLoopback(address: string): boolean {
  const plain = address.startsWith('::ffff:') ? address.slice(7) : address;
  return plain === '::1' || plain.startsWith('127.');
}

export function openSocketTransport(
  socket: Socket | TLSSocket,
  listener: 'tcp' | 'tls',
  handlersOf: (transport: Transport) => TransportHandlers,
): void {
  const address = socket.remoteAddress ?? '';
  socket.setNoDelay(true);
  const certificate =
    'getPeerX509Certificate' in socket ? socket.getPeerX509Certificate() : undefined;
  const transport: Transport = {
    listener,
    address,
    loopback: isLoopback(address),
    certificateFingerprint: certificate?.fingerprint256.replaceAll(':', '').toLowerCase(),
    certificateEndsAt: certificate?.validToDate.getTime() ?? Infinity,
    write(bytes, written) {
      socket.write(bytes, (error) => {
        if (error === null || error === undefined) written();
      });
    },
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    end: () => void socket.end(),
    destroy: () => void socket.destroy(),
  };
  const handlers = handlersOf(transport);
  socket.on('data', handlers.received);
  // The peer's end of sending is the end of the connection: MQTT has no half-open state.
  socket.on('end', () => socket.destroy());
  // 'close' follows an error and tells it; nothing else is to be done about a broken connection.
  socket.on('error', () => socket.destroy());
  socket.on('close', handlers.closed);
}

const closePolicy = 1008;

export function openWebSocketTransport(
  socket: WebSocket,
  address: string,
  handlersOf: (transport: Transport) => TransportHandlers,
): void {
  const transport: Transport = {
    listener: 'websocket',
    address,
    loopback: isLoopback(address),
    certificateFingerprint: undefined,
    certificateEndsAt: Infinity,
    write(bytes, written) {
      socket.send(bytes, { binary: true }, (error) => {
        if (error === null || error === undefined) written();
      });
    },
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    end: () => socket.close(),
    destroy: () => socket.terminate(),
  };
  const handlers = handlersOf(transport);
  socket.on('message', (message: Buffer, binary: boolean) => {
    // MQTT-6.0.0-1: control packets travel in binary frames.
    if (binary) handlers.received(message);
    else socket.close(closePolicy);
  });
  socket.on('error', () => socket.terminate());
  socket.on('close', handlers.closed);
}
