/**
 * Who asks, as far as quotas, shares and overload go: an operator, a key, or a network of clients
 * without one. What is no valid key is counted for its network, so that keys cannot be tried out.
 */
import type { FastifyRequest } from 'fastify';

import { clientNetwork, clientSite } from '../../devices/client-network.ts';
import type { RegistryReader } from '../../devices/registry.ts';
import type { ApiConfig } from '../config.ts';
import { bearerOf } from '../viewer.ts';
import type { Policies } from './policies.ts';
import type { Policy } from './rate-fields.ts';

export interface Caller {
  readonly standing: 'operator' | 'key' | 'keyless';
  readonly key: string;
  /** Undefined: not limited. */
  readonly policy: Policy | undefined;
  /** Around it, what counts together: the /48 of an IPv6 address without a key. */
  readonly site?: { readonly key: string; readonly policy: Policy } | undefined;
}

export interface CallerOptions {
  readonly registry: Pick<RegistryReader, 'authenticateToken'>;
  readonly config: Pick<ApiConfig, 'quotaLoopback'>;
  readonly policies: Policies;
}

/** The caller of each request, found once. */
export function createCallers(options: CallerOptions): (request: FastifyRequest) => Caller {
  const callers = new WeakMap<FastifyRequest, Caller>();
  return (request) => {
    let caller = callers.get(request);
    if (caller === undefined) {
      caller = callerOf(options, request);
      callers.set(request, caller);
    }
    return caller;
  };
}

function callerOf({ registry, config, policies }: CallerOptions, request: FastifyRequest): Caller {
  const secret = bearerOf(request.headers.authorization);
  const credential = secret === undefined ? undefined : registry.authenticateToken(secret);
  if (credential?.role === 'operator') {
    return { standing: 'operator', key: '', policy: undefined };
  }
  if (credential?.kind === 'token') {
    const policy = policies.ofKey(credential.subject);
    return { standing: 'key', key: `key ${credential.subject}`, policy };
  }
  const socketAddress = request.socket.remoteAddress ?? '';
  const network = clientNetwork(request.ip) ?? clientNetwork(socketAddress) ?? 'unknown';
  const isExempt = config.quotaLoopback === 'none' && isDirectLoopback(request, socketAddress);
  const address = clientNetwork(request.ip) === undefined ? socketAddress : request.ip;
  const site = isExempt ? undefined : clientSite(address);
  return {
    standing: 'keyless',
    key: network,
    policy: isExempt ? undefined : policies.keyless,
    site: site === undefined ? undefined : { key: site, policy: policies.site },
  };
}

/** A program on this machine that asks for itself: a proxy says for whom it asks. */
function isDirectLoopback({ headers }: FastifyRequest, address: string): boolean {
  const isForwarded = headers['x-forwarded-for'] !== undefined || headers.forwarded !== undefined;
  return !isForwarded && (address === '::1' || /^(::ffff:)?127\./.test(address));
}
