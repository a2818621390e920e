/** `/search`: stations, properties, datasets and owners by name or id, as people type them. */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';

import { answerList } from '../answer.ts';
import type { ApiContext } from '../context.ts';
import { apiError, badParameter } from '../errors.ts';
import type { Table } from '../formats/table.ts';
import type { PagePlace } from '../page.ts';
import { addListRoute, type ListRequest, type PagingQuery } from '../routes/list.ts';
import { findThings, matches, readWords, type Found } from './find.ts';
import { thingsOf, thingTypes, type ThingType } from './things.ts';

const query = {
  q: z
    .string()
    .min(1)
    .max(200)
    .describe(
      'Words of a name, in Vietnamese or English, or of an id: in any order, with or without diacritics and capitals. The last may be incomplete.',
    ),
  type: z
    .string()
    .min(1)
    .max(100)
    .optional()
    .describe('One or more of station, property, dataset, owner, separated by commas.'),
  lang: z
    .enum(['vi', 'en'])
    .optional()
    .describe('Only names in this language are looked at; without it both. Ids always are.'),
} as const;

type Query = z.infer<z.ZodObject<typeof query>> & PagingQuery;

const item = z.strictObject({
  type: z.enum(thingTypes),
  id: z.string(),
  name: z.strictObject({ vi: z.string(), en: z.string() }),
  match: z
    .enum(matches)
    .describe('The whole name or id, beginnings of its words, or something inside of them.'),
  href: z.string().describe('Where it is described.'),
});

const example = {
  type: 'station',
  id: 'ha-noi',
  name: { vi: 'Trạm Hà Nội', en: 'Ha Noi station' },
  match: 'start',
  href: 'https://quantrac.example/id/station/ha-noi',
};

const wordsMax = 8;
const itemsUsual = 20;
const stepItems = 500;

export function addSearch(app: FastifyInstance, context: ApiContext): void {
  addListRoute(app, context, {
    path: '/search',
    summary: 'Stations, properties, datasets and owners by name or id, the best match first.',
    description:
      'The best are those whose whole name or id is asked for, then those with words that begin ' +
      `so, then those with something inside. ${itemsUsual} of them unless a limit is given.`,
    query,
    item,
    example,
    problems: ['API_PAGE_EXPIRED'],
    offered: ['json', 'csv', 'ndjson'],
    handle: (list) => answerSearch(context, list),
  });
}

async function answerSearch(
  context: ApiContext,
  { request, reply, query: asked, view, question }: ListRequest<Query>,
): Promise<FastifyReply> {
  const words = readWords(asked.q, wordsMax);
  if (words === undefined) {
    throw badParameter('q', `one to ${wordsMax} words of letters or digits`);
  }
  const types = asked.type === undefined ? null : readTypes(asked.type);
  const page = asked.page === undefined ? undefined : question.tokens.decode(asked.page);
  const things = await thingsOf(view);
  const startMs = context.clock.monotonicMs();
  const found = findThings(things, { words, types, language: asked.lang ?? null });
  context.gate.countWork(request, { rows: 0, ms: context.clock.monotonicMs() - startMs });
  return answerList(context, request, reply, {
    question,
    table: foundTable(question.base),
    moment: await context.places.at(context.store.position),
    intervalMs: undefined,
    madeAtSeconds: 0,
    // Nothing here depends on readings: the registry's version says it all.
    unchangedSince: () => true,
    steps: stepFound(found, page?.place, asked.limit ?? itemsUsual),
  });
}

function readTypes(text: string): ReadonlySet<ThingType> {
  return new Set(
    text.split(',').map((name) => {
      const type = thingTypes.find((each) => each === name);
      if (type === undefined) throw badParameter('type', 'station, property, dataset, owner');
      return type;
    }),
  );
}

/** Unlike in lists by id, what follows one that is gone is not known. */
function* stepFound(
  found: readonly Found[],
  after: PagePlace | undefined,
  limit: number,
): Generator<readonly Found[], PagePlace | null> {
  const at = after === undefined ? -1 : found.findIndex((each) => keyOf(each) === after.id);
  if (after !== undefined && at < 0) throw apiError('API_PAGE_EXPIRED', { parameter: 'page' });
  const end = Math.min(found.length, at + 1 + limit);
  for (let index = at + 1; index < end; index += stepItems) {
    yield found.slice(index, Math.min(end, index + stepItems));
  }
  const last = found[end - 1];
  return end < found.length && last !== undefined ? { id: keyOf(last) } : null;
}

function keyOf({ thing }: Found): string {
  return `${thing.type}:${thing.id}`;
}

function foundTable(base: string): Table<Found> {
  const href = ({ thing }: Found) => `${base}/id/${thing.type}/${encodeURIComponent(thing.id)}`;
  return {
    columns: ['type', 'id', 'nameVi', 'nameEn', 'match', 'href'],
    key: ['type', 'id'],
    json: (found) => {
      const { thing, match } = found;
      const { type, id, name } = thing;
      return JSON.stringify({ type, id, name, match, href: href(found) });
    },
    cells: (found) => {
      const { thing, match } = found;
      return [thing.type, thing.id, thing.name.vi, thing.name.en, match, href(found)];
    },
    id: keyOf,
    point: () => null,
  };
}
