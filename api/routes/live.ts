import type { ServerResponse } from 'node:http';

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';

import { CodedError } from '../../devices/coded-error.ts';
import type { Sink } from '../../ingest/feed/client.ts';
import type { ListenerEnd } from '../../ingest/feed/events.ts';
import { eventFraming } from '../../ingest/feed/framing.ts';
import type { ConnectOptions } from '../../ingest/feed/hub.ts';
import { countRows, meterStream, touchSelection } from '../access/meter.ts';
import { baseUrl } from '../answer.ts';
import type { ApiContext } from '../context.ts';
import { cursorProblems, followedHeaders, problemReplies } from '../description/replies.ts';
import { apiError, statusOf } from '../errors.ts';
import { filterQuery, readFilter } from '../filter.ts';
import { addLink, licenceLinks, streamLink } from '../limits/links.ts';
import { followInterest, requireInterest } from '../live/interest.ts';
import {
  createSocketDoor,
  requireProtocol,
  socketFraming,
  type SocketDoor,
} from '../live/socket.ts';
import { createStreamSink } from '../live/stream-sink.ts';
import { routeUpgrades, type Upgrade } from '../live/upgrades.ts';
import { problemOf } from '../problem.ts';
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

/**
 * `/live`: the change feed as server-sent events (HTML Living Standard §9.2), and as messages over a
 * WebSocket (`../live/socket.ts`) for who asks for one.
 */
export function addLive(app: FastifyInstance, context: ApiContext): void {
  const upgrades = routeUpgrades(app);
  const door = createSocketDoor(context.clock);
  app.get(
    '/live',
    {
      // Events must not wait in a compressor for more of them.
      compress: false,
      schema: {
        summary: 'Changes as they happen: server-sent events `change`, whose id is the cursor.',
        description:
          'A request to upgrade to a WebSocket gets the same changes as messages, under the ' +
          'subprotocol `quantrac.changes.v1`: each text message is one change as /changes gives ' +
          'it, or `{"type":"cursor","cursor":…}` (where the stream begins, and that it is alive), ' +
          'or, as the last one, a problem with `type` `problem` and its `code`: close code 4410 ' +
          'for a cursor that is gone, 4401 for a key that was revoked. A key comes in the header ' +
          'Authorization, or from a page as the offered subprotocol `quantrac.key.` and the key; ' +
          'never in the address.',
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
      const upgrade = upgrades.of(request.raw);
      const following = readFollowing(context, request, upgrade !== undefined);
      if (upgrade !== undefined) {
        return followBySocket({ context, door, request, reply, upgrade, following });
      }
      addLink(reply, following.links(baseUrl(context, request)));
      const from = await following.start();
      // Whoever has gone while the place was looked for is told nothing, and kept nowhere.
      if (reply.raw.destroyed) return void reply.hijack();
      const leave = takePlace(context, request);
      reply.raw.once('close', leave);
      beginEvents(context, reply, from);
      if (request.method === 'HEAD') {
        reply.raw.end();
        return;
      }
      reply.raw.write('retry: 2000\n\n');
      meterStream(request, 'sse');
      const sink = createEventSink(reply.raw, (changes) => countRows(request, changes));
      const { group, view, isAllowed } = following;
      const options = { group, view, sink, from, isAllowed, framing: eventFraming };
      reply.raw.once('close', context.hub.connect(options));
    },
  );
}

/** Throws API_TOO_MANY_LISTENERS; else to be given back when the client has gone. */
function takePlace({ hub, listeners, gate }: ApiContext, request: FastifyRequest): () => void {
  if (!hub.hasRoom) throw apiError('API_TOO_MANY_LISTENERS');
  return listeners.take(gate.clientOf(request));
}

interface Following extends Pick<ConnectOptions<Buffer>, 'group' | 'view' | 'isAllowed'> {
  readonly start: () => FeedPlace | Promise<FeedPlace>;
  /** The terms of what is followed as it is now, and what describes it. */
  readonly links: (base: string) => string;
}

/** Throws what is wrong with the request, apart from its cursor. */
function readFollowing(context: ApiContext, request: FastifyRequest, isSocket: boolean): Following {
  const { headers } = request;
  requireProtocol(isSocket ? headers['sec-websocket-protocol'] : undefined);
  const { authorization } = headers;
  const viewer = viewerOf(context.registry, authorization);
  const query = request.query as z.infer<typeof querystring>;
  const filter = readFilter(query, context.config.valuesPerParameterMax);
  const view = context.networks.viewOf(viewer);
  requireInterest(view, filter);
  touchSelection(request, view, query);
  return {
    group: groupOf(viewer, query),
    view: followInterest(context.networks, viewer, filter),
    isAllowed: () => isStillAllowed(context, authorization, viewer),
    start: () => readStart(context, request, query.after),
    links: (base) =>
      [streamLink(base), licenceLinks(view, context.select(view, query))]
        .filter((field) => field !== '')
        .join(', '),
  };
}

interface SocketParts {
  readonly context: ApiContext;
  readonly door: SocketDoor;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly upgrade: Upgrade;
  readonly following: Following;
}

/**
 * A cursor that is gone is told behind the handshake: a page cannot read the status of one that
 * failed, and would try for ever.
 */
async function followBySocket(parts: SocketParts): Promise<void> {
  const { context, door, request, reply, upgrade, following } = parts;
  const { group, view, isAllowed } = following;
  const start = await startOrGone(following);
  if (upgrade.socket.destroyed) return void reply.hijack();
  upgrade.socket.once('close', takePlace(context, request));
  reply.hijack();
  door.open(request.raw, upgrade, {
    given: (changes) => countRows(request, changes),
    opened(socket) {
      meterStream(request, 'websocket');
      if ('gone' in start) return socket.refuse(start.gone);
      const { from } = start;
      socket.begin(context.places.cursorOf(from));
      const { sink } = socket;
      const options = { group, view, sink, from, isAllowed, framing: socketFraming };
      socket.onClosed(context.hub.connect(options));
    },
  });
}

async function startOrGone(
  following: Following,
): Promise<{ readonly from: FeedPlace } | { readonly gone: CodedError }> {
  try {
    return { from: await following.start() };
  } catch (error) {
    if (error instanceof CodedError && statusOf(error.code) === 410) return { gone: error };
    throw error;
  }
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

function isStillAllowed(
  context: ApiContext,
  authorization: string | undefined,
  viewer: Viewer,
): boolean {
  if (viewer.principal === 'anonymous') return true;
  const secret = authorization?.replace(/^Bearer +/i, '') ?? '';
  return context.registry.authenticateToken(secret) !== undefined;
}

/** A place that is gone is told in an event of its own: the client's next try is answered 410. */
function createEventSink(response: ServerResponse, given: (changes: number) => void): Sink {
  return Object.assign(createStreamSink(response, given), {
    end(reason: ListenerEnd) {
      if (reason === 'expired') {
        const { body } = problemOf(apiError('API_CURSOR_EXPIRED', { parameter: 'after' }));
        response.write(`event: problem\ndata: ${JSON.stringify(body)}\n\n`);
      }
      response.end();
    },
    destroy: () => void response.destroy(),
  });
}
