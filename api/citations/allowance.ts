/**
 * What one client may cite in a day, so that no one fills for all what is kept for ever. A key counts
 * for itself, everybody else by the network that the request comes from; operators are not limited.
 */
import type { FastifyRequest } from 'fastify';

import type { ApiContext } from '../context.ts';
import { apiError } from '../errors.ts';
import { createBuckets } from '../limits/buckets.ts';
import { clientNetwork } from '../../devices/client-network.ts';
import { retrySeconds } from '../limits/rate-fields.ts';
import type { Viewer } from '../viewer.ts';
import { hashOf } from './blobs.ts';

export interface Allowance {
  /** For one citation. Throws API_QUOTA_EXCEEDED. */
  take(client: string | undefined): void;
  /** For what it has newly kept. */
  charge(client: string | undefined, bytes: number): void;
}

const dayMs = 86_400_000;
const unitBytes = 1_048_576;

export function createAllowance(context: ApiContext): Allowance {
  const { config, clock, events } = context;
  const quota = { units: config.citationUnitsPerDay, windowMs: dayMs };
  const buckets = createBuckets({
    entriesMax: config.quotaClientsMax,
    nowMs: () => clock.monotonicMs(),
    seed: Number.parseInt(hashOf(Buffer.from(context.storeId)).slice(0, 8), 16),
    onShared: () => events.quotaShared(),
  });
  return {
    take(client) {
      if (client === undefined) return;
      const standing = buckets.take(client, quota, 1);
      if (standing.isAdmitted) return;
      throw apiError('API_QUOTA_EXCEEDED', {
        retryAfterSeconds: retrySeconds(quota, standing),
        'violated-policies': ['citations'],
      });
    },
    charge(client, bytes) {
      if (client !== undefined && bytes > 0) buckets.charge(client, quota, bytes / unitBytes);
    },
  };
}

/** Undefined for operators. */
export function clientOf({ principal }: Viewer, request: FastifyRequest): string | undefined {
  if (principal !== 'anonymous') {
    return principal.role === 'operator' ? undefined : `key ${principal.subject}`;
  }
  const { remoteAddress = '' } = request.socket;
  return clientNetwork(request.ip) ?? clientNetwork(remoteAddress) ?? 'unknown';
}
