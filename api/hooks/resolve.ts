/**
 * Looks names up by DNS with a deadline. Not as the machine does it for itself: that has no time
 * limit, and holds the few threads in which files are read meanwhile.
 */
import { Resolver } from 'node:dns/promises';

import type { Clock } from '../../devices/clock.ts';
import { apiError } from '../errors.ts';
import type { Resolve } from './address.ts';

export interface ResolveOptions {
  readonly timeoutMs: number;
  /** Name servers; without them those of the machine. */
  readonly servers?: readonly string[];
}

/** A name that has addresses of one family alone is whole. */
const absent = new Set(['ENODATA', 'ENOTFOUND']);

export function createResolve(clock: Clock, { timeoutMs, servers }: ResolveOptions): Resolve {
  return async (host) => {
    // RFC 6761 §6.3: no name server is asked for it.
    if (host === 'localhost') return ['127.0.0.1'];
    // One for each name: what is late is cancelled alone.
    const resolver = new Resolver({ timeout: timeoutMs });
    if (servers !== undefined) resolver.setServers(servers);
    let isLate = false;
    const late = clock.schedule(timeoutMs, () => {
      isLate = true;
      resolver.cancel();
    });
    try {
      const found = await Promise.all([
        resolver.resolve4(host).catch(noneOf),
        resolver.resolve6(host).catch(noneOf),
      ]);
      const addresses = found.flat().filter((each) => typeof each === 'string');
      if (addresses.length === 0) throw found.flat()[0];
      return addresses;
    } catch (error) {
      throw isLate ? apiError('API_WEBHOOK_TIMEOUT', { timeoutMs }) : error;
    } finally {
      late.cancel();
      resolver.cancel();
    }
  };
}

/** Told only where the other family has nothing either. */
function noneOf(error: unknown): Error[] {
  if (error instanceof Error && absent.has(String((error as { code?: unknown }).code)))
    return [error];
  throw error;
}
