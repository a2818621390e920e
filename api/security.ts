/** Headers that every answer carries, and the bound on connections. */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';

import { clientNetwork } from '../devices/client-network.ts';
import type { ApiConfig } from './config.ts';
import type { ApiEvents } from './events.ts';

/** Scripts, styles and data from this server alone; maps work in a worker of their own. */
const contentSecurityPolicy = [
  "default-src 'self'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "connect-src 'self'",
  "worker-src 'self' blob:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

export function securityHeaders(isSecure: boolean): Readonly<Record<string, string>> {
  return {
    'content-security-policy': contentSecurityPolicy,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'x-frame-options': 'DENY',
    'cross-origin-opener-policy': 'same-origin',
    ...(isSecure ? { 'strict-transport-security': 'max-age=31536000' } : {}),
  };
}

/** At the bounds a new connection is closed at once: it costs nothing more. */
export function boundConnections(server: Server, config: ApiConfig, events: ApiEvents): void {
  const byAddress = new Map<string, number>();
  let open = 0;
  const onConnection = (socket: Socket) => {
    const { remoteAddress = '' } = socket;
    const address = clientNetwork(remoteAddress) ?? remoteAddress;
    const fromAddress = byAddress.get(address) ?? 0;
    const isOver = open >= config.connectionsMax;
    if (isOver || fromAddress >= config.connectionsPerAddressMax) {
      events.connectionRefused(isOver ? 'total' : 'address');
      socket.destroy();
      return;
    }
    open += 1;
    byAddress.set(address, fromAddress + 1);
    socket.once('close', () => {
      open -= 1;
      const left = (byAddress.get(address) ?? 1) - 1;
      if (left === 0) byAddress.delete(address);
      else byAddress.set(address, left);
    });
  };
  server.on('connection', onConnection);
}
