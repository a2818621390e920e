import type { FastifyInstance } from 'fastify';
import { z } from 'zod';

import { countRows, touchSelection } from '../access/meter.ts';
import type { ApiContext } from '../context.ts';
import { examples } from '../description/examples.ts';
import { cursorProblems, followedHeaders, objectReplies } from '../description/replies.ts';
import { changesSchema } from '../description/schemas.ts';
import { apiError } from '../errors.ts';
import { filterQuery, readFilter } from '../filter.ts';
import { chooseFormat } from '../formats/format.ts';
import { followInterest, requireInterest } from '../live/interest.ts';
import { comesTrue } from '../../ingest/feed/comes-true.ts';
import type { FeedPlace } from '../../ingest/feed/places/places.ts';
import { viewerOf } from '../viewer.ts';

const limitDefault = 1_000;
/** A client that comes from a node further on waits here for so long; then it is told to come again. */
const coverWaitMs = 2_000;

/** `/changes`: what was decided since a cursor, page by page. */
export function addChanges(app: FastifyInstance, context: ApiContext): void {
  const querystring = z.strictObject({
    ...filterQuery,
    after: z
      .string()
      .min(1)
      .max(1_000)
      .optional()
      .describe('A cursor, or `now`; without it, the oldest change that can be followed.'),
    limit: z.coerce
      .number()
      .int()
      .min(1)
      .max(context.config.changesPerPageMax)
      .default(Math.min(limitDefault, context.config.changesPerPageMax)),
    format: z.enum(['json']).optional(),
  });
  app.get(
    '/changes',
    {
      schema: {
        summary: 'Changes since a cursor: inserts, corrections and deletions, in order.',
        description:
          'A filtered page may be empty while atEnd is false: go on with `next`. ' +
          'A cursor of an unknown store, or one too old, is answered 410.',
        querystring,
        response: objectReplies(changesSchema, {
          description: 'One page of changes.',
          headers: followedHeaders,
          example: examples.changes,
          problems: [...cursorProblems, 'API_NOT_ACCEPTABLE'],
        }),
        tags: ['readings'],
      },
    },
    async (request, reply) => {
      const viewer = viewerOf(context.registry, request.headers.authorization);
      const query = request.query as z.infer<typeof querystring>;
      chooseFormat({ extension: undefined, format: query.format, accept: request.headers.accept }, [
        'json',
      ]);
      const filter = readFilter(query, context.config.valuesPerParameterMax);
      const view = context.networks.viewOf(viewer);
      requireInterest(view, filter);
      touchSelection(request, view, query);
      const from = await context.places.read(query.after, 'after');
      const page = await readPage(context, {
        from,
        limit: query.limit,
        view: followInterest(context.networks, viewer, filter)(),
      });
      countRows(request, page.texts.length);
      return reply
        .headers({
          'content-type': 'application/json; charset=utf-8',
          'cache-control': 'no-store',
          'quantrac-cursor': page.next,
        })
        .send(`{"changes":[${page.texts.join(',')}],"next":"${page.next}","atEnd":${page.atEnd}}`);
    },
  );
}

interface PageOptions {
  readonly from: FeedPlace;
  readonly limit: number;
  readonly view: ReturnType<ReturnType<typeof followInterest>>;
}

async function readPage(context: ApiContext, { from, limit, view }: PageOptions) {
  const { readers, places, registryAt, feed, config } = context;
  const texts: string[] = [];
  if (!(await comesTrue(context.clock, coverWaitMs, () => places.isCovered(from)))) {
    return { texts, next: places.cursorOf(from), atEnd: true };
  }
  const reader = await readers.take(from);
  try {
    const isThere = await reader.read({
      ...view,
      registryAt,
      toPosition: feed.position,
      scanBytesMax: config.changesScanBytesMax,
      accept: (text) => texts.push(text) < limit,
    });
    if (!isThere) throw apiError('API_CURSOR_EXPIRED', { parameter: 'after' });
  } catch (error) {
    await reader.close();
    throw error;
  }
  const { place } = reader;
  await readers.give(reader);
  return {
    texts,
    next: places.cursorOf(place),
    atEnd: place.position > feed.position,
  };
}
