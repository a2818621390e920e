import type { FastifyInstance } from 'fastify';

import type { ApiContext } from '../context.ts';
import { resourceOf } from '../usage/resource.ts';
import type { Usage } from '../usage/usage.ts';
import type { AccessLog } from './log.ts';
import { meterRequest } from './meter.ts';

/**
 * Meters every request that comes with a valid key, whatever the route, and every request for data,
 * whoever makes it; to be added before the routes.
 */
export function addAccessMeter(
  app: FastifyInstance,
  { registry, clock }: Pick<ApiContext, 'registry' | 'clock'>,
  { log, usage }: { readonly log: Pick<AccessLog, 'note'>; readonly usage: Pick<Usage, 'note'> },
): void {
  app.addHook('onRequest', (request, reply, done) => {
    const { authorization } = request.headers;
    const key =
      authorization === undefined
        ? undefined
        : registry.authenticateToken(authorization.replace(/^Bearer +/i, ''))?.subject;
    const isOfData =
      request.method === 'GET' && resourceOf(request.routeOptions.url ?? '') !== undefined;
    if (key !== undefined || isOfData) {
      const at = clock.now();
      meterRequest(request, reply, (taken) => {
        if (key !== undefined) log.note({ ...taken, at, key });
        if (isOfData) usage.note(taken);
      });
    }
    done();
  });
}
