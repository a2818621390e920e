import type { ServerResponse } from 'node:http';

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';

import type { ApiContext } from '../context.ts';
import { cursorProblems, followedHeaders, problemReplies } from '../description/replies.ts';
import { apiError } from '../errors.ts';
import { filterQuery, readFilter } from '../filter.ts';
import type { Sink } from '../../ingest/feed/client.ts';
import { followInterest, requireInterest } from '../live/interest.ts';
import type { FeedPlace } from '../../ingest/feed/places/places.ts';
import { viewerOf, type Viewer } from '../viewer.ts';

const querystring = z.strictObject({
  ...filterQuery,
  after: z
    .string()
    .min(1)
    .max(1_000)
    .optional()
    .describe('A cursor, or `now` (as without it); Last-Event-ID comes before it.'),
});

/** `/live`: the change feed as server-sent events (HTML Living Standard §9.2). */
export function addLive(app: FastifyInstance, context: ApiContext): void {
  app.get(
    '/live',
    {
      // Events must not wait in a compressor for more of them.
      compress: false,
      schema: {
        summary: 'Changes as they happen: server-sent events `change`, whose id is the cursor.',
        querystring,
        headers: z.looseObject({
          'last-event-id': z
            .string()
            .optional()
            .describe('Cursor of the last event taken; the stream goes on behind it.'),
        }),
        response: {
          200: {
            description: 'Events without end.',
            headers: followedHeaders,
            content: { 'text/event-stream': { schema: z.string() } },
          },
          ...problemReplies([...cursorProblems, 'API_TOO_MANY_LISTENERS']),
        },
        tags: ['readings'],
      },
    },
    async (request, reply) => {
      const viewer = viewerOf(context.registry, request.headers.authorization);
      const query = request.query as z.infer<typeof querystring>;
      const filter = readFilter(query, context.config.valuesPerParameterMax);
      requireInterest(context.networks.viewOf(viewer), filter);
      const from = await readStart(context, request, query.after);
      // Whoever has gone while the place was looked for is told nothing, and kept nowhere.
      if (reply.raw.destroyed) return void reply.hijack();
      if (!context.hub.hasRoom) throw apiError('API_TOO_MANY_LISTENERS');
      beginEvents(context, reply, from);
      if (request.method === 'HEAD') {
        reply.raw.end();
        return;
      }
      reply.raw.write('retry: 2000\n\n');
      const disconnect = context.hub.connect({
        group: groupOf(viewer, query),
        view: followInterest(context.networks, viewer, filter),
        sink: createSink(reply.raw),
        from,
        isAllowed: () => isStillAllowed(context, request, viewer),
      });
      reply.raw.once('close', disconnect);
    },
  );
}

function readStart(
  context: ApiContext,
  request: FastifyRequest,
  after: string | undefined,
): FeedPlace | Promise<FeedPlace> {
  const { places } = context;
  const last = request.headers['last-event-id'];
  if (typeof last === 'string' && last !== '') return places.read(last, 'Last-Event-ID');
  return after === undefined ? places.end() : places.read(after, 'after');
}

function beginEvents(context: ApiContext, reply: FastifyReply, from: FeedPlace): void {
  reply.hijack();
  reply.raw.writeHead(200, {
    ...(reply.getHeaders() as Record<string, string>),
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'quantrac-cursor': context.places.cursorOf(from),
    // Proxies that buffer answers would hold the events back.
    'x-accel-buffering': 'no',
  });
  reply.raw.flushHeaders();
}

/** Clients that ask the same with the same rights share their bytes. */
function groupOf(viewer: Viewer, query: z.infer<typeof querystring>): string {
  const filters = Object.keys(filterQuery).map((name) => query[name as keyof typeof filterQuery]);
  return JSON.stringify([viewer.key, filters]);
}

function isStillAllowed(context: ApiContext, request: FastifyRequest, viewer: Viewer): boolean {
  if (viewer.principal === 'anonymous') return true;
  const secret = request.headers.authorization?.replace(/^Bearer +/i, '') ?? '';
  return context.registry.authenticateToken(secret) !== undefined;
}

/** Counts what has not left yet by the callbacks of the writes. */
function createSink(response: ServerResponse): Sink {
  let pendingBytes = 0;
  let drained: (() => void) | null = null;
  return {
    get pendingBytes() {
      return pendingBytes;
    },
    write(chunk) {
      pendingBytes += chunk.length;
      return response.write(chunk, () => {
        pendingBytes -= chunk.length;
        if (pendingBytes > 0) return;
        const run = drained;
        drained = null;
        run?.();
      });
    },
    onDrain(run) {
      drained = run;
    },
    end: () => void response.end(),
    destroy: () => void response.destroy(),
  };
}
