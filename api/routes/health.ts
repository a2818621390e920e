import type { FastifyInstance, FastifyRequest, FastifySchema } from 'fastify';
import { z } from 'zod';

import { apiError } from '../errors.ts';
import type { Readiness } from '../health.ts';

export interface HealthRoutes {
  readonly readReadiness: () => Promise<Readiness>;
  readonly metricsText: () => Promise<string>;
}

const prometheusType = 'text/plain; version=0.0.4; charset=utf-8';

const tags = ['operation'];

function described(summary: string, answers: Readonly<Record<number, z.ZodType>>): FastifySchema {
  const response = Object.fromEntries(
    Object.entries(answers).map(([status, schema]) => [
      status,
      { description: summary, content: { 'application/json': { schema } } },
    ]),
  );
  return { summary, tags, response };
}

const metricsSchema: FastifySchema = {
  summary: 'Counters and gauges for Prometheus; from this machine only, unless metricsPort is set.',
  tags,
  response: {
    200: { description: 'Text format 0.0.4.', content: { 'text/plain': { schema: z.string() } } },
  },
};

/** `/livez` looks at nothing, `/readyz` at everything; `/metrics` answers this machine only. */
export function addHealth(app: FastifyInstance, routes: HealthRoutes): void {
  const live = described('Answers while the process lives.', {
    200: z.strictObject({ live: z.literal(true) }),
  });
  app.get('/livez', { schema: live }, (_request, reply) =>
    reply.header('cache-control', 'no-store').send({ live: true }),
  );
  const told = z.array(z.strictObject({ room: z.string(), reason: z.string() }));
  const readiness = z.strictObject({ ready: z.boolean(), reasons: told, warnings: told });
  const summary =
    'Whether readings are taken and given out; 503 with reasons when not. Warnings (a held clock) need an operator, and make nothing unready.';
  const ready = described(summary, {
    200: readiness,
    503: readiness,
  });
  app.get('/readyz', { schema: ready }, async (_request, reply) => {
    const state = await routes.readReadiness();
    return reply
      .code(state.ready ? 200 : 503)
      .header('cache-control', 'no-store')
      .send(state);
  });
  app.get('/metrics', { schema: metricsSchema }, async (request, reply) => {
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
