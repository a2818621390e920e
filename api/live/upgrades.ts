/**
 * Requests that ask for a WebSocket (RFC 6455 §4.1) go the way of all requests: a route checks them
 * and answers what is wrong as it answers anybody, or takes the connection over.
 */
import { ServerResponse, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
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

/**
 * Whatever else asks to change its protocol is answered as if it had not; so is what comes before an
 * earlier request on its connection has been answered, which Node would throw at.
 */
export function isUpgrade({ method, url, headers, socket }: IncomingMessage): boolean {
  const path = url?.split('?', 1)[0];
  return (
    method === 'GET' &&
    path === '/api/v1/live' &&
    /^websocket$/i.test(headers['upgrade'] ?? '') &&
    !isAnswering(socket)
  );
}

/** Node's own mark (`ServerResponse.assignSocket`), for which it has no other name. */
function isAnswering(socket: Socket & { readonly _httpMessage?: object | null }): boolean {
  return (socket._httpMessage ?? null) !== null;
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
    // To its end, not to its half: Node has taken every time-out off it.
    const end = (): void => request.socket.destroySoon();
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
