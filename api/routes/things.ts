/** Lists of things that the registry or the product itself says, and each thing by its id. */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';

import { baseUrl } from '../answer.ts';
import type { ApiContext } from '../context.ts';
import { conditionalHeaders, objectReplies, validatedHeaders } from '../description/replies.ts';
import { apiError, type ApiErrorCode } from '../errors.ts';
import type { Format } from '../formats/format.ts';
import type { Table } from '../formats/table.ts';
import { answerShared } from '../limits/ready-answer.ts';
import type { NetworkView } from '../network.ts';
import { answerObject } from '../object-answer.ts';
import type { PagePlace } from '../page.ts';
import { viewerOf } from '../viewer.ts';
import { addListRoute, type ListRequest, type PagingQuery } from './list.ts';

export interface Named {
  readonly id: string;
}

export interface Kind<Item extends Named, Shape extends z.ZodRawShape> {
  readonly path: string;
  readonly summary: string;
  readonly query: Shape;
  readonly schema: z.ZodType;
  readonly example: object;
  readonly offered: readonly Format[];
  readonly unknown: ApiErrorCode;
  readonly table: (view: NetworkView, base: string) => Table<Item>;
  /** Items that the query lets through, in their one order. */
  readonly select: (
    view: NetworkView,
    query: z.infer<z.ZodObject<Shape>>,
    valuesMax: number,
  ) => readonly Item[];
  readonly find: (view: NetworkView, id: string) => Item | undefined;
}

export function addKind<Item extends Named, Shape extends z.ZodRawShape>(
  app: FastifyInstance,
  context: ApiContext,
  kind: Kind<Item, Shape>,
): void {
  addListRoute(app, context, {
    path: kind.path,
    summary: kind.summary,
    description: 'All of them in one answer, unless a limit is given.',
    query: kind.query,
    item: kind.schema,
    example: kind.example,
    offered: kind.offered,
    handle: (list) => answerKind(context, kind, list),
  });
  const params = z.strictObject({ id: z.string().min(1).max(200) });
  app.get(
    `${kind.path}/:id`,
    {
      schema: {
        summary: `One of ${kind.path}.`,
        params,
        querystring: z.strictObject({}),
        headers: conditionalHeaders,
        response: objectReplies(kind.schema, {
          description: 'It.',
          headers: validatedHeaders,
          example: kind.example,
          problems: [kind.unknown, 'API_ADDRESS_TOO_LONG'],
        }),
        tags: ['readings'],
      },
    },
    async (request, reply) => {
      const viewer = viewerOf(context.registry, request.headers.authorization);
      const view = context.networks.viewOf(viewer);
      const { id } = request.params as z.infer<typeof params>;
      const item = kind.find(view, id);
      if (item === undefined) throw apiError(kind.unknown, { parameter: 'id', value: id });
      return answerObject(context, request, reply, {
        viewer,
        registryVersion: view.registry.version,
        moment: await context.places.at(context.store.position),
        intervalMs: undefined,
        unchangedSince: () => true,
        text: () => kind.table(view, baseUrl(context, request)).json(item),
      });
    },
  );
}

const stepItems = 500;

function answerKind<Item extends Named, Shape extends z.ZodRawShape>(
  context: ApiContext,
  kind: Kind<Item, Shape>,
  list: ListRequest<z.infer<z.ZodObject<Shape>> & PagingQuery>,
): Promise<FastifyReply> {
  const { query, view, question } = list;
  return answerShared(context, list, async () => {
    const items = kind.select(view, query, context.config.valuesPerParameterMax);
    const page = query.page === undefined ? undefined : question.tokens.decode(query.page);
    const limit = query.limit ?? Infinity;
    return {
      question,
      table: kind.table(view, question.base),
      moment: await context.places.at(context.store.position),
      intervalMs: undefined,
      madeAtSeconds: 0,
      // Nothing here depends on readings: the registry's version says it all.
      unchangedSince: () => true,
      steps: stepItemsById(items, { after: page?.place, limit }),
      items: items.length,
    };
  });
}

/** Behind the item of this id; where it is gone, at what follows it by id. */
function placeBehind(items: readonly Named[], id: string): number {
  const at = items.findIndex((item) => item.id === id);
  if (at >= 0) return at + 1;
  const next = items.findIndex((item) => item.id > id);
  return next < 0 ? items.length : next;
}

/** Items in steps, from behind the one named; in the end the place of the next page. */
export function* stepItemsById<Item extends Named>(
  items: readonly Item[],
  page: { readonly after: PagePlace | undefined; readonly limit: number },
): Generator<readonly Item[], PagePlace | null> {
  const { after } = page;
  const begin = after === undefined ? 0 : placeBehind(items, after.id);
  const end = Math.min(items.length, begin + page.limit);
  for (let index = begin; index < end; index += stepItems) {
    yield items.slice(index, Math.min(end, index + stepItems));
  }
  const last = items[end - 1];
  return end < items.length && last !== undefined ? { id: last.id } : null;
}
