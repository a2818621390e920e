/** `/api/v1/sandbox`, where this server is one: the places that a client meets once in years. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';

import { baseUrl } from '../answer.ts';
import type { ApiContext } from '../context.ts';
import { objectReplies } from '../description/replies.ts';
import { createCursors } from '../../ingest/feed/cursor.ts';

const sandboxSchema = z.strictObject({
  cursors: z.strictObject({
    expired: z.string().describe('Answered 410 API_CURSOR_EXPIRED: fetch everything anew.'),
    otherStore: z.string().describe('Answered 410 API_CURSOR_STORE_UNKNOWN: the same.'),
    invalid: z.string().describe('Answered 400 API_CURSOR_INVALID.'),
    now: z.string().describe('The end of the feed.'),
  }),
  links: z.array(z.strictObject({ rel: z.string(), href: z.string() })),
});

/** Further than any log goes: what a history that a restore took back would have given. */
const beyond = 2 ** 40;

export function addSandbox(app: FastifyInstance, context: ApiContext): void {
  if (!context.config.sandbox) return;
  app.get(
    '/sandbox',
    {
      schema: {
        summary: 'Of a sandbox: cursors that are refused, and where the planted series are.',
        querystring: z.strictObject({}),
        response: objectReplies(sandboxSchema, { description: 'Cursors and links.' }),
        tags: ['readings'],
      },
    },
    async (request, reply) => {
      const { places, store } = context;
      const base = `${baseUrl(context, request)}/api/v1`;
      const other = createCursors({ storeId: 'another-store', earlier: [] });
      return reply
        .header('cache-control', 'no-store')
        .header('content-type', 'application/json; charset=utf-8')
        .send(
          JSON.stringify({
            cursors: {
              expired: places.cursorOf({ position: beyond, index: 0 }),
              otherStore: other.encode({ position: 1, index: 0 }),
              invalid: 'not-a-cursor',
              now: (await places.at(store.position)).cursor,
            },
            links: ['datastreams', 'latest', 'changes', 'live'].map((rel) => ({
              rel,
              href: `${base}/${rel}?station=sandbox`,
            })),
          }),
        );
    },
  );
}
