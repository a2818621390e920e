import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';

import { countRows, touchSelection } from '../access/meter.ts';
import type { FeedPlace } from '../../ingest/feed/places/places.ts';
import type { ApiContext } from '../context.ts';
import { examples } from '../description/examples.ts';
import { cursorProblems, followedHeaders, objectReplies } from '../description/replies.ts';
import { changesSchema } from '../description/schemas.ts';
import { badParameter } from '../errors.ts';
import { filterQuery, readFilter } from '../filter.ts';
import { chooseFormat } from '../formats/format.ts';
import { readChangePage, type ChangePage, type PageEnd } from '../../ingest/feed/change-page.ts';
import { addLink, licenceLinks } from '../limits/links.ts';
import { followInterest, requireInterest } from '../live/interest.ts';
import { sendElsewhere } from '../elsewhere.ts';
import { viewerOf } from '../viewer.ts';

const limitDefault = 1_000;
/**
 * Looking through so many bytes of the log is counted as a row of an answer: a page of 4 MiB goes
 * through half a million rows, which takes about as long as showing 40,000.
 */
const scannedBytesPerRow = 100;

const untilParameter = z
  .string()
  .min(1)
  .max(1_000)
  .optional()
  .describe(
    'A cursor at or behind `after`, or `manifest` for that of the next manifest: the page ends exactly there, with that cursor as `next` and `atEnd` true. `manifest` where there is no next one: the end.',
  );

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
    until: untilParameter,
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
          problems: [...cursorProblems, 'API_NOT_ACCEPTABLE', 'API_PUBLISHED_ELSEWHERE'],
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
      if (query.until === 'manifest' && context.manifests === undefined) {
        return sendElsewhere(context, request, reply);
      }
      const until = readUntil(context, from, query.until);
      const page = await readChangePage(context, {
        from,
        until,
        limit: query.limit,
        view: followInterest(context.networks, viewer, filter)(),
      });
      charge(context, request, page);
      addLink(reply, licenceLinks(view, context.select(view, query)));
      return reply
        .headers({
          'content-type': 'application/json; charset=utf-8',
          'cache-control': 'no-store',
          'quantrac-cursor': page.next,
        })
        .send(textOf(page, until));
    },
  );
}

/** Where the page is to end: a place, and the text that the client knows it by. */
interface Until extends PageEnd {
  readonly manifest?: number;
}

function charge(
  context: ApiContext,
  request: FastifyRequest,
  { texts, scannedBytes }: ChangePage,
): void {
  context.gate.countRows(request, Math.max(texts.length, scannedBytes / scannedBytesPerRow));
  countRows(request, texts.length);
}

function textOf({ texts, next, atEnd, isAtUntil }: ChangePage, until: Until | undefined): string {
  const end = isAtUntil && until?.manifest !== undefined ? `,"manifest":${until.manifest}` : '';
  return `{"changes":[${texts.join(',')}],"next":"${next}","atEnd":${atEnd}${end}}`;
}

function readUntil(
  { places, manifests }: ApiContext,
  from: FeedPlace,
  text: string | undefined,
): Until | undefined {
  if (text === undefined) return undefined;
  if (text === 'manifest') {
    const next = manifests?.nextBehind(from);
    if (next === undefined) return undefined;
    const { cursor, sequence } = next;
    return { place: places.readEnd(cursor, 'until'), cursor, manifest: sequence };
  }
  const place = places.readEnd(text, 'until');
  if (!places.hasReached(place, from)) {
    throw badParameter('until', 'a cursor at or behind `after`');
  }
  return { place, cursor: text };
}
