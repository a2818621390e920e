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
import { createBuckets, type Buckets, type Standing } from './buckets.ts';
import { createCallers, type Caller } from './callers.ts';
import { watchLateness } from './lateness.ts';
import { createPolicies } from './policies.ts';
import { limitField, policyField, retrySeconds, type Policy } from './rate-fields.ts';
import type { Client } from './shares.ts';

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
  /** Counts a step of an answer: its rows, or what it kept the thread where that is more. */
  countWork(request: FastifyRequest, work: { readonly rows: number; readonly ms: number }): void;
  /** Whoever made the request, for shares of what is bounded. */
  clientOf(request: FastifyRequest): Client;
  close(): void;
}

const alwaysOpen = new Set(['/livez', '/readyz', '/metrics']);
/** Of the lateness at which clients are sent away, for those who have used their quota up. */
const heavyShare = 0.25;
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
  const known = createCallers({ ...options, policies });

  function recentCost({ key, policy, site }: Caller): number {
    if (policy === undefined) return 0;
    const around = site === undefined ? 0 : buckets.used(site.key, site.policy.quota);
    return Math.max(buckets.used(key, policy.quota), around);
  }

  /** The more a client has used of its quota, the sooner it is sent away; who has used little, last. */
  function requireTime(caller: Caller): void {
    const { standing } = caller;
    if (standing === 'operator') return;
    const lateMs = lateness.ms();
    const delayMs = config.overloadDelayMs * (standing === 'key' ? 2 : 1);
    if (lateMs <= delayMs * heavyShare) return;
    if (lateMs <= delayMs * (1 - (1 - heavyShare) * Math.min(1, recentCost(caller)))) return;
    // Not all at the same moment, or the next second is as this one.
    const retryAfterSeconds = retrySecondsMin + Math.floor(random.next() * retrySecondsSpread);
    throw apiError('API_OVERLOADED', { retryAfterSeconds });
  }

  function admit(request: FastifyRequest, reply: FastifyReply): void {
    const caller = known(request);
    requireTime(caller);
    takeOne(buckets, reply, caller);
  }

  function charge(request: FastifyRequest, units: number): void {
    const { key, policy, site } = known(request);
    if (policy === undefined || units <= 0) return;
    buckets.charge(key, policy.quota, units);
    if (site !== undefined) buckets.charge(site.key, site.policy.quota, units);
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
    countRows: (request, rows) => charge(request, rows / config.quotaRowsPerUnit),
    countWork(request, { rows, ms }) {
      const byTime = (ms * 1_000) / config.quotaMicrosecondsPerUnit;
      charge(request, Math.max(rows / config.quotaRowsPerUnit, byTime));
    },
    clientOf(request) {
      const caller = known(request);
      return clientFrom(caller, () => recentCost(caller));
    },
    close: () => lateness.close(),
  };
}

function clientFrom({ standing, key, policy, site }: Caller, recentCost: () => number): Client {
  return { standing, key, siteKey: site?.key, isBounded: policy !== undefined, recentCost };
}

/** One unit, of what the caller has and of what those around it have. */
function takeOne(buckets: Buckets, reply: FastifyReply, { key, policy, site }: Caller): void {
  if (policy === undefined) return;
  const standing = buckets.take(key, policy.quota, 1);
  reply.header('ratelimit-policy', policyField(policy));
  reply.header('ratelimit', limitField(policy, standing));
  if (!standing.isAdmitted) refuse(policy, standing);
  if (site === undefined) return;
  const around = buckets.take(site.key, site.policy.quota, 1);
  if (!around.isAdmitted) refuse(site.policy, around);
}

function refuse(policy: Policy, standing: Standing): never {
  throw apiError('API_QUOTA_EXCEEDED', {
    retryAfterSeconds: retrySeconds(policy.quota, standing),
    'violated-policies': [policy.name],
  });
}
