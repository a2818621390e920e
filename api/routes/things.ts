/** Lists of things that the registry or the product itself says, and each thing by its id. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';

import { inSlices } from '../../devices/slices.ts';
import { baseUrl, beginList, hasList } from '../answer.ts';
import type { ApiContext } from '../context.ts';
import { conditionalHeaders, objectReplies, validatedHeaders } from '../description/replies.ts';
import { askEarlier, earlierProblems } from '../earlier/asked.ts';
import { apiError, type ApiErrorCode } from '../errors.ts';
import type { Format } from '../formats/format.ts';
import type { Table } from '../formats/table.ts';
import { oneLicenceLink } from '../limits/links.ts';
import { answerShared, type SharedAnswer } from '../limits/ready-answer.ts';
import type { NetworkView } from '../network.ts';
import { answerObject, hasObject } from '../object-answer.ts';
import type { PagePlace, PinnedPage } from '../page.ts';
import { viewerOf } from '../viewer.ts';
import { addListRoute, type ListRequest, type PagingQuery } from './list.ts';
import { timeQuery } from './observations.ts';

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
  /** What `select` needs of a view and keeps beside it, bit by bit. */
  readonly prepare?: (view: NetworkView) => Generator<undefined, unknown>;
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
    problems: problemsOf(kind),
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
        querystring: z.strictObject('asOf' in kind.query ? asOfQuery : {}),
        headers: conditionalHeaders,
        response: objectReplies(kind.schema, {
          description: 'It.',
          headers: validatedHeaders,
          example: kind.example,
          problems: [kind.unknown, 'API_ADDRESS_TOO_LONG', ...problemsOf(kind)],
        }),
        tags: ['readings'],
      },
    },
    (request, reply) => answerOne(context, kind, { request, reply }),
  );
}

/** Where the query of a list has `asOf`, each of its items has it too. */
export const asOfQuery = { asOf: timeQuery.asOf } as const;

function problemsOf({ query }: { readonly query: z.ZodRawShape }): readonly ApiErrorCode[] {
  return 'asOf' in query ? earlierProblems : [];
}

async function answerOne<Item extends Named, Shape extends z.ZodRawShape>(
  context: ApiContext,
  kind: Kind<Item, Shape>,
  { request, reply }: { readonly request: FastifyRequest; readonly reply: FastifyReply },
): Promise<FastifyReply> {
  const viewer = viewerOf(context.registry, request.headers.authorization);
  const today = context.networks.viewOf(viewer);
  const { id } = request.params as Named;
  const { asOf } = request.query as { readonly asOf?: string };
  const textIn = (view: NetworkView): string => {
    const item = kind.find(view, id);
    if (item === undefined) throw apiError(kind.unknown, { parameter: 'id', value: id });
    return kind.table(view, baseUrl(context, request)).json(item);
  };
  if (asOf === undefined) {
    const text = textIn(today);
    return answerObject(context, request, reply, {
      viewer,
      registryVersion: today.registry.version,
      moment: await context.places.at(context.store.position),
      intervalMs: undefined,
      unchangedSince: () => true,
      text: () => text,
    });
  }
  const earlier = await askEarlier(context, { request, viewer, today, asOf });
  const head = { ...earlier, viewer, intervalMs: undefined, unchangedSince: () => false };
  const make = async (): Promise<string> => textIn(await earlier.view());
  // Whoever has it already is told so before anything is made.
  if (hasObject(context, request, head)) {
    return answerObject(context, request, reply, { ...head, text: make });
  }
  const text = await make();
  return answerObject(context, request, reply, { ...head, text: () => text });
}

const stepItems = 500;

async function answerKind<Item extends Named, Shape extends z.ZodRawShape>(
  context: ApiContext,
  kind: Kind<Item, Shape>,
  list: ListRequest<z.infer<z.ZodObject<Shape>> & PagingQuery>,
): Promise<FastifyReply> {
  const { request, reply, query, view, viewer, question } = list;
  const page = query.page === undefined ? undefined : question.tokens.decode(query.page);
  const { asOf } = query as { readonly asOf?: string };
  if (asOf === undefined) {
    return answerShared(context, list, async () =>
      answerIn(context, kind, list, {
        view,
        page,
        moment: await context.places.at(context.store.position),
        // Nothing here depends on readings: the registry's version says it all.
        unchangedSince: () => true,
      }),
    );
  }
  const earlier = await askEarlier(context, { request, viewer, today: view, asOf, page });
  const { moment, registryVersion } = earlier;
  const asked = { ...list, question: { ...question, registryVersion } };
  const head = { ...undatedHead, question: asked.question, moment, unchangedSince: () => false };
  // Whoever has it already is told so before anything is made.
  const begun = hasList(context, request, head) && beginList(context, request, reply, head);
  if (begun) return begun;
  return answerShared(context, asked, async () =>
    answerIn(context, kind, asked, { ...head, page, view: await earlier.view() }),
  );
}

const undatedHead = { intervalMs: undefined, madeAtSeconds: 0 } as const;

interface ListAt extends Pick<SharedAnswer<Named>, 'moment' | 'unchangedSince'> {
  readonly view: NetworkView;
  readonly page: PinnedPage | undefined;
}

async function answerIn<Item extends Named, Shape extends z.ZodRawShape>(
  context: ApiContext,
  kind: Kind<Item, Shape>,
  { request, query, question }: ListRequest<z.infer<z.ZodObject<Shape>> & PagingQuery>,
  { view, page, moment, unchangedSince }: ListAt,
): Promise<SharedAnswer<Item>> {
  if (kind.prepare !== undefined) {
    const worked = (ms: number): void => context.gate.countWork(request, { rows: 0, ms });
    await inSlices(kind.prepare(view), context.clock, worked);
  }
  const items = kind.select(view, query, context.config.valuesPerParameterMax);
  const wish = { after: page?.place, limit: query.limit ?? Infinity };
  const table = kind.table(view, question.base);
  return {
    ...undatedHead,
    question,
    table,
    links: oneLicenceLink(table, pageOf(items, wish)),
    moment,
    unchangedSince,
    steps: stepItemsById(items, wish),
    items: items.length,
  };
}

/** Behind the item of this id; where it is gone, at what follows it by id. */
function placeBehind(items: readonly Named[], id: string): number {
  const at = items.findIndex((item) => item.id === id);
  if (at >= 0) return at + 1;
  const next = items.findIndex((item) => item.id > id);
  return next < 0 ? items.length : next;
}

interface PageWish {
  readonly after: PagePlace | undefined;
  readonly limit: number;
}

function pageOf<Item extends Named>(
  items: readonly Item[],
  { after, limit }: PageWish,
): readonly Item[] {
  const begin = after === undefined ? 0 : placeBehind(items, after.id);
  return items.slice(begin, begin + limit);
}

/** Items in steps, from behind the one named; in the end the place of the next page. */
export function* stepItemsById<Item extends Named>(
  items: readonly Item[],
  wish: PageWish,
): Generator<readonly Item[], PagePlace | null> {
  const page = pageOf(items, wish);
  for (let index = 0; index < page.length; index += stepItems) {
    yield page.slice(index, index + stepItems);
  }
  const last = page.at(-1);
  return last !== undefined && last !== items.at(-1) ? { id: last.id } : null;
}
