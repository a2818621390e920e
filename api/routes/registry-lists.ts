/** `/stations`, `/datastreams`, `/properties`, `/owners`: what is measured, where and by whom. */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';

import { baseUrl } from '../answer.ts';
import type { ApiContext } from '../context.ts';
import { examples } from '../description/examples.ts';
import { conditionalHeaders, objectReplies, validatedHeaders } from '../description/replies.ts';
import {
  datastreamSchema,
  ownerSchema,
  propertySchema,
  stationSchema,
} from '../description/schemas.ts';
import { apiError, type ApiErrorCode } from '../errors.ts';
import { filterQuery, readFilter, selectDatastreams, selectStations } from '../filter.ts';
import { listFormats, mapFormats, type Format } from '../formats/format.ts';
import {
  datastreamTable,
  ownerTable,
  propertyTable,
  stationTable,
} from '../formats/registry-tables.ts';
import type { Table } from '../formats/table.ts';
import { answerShared } from '../limits/ready-answer.ts';
import type { NetworkView } from '../network.ts';
import { answerObject } from '../object-answer.ts';
import type { PagePlace } from '../page.ts';
import { viewerOf } from '../viewer.ts';
import { addListRoute, type ListRequest, type PagingQuery } from './list.ts';

interface Named {
  readonly id: string;
}

interface Kind<Item extends Named> {
  readonly path: string;
  readonly summary: string;
  readonly schema: z.ZodType;
  readonly example: object;
  readonly offered: readonly Format[];
  readonly unknown: ApiErrorCode;
  readonly table: (view: NetworkView, base: string) => Table<Item>;
  /** Items that the filter lets through, by id. */
  readonly select: (view: NetworkView, query: Query, valuesMax: number) => readonly Item[];
  readonly find: (view: NetworkView, id: string) => Item | undefined;
}

type Query = z.infer<z.ZodObject<typeof filterQuery>>;

const stepItems = 500;

export function addRegistryLists(app: FastifyInstance, context: ApiContext): void {
  addKind(app, context, {
    path: '/stations',
    summary: 'Stations, by id.',
    schema: stationSchema,
    example: examples.station,
    offered: mapFormats,
    unknown: 'API_STATION_UNKNOWN',
    table: stationTable,
    select: (view, query, valuesMax) => selectStations(view, readFilter(query, valuesMax)),
    find: (view, id) => (view.seesStation(id) ? view.registry.stations.get(id) : undefined),
  });
  addKind(app, context, {
    path: '/datastreams',
    summary: 'Datastreams, by id.',
    schema: datastreamSchema,
    example: examples.datastream,
    offered: mapFormats,
    unknown: 'API_DATASTREAM_UNKNOWN',
    table: datastreamTable,
    select: (view, query, valuesMax) => selectDatastreams(view, readFilter(query, valuesMax)),
    find(view, id) {
      const datastream = view.registry.datastreams.get(id);
      return datastream !== undefined && view.sees(datastream.series) ? datastream : undefined;
    },
  });
  addKind(app, context, {
    path: '/properties',
    summary:
      'Observed properties, by id; with a filter, those that it lets datastreams of through.',
    schema: propertySchema,
    example: examples.property,
    offered: listFormats,
    unknown: 'API_PROPERTY_UNKNOWN',
    table: propertyTable,
    select(view, query, valuesMax) {
      const used = usedBy(view, query, valuesMax, (datastream) => datastream.property);
      return sortedById(view.registry.properties.values()).filter(
        ({ id }) => used?.has(id) ?? true,
      );
    },
    find: (view, id) => view.registry.properties.get(id),
  });
  addKind(app, context, {
    path: '/owners',
    summary: 'Owners, by id; with a filter, those of the stations that it lets through.',
    schema: ownerSchema,
    example: examples.owner,
    offered: listFormats,
    unknown: 'API_OWNER_UNKNOWN',
    table: ownerTable,
    select(view, query, valuesMax) {
      if (isUnfiltered(query)) return view.owners;
      const stations = selectStations(view, readFilter(query, valuesMax));
      const used = new Set(stations.map((station) => station.owner));
      return view.owners.filter(({ id }) => used.has(id));
    },
    find: (view, id) => (view.seesOwner(id) ? view.registry.owners.get(id) : undefined),
  });
}

function addKind<Item extends Named>(
  app: FastifyInstance,
  context: ApiContext,
  kind: Kind<Item>,
): void {
  addListRoute(app, context, {
    path: kind.path,
    summary: kind.summary,
    description: 'All of them in one answer, unless a limit is given.',
    query: filterQuery,
    item: kind.schema,
    example: kind.example,
    offered: kind.offered,
    handle: (list) => answerKind(context, kind, list),
  });
  const params = z.strictObject({ id: z.string().min(1).max(64) });
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
        moment: await context.places.at(context.store.position),
        intervalMs: undefined,
        unchangedSince: () => true,
        text: () => kind.table(view, baseUrl(context, request)).json(item),
      });
    },
  );
}

function answerKind<Item extends Named>(
  context: ApiContext,
  kind: Kind<Item>,
  list: ListRequest<Query & PagingQuery>,
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

/** Items in steps, from behind the one named; in the end the place of the next page. */
export function* stepItemsById<Item extends Named>(
  items: readonly Item[],
  page: { readonly after: PagePlace | undefined; readonly limit: number },
): Generator<readonly Item[], PagePlace | null> {
  const { after } = page;
  const found = after === undefined ? 0 : items.findIndex((item) => item.id > after.id);
  const begin = found < 0 ? items.length : found;
  const end = Math.min(items.length, begin + page.limit);
  for (let index = begin; index < end; index += stepItems) {
    yield items.slice(index, Math.min(end, index + stepItems));
  }
  const last = items[end - 1];
  return end < items.length && last !== undefined ? { id: last.id } : null;
}

function isUnfiltered(query: Query): boolean {
  return Object.keys(filterQuery).every((name) => query[name as keyof Query] === undefined);
}

function usedBy(
  view: NetworkView,
  query: Query,
  valuesMax: number,
  nameOf: (datastream: { readonly property: string }) => string,
): ReadonlySet<string> | null {
  if (isUnfiltered(query)) return null;
  return new Set(selectDatastreams(view, readFilter(query, valuesMax)).map(nameOf));
}

function sortedById<Item extends Named>(items: Iterable<Item>): Item[] {
  return [...items].sort((a, b) => (a.id < b.id ? -1 : 1));
}
