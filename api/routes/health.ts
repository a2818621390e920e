import type { FastifyInstance, FastifyRequest } from 'fastify';

import { apiError } from '../errors.ts';
import type { Readiness } from '../health.ts';

export interface HealthRoutes {
  readonly readReadiness: () => Promise<Readiness>;
  readonly metricsText: () => Promise<string>;
}

const prometheusType = 'text/plain; version=0.0.4; charset=utf-8';

/** `/livez` looks at nothing, `/readyz` at everything; `/metrics` answers this machine only. */
export function addHealth(app: FastifyInstance, routes: HealthRoutes): void {
  app.get('/livez', { schema: { hide: true } }, (_request, reply) =>
    reply.header('cache-control', 'no-store').send({ live: true }),
  );
  app.get('/readyz', { schema: { hide: true } }, async (_request, reply) => {
    const readiness = await routes.readReadiness();
    return reply
      .code(readiness.ready ? 200 : 503)
      .header('cache-control', 'no-store')
      .send(readiness);
  });
  app.get('/metrics', { schema: { hide: true } }, async (request, reply) => {
    if (!isLocal(request)) throw apiError('API_METRICS_LOCAL');
    return sendMetrics(routes, reply);
  });
}

/** The same for everyone, at a port of its own. */
export function addPublicMetrics(app: FastifyInstance, routes: HealthRoutes): void {
  app.get('/metrics', (_request, reply) => sendMetrics(routes, reply));
}

async function sendMetrics(
  routes: HealthRoutes,
  reply: { header(name: string, value: string): unknown },
): Promise<string> {
  reply.header('content-type', prometheusType);
  reply.header('cache-control', 'no-store');
  return routes.metricsText();
}

/** A proxy on this machine asks for others: what it forwards is not local. */
function isLocal(request: FastifyRequest): boolean {
  const forwarded = request.headers['x-forwarded-for'] ?? request.headers.forwarded;
  return forwarded === undefined && isLoopback(request.socket.remoteAddress ?? '');
}

export function isLoopback(address: string): boolean {
  return address === '::1' || /^(::ffff:)?127\./.test(address);
}
