import type { FastifyInstance } from 'fastify';

import type { ApiContext } from '../context.ts';
import type { AccessLog } from './log.ts';
import { meterRequest } from './meter.ts';

/** Meters every request that comes with a valid key, whatever the route; to be added before them. */
export function addAccessMeter(
  app: FastifyInstance,
  { registry, clock }: Pick<ApiContext, 'registry' | 'clock'>,
  log: Pick<AccessLog, 'note'>,
): void {
  app.addHook('onRequest', (request, reply, done) => {
    const { authorization } = request.headers;
    if (authorization !== undefined) {
      const key = registry.authenticateToken(authorization.replace(/^Bearer +/i, ''))?.subject;
      if (key !== undefined) {
        meterRequest(request, reply, { at: clock.now(), key }, (metered) => log.note(metered));
      }
    }
    done();
  });
}
