/**
 * Requests that ask for a WebSocket (RFC 6455 §4.1) go the way of all requests: a route checks them
 * and answers what is wrong as it answers anybody, or takes the connection over.
 */
import { ServerResponse, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

import type { FastifyInstance } from 'fastify';

import { offeredAuthorization } from './offered.ts';

export interface Upgrade {
  readonly socket: Duplex;
  /** What came behind the request already. */
  readonly head: Buffer;
  /** The connection is the caller's from here on: nothing of HTTP is written to it any more. */
  takeOver(): void;
}

export interface Upgrades {
  /** Undefined for an ordinary request. */
  of(request: IncomingMessage): Upgrade | undefined;
}

/** Whatever else asks to change its protocol is answered as if it had not. */
export function isUpgrade({ method, url, headers }: IncomingMessage): boolean {
  const path = url?.split('?', 1)[0];
  return (
    method === 'GET' && path === '/api/v1/live' && /^websocket$/i.test(headers['upgrade'] ?? '')
  );
}

export function routeUpgrades(app: FastifyInstance): Upgrades {
  const waiting = new WeakMap<IncomingMessage, Upgrade>();
  app.server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // Here, so that quotas and the access log find the key where that of any request is.
    const offered = offeredAuthorization(request.headers['sec-websocket-protocol']);
    if (offered !== undefined) request.headers.authorization ??= offered;
    const response = new ServerResponse(request);
    // A connection that was to be a WebSocket serves no further request.
    response.shouldKeepAlive = false;
    response.assignSocket(request.socket);
    const end = (): void => void socket.end();
    response.once('finish', end);
    socket.on('error', () => socket.destroy());
    waiting.set(request, {
      socket,
      head,
      takeOver() {
        response.off('finish', end);
        response.detachSocket(request.socket);
        response.statusCode = 101;
        // Whoever meters the answer is told of its end, as of any.
        socket.once('close', () => response.emit('close'));
      },
    });
    app.routing(request, response);
  });
  return { of: (request) => waiting.get(request) };
}
