/**
 * Stands before every route: while the thread is late, it sends away first those who show no key,
 * then those who do; and it counts what each client uses. Operators, health and metrics pass always:
 * what keeps the server running must not wait for what it is run for.
 *
 * Each node counts for itself: a client that goes to all nodes of a network has the quota of each.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

import type { Clock } from '../../devices/clock.ts';
import type { Random } from '../../devices/random.ts';
import type { RegistryReader } from '../../devices/registry.ts';
import type { ApiConfig } from '../config.ts';
import { apiError } from '../errors.ts';
import type { ApiEvents } from '../events.ts';
import { bearerOf } from '../viewer.ts';
import { createBuckets, type Buckets } from './buckets.ts';
import { clientNetwork } from '../../devices/client-network.ts';
import { watchLateness } from './lateness.ts';
import { createPolicies, type Policies } from './policies.ts';
import { limitField, policyField, retrySeconds, type Policy } from './rate-fields.ts';

export interface GateOptions {
  readonly config: ApiConfig;
  readonly clock: Clock;
  readonly random: Random;
  readonly events: ApiEvents;
  readonly registry: Pick<RegistryReader, 'authenticateToken'>;
}

export interface Gate {
  /** Before the routes are added. */
  addTo(app: FastifyInstance): void;
  /** Counts rows that an answer has read for whoever asked; quotas have `rowsPerUnit` of them in a unit. */
  countRows(request: FastifyRequest, rows: number): void;
  close(): void;
}

/** Who asks, as far as quotas and overload go. */
interface Caller {
  readonly standing: 'operator' | 'key' | 'keyless';
  readonly key: string;
  /** Undefined: not limited. */
  readonly policy: Policy | undefined;
}

const alwaysOpen = new Set(['/livez', '/readyz', '/metrics']);
const retrySecondsMin = 2;
const retrySecondsSpread = 9;

export function createGate(options: GateOptions): Gate {
  const { config, clock, random, events } = options;
  const lateness = watchLateness(clock);
  const policies = createPolicies(config);
  const buckets = createBuckets({
    entriesMax: config.quotaClientsMax,
    nowMs: () => clock.monotonicMs(),
    seed: Math.floor(random.next() * 2 ** 32),
    onShared: () => events.quotaShared(),
  });
  const counted = new WeakMap<FastifyRequest, Caller>();

  function requireTime({ standing }: Caller): void {
    if (standing === 'operator') return;
    const lateMs = lateness.ms();
    if (lateMs <= config.overloadDelayMs * (standing === 'key' ? 2 : 1)) return;
    // Not all at the same moment, or the next second is as this one.
    const retryAfterSeconds = retrySecondsMin + Math.floor(random.next() * retrySecondsSpread);
    throw apiError('API_OVERLOADED', { retryAfterSeconds });
  }

  function admit(request: FastifyRequest, reply: FastifyReply): void {
    const caller = callerOf(options, policies, request);
    requireTime(caller);
    const { policy, key } = caller;
    if (policy === undefined) return;
    counted.set(request, caller);
    takeOne(buckets, reply, { policy, key });
  }

  return {
    addTo(app) {
      app.addHook('onRequest', (request, reply, done) => {
        try {
          if (!alwaysOpen.has(request.routeOptions.url ?? '')) admit(request, reply);
          done();
        } catch (error) {
          done(error as Error);
        }
      });
    },
    countRows(request, rows) {
      const caller = counted.get(request);
      if (caller?.policy === undefined || rows === 0) return;
      buckets.charge(caller.key, caller.policy.quota, rows / config.quotaRowsPerUnit);
    },
    close: () => lateness.close(),
  };
}

function takeOne(
  buckets: Buckets,
  reply: FastifyReply,
  { policy, key }: { readonly policy: Policy; readonly key: string },
): void {
  const standing = buckets.take(key, policy.quota, 1);
  reply.header('ratelimit-policy', policyField(policy));
  reply.header('ratelimit', limitField(policy, standing));
  if (standing.isAdmitted) return;
  throw apiError('API_QUOTA_EXCEEDED', {
    retryAfterSeconds: retrySeconds(policy.quota, standing),
    'violated-policies': [policy.name],
  });
}

/** What is no valid key is counted for its address, so that keys cannot be tried out. */
function callerOf(
  { registry, config }: GateOptions,
  policies: Policies,
  request: FastifyRequest,
): Caller {
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
  return {
    standing: 'keyless',
    key: network,
    policy: isExempt ? undefined : policies.keyless,
  };
}

/** A program on this machine that asks for itself: a proxy says for whom it asks. */
function isDirectLoopback({ headers }: FastifyRequest, address: string): boolean {
  const isForwarded = headers['x-forwarded-for'] !== undefined || headers.forwarded !== undefined;
  return !isForwarded && (address === '::1' || /^(::ffff:)?127\./.test(address));
}
