import { setImmediate } from 'node:timers/promises';

import type { FastifyInstance } from 'fastify';

import type { ApiContext } from '../context.ts';
import { resourceOf } from '../usage/resource.ts';
import type { Usage } from '../usage/usage.ts';
import type { AccessLog } from './log.ts';
import { meterRequest, type OpenStreams } from './meter.ts';

/** Streams told of in one go: about 2 ms. */
const streamsPerTurn = 500;

/**
 * Meters every request that comes with a valid key, whatever the route, and every request for data,
 * whoever makes it; to be added before the routes.
 */
export function addAccessMeter(
  app: FastifyInstance,
  { registry, clock }: Pick<ApiContext, 'registry' | 'clock'>,
  parts: {
    readonly log: Pick<AccessLog, 'note' | 'addSource'>;
    readonly usage: Pick<Usage, 'note'>;
  },
): void {
  const { log, usage } = parts;
  const streams: OpenStreams = new Set();
  log.addSource(() => tellAll(streams));
  app.addHook('onRequest', (request, reply, done) => {
    const { authorization } = request.headers;
    const key =
      authorization === undefined
        ? undefined
        : registry.authenticateToken(authorization.replace(/^Bearer +/i, ''))?.subject;
    const isOfData =
      request.method === 'GET' && resourceOf(request.routeOptions.url ?? '') !== undefined;
    if (key !== undefined || isOfData) {
      meterRequest(request, reply, {
        now: () => clock.now(),
        streams,
        told(taken) {
          if (key !== undefined) log.note({ ...taken, key });
          if (isOfData) usage.note(taken);
        },
      });
    }
    done();
  });
}

async function tellAll(streams: OpenStreams): Promise<void> {
  let left = streamsPerTurn;
  // One that ends meanwhile tells the rest itself, and is left out.
  for (const tell of streams) {
    tell();
    left -= 1;
    if (left > 0) continue;
    await setImmediate();
    left = streamsPerTurn;
  }
}
