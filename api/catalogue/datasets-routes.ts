/** `/api/v1/datasets` and everything that there is of one: its description in many forms. */
import { createHash } from 'node:crypto';

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';

import { answerList } from '../answer.ts';
import type { ApiContext } from '../context.ts';
import { conditionalHeaders } from '../description/replies.ts';
import { apiError } from '../errors.ts';
import { createRowTable } from '../formats/row-table.ts';
import { addListRoute, type ListRequest, type PagingQuery } from '../routes/list.ts';
import { stepItemsById } from '../routes/things.ts';
import { viewerOf } from '../viewer.ts';
import { absoluteBase } from './uris.ts';
import { answerText } from './answer-text.ts';
import { describeEach } from './catalogue.ts';
import { dataPackage } from './data-package.ts';
import { datasetGraph } from './dcat/dataset-graph.ts';
import { publisherOf, publisherThings } from './dcat/publisher.ts';
import { createRdfWriter, rdfFormats, rdfMediaTypes, type RdfFormat } from './dcat/writer.ts';
import { datasetExample, datasetObject, datasetSchema } from './description.ts';
import type { Entry } from './entry.ts';
import { iso19139 } from './iso19139.ts';
import { datasetQuery, selectItems, type DatasetQuery } from './query.ts';
import { textReplies } from './replies.ts';
import type { CatalogueRoutes } from './routes.ts';
import { schemaOrgDataset } from './schema-org.ts';
import { datasetTable } from './table.ts';

/** Each is described whole, with all its files. */
const datasetsPerPageMax = 1_000;

export function addDatasets(app: FastifyInstance, routes: CatalogueRoutes): void {
  addListRoute(app, routes.context, {
    path: '/datasets',
    summary: 'Datasets, by id.',
    description: `Each with its distributions; at most ${datasetsPerPageMax} a page.`,
    query: datasetQuery,
    item: datasetSchema,
    example: datasetExample,
    offered: ['json', 'csv', 'ndjson'],
    handle: (list) => answerDatasets(routes, list),
  });
  for (const form of formsOf(routes.context)) addForm(app, routes, form);
}

async function answerDatasets(
  { context, catalogue }: CatalogueRoutes,
  { request, reply, query, view, question }: ListRequest<DatasetQuery & PagingQuery>,
): Promise<FastifyReply> {
  const { valuesPerParameterMax: valuesMax } = context.config;
  const items = await selectItems(catalogue, view, { query, valuesMax });
  const page = query.page === undefined ? undefined : question.tokens.decode(query.page);
  const limit = Math.min(query.limit ?? datasetsPerPageMax, datasetsPerPageMax);
  const steps = stepItemsById(items, { after: page?.place, limit });
  const base = absoluteBase(context, request);
  const table = datasetTable(base);
  const pages: Entry[][] = [];
  // What an entry says depends on more than the registry, so the tag is of all that is said.
  const hash = createHash('sha256');
  let step = steps.next();
  for (; step.done !== true; step = steps.next()) {
    const entries: Entry[] = [];
    for await (const entry of describeEach(catalogue, view, { items: step.value, base })) {
      hash.update(table.json(entry));
      entries.push(entry);
    }
    pages.push(entries);
  }
  const end = step.value;
  return answerList(context, request, reply, {
    question: { ...question, text: `${question.text}\n${hash.digest('hex')}` },
    table,
    moment: await context.places.at(context.store.position),
    intervalMs: undefined,
    madeAtSeconds: 0,
    unchangedSince: () => true,
    steps: (function* () {
      yield* pages;
      return end;
    })(),
  });
}

interface Form {
  readonly path: string;
  readonly summary: string;
  readonly mediaType: string;
  readonly schema?: z.ZodType;
  readonly text: (entry: Entry, base: string, request: FastifyRequest) => string | Promise<string>;
}

function formsOf(context: ApiContext): readonly Form[] {
  const publisher = (base: string) => publisherOf(context.config.catalogue, base);
  return [
    {
      path: '/datasets/:id',
      summary: 'One dataset.',
      mediaType: 'application/json',
      schema: datasetSchema,
      text: (entry, base) => JSON.stringify(datasetObject(entry, base)),
    },
    ...rdfFormats.map((format) => ({
      path: `/datasets/:id/dcat.${format}`,
      summary: `One dataset in DCAT-AP 3.0.0 as ${rdfMediaTypes[format]}.`,
      mediaType: rdfMediaTypes[format],
      text: (entry: Entry, base: string) => rdfText(context, entry, { base, format }),
    })),
    {
      path: '/datasets/:id/iso19139.xml',
      summary: 'One dataset as geographic metadata, ISO 19139, in Vietnamese and English.',
      mediaType: 'application/xml',
      text: (entry, base) => iso19139(entry, publisher(base)),
    },
    {
      path: '/datasets/:id/schema.jsonld',
      summary: 'One dataset in the words of schema.org, JSON-LD.',
      mediaType: 'application/ld+json',
      text: (entry, base) => JSON.stringify(schemaOrgDataset(entry, base, publisher(base))),
    },
    {
      path: '/datasets/:id/datapackage.json',
      summary: 'Live CSV of one dataset as a Data Package v2.',
      mediaType: 'application/json',
      schema: z.looseObject({ name: z.string(), resources: z.array(z.looseObject({})) }),
      text(entry, base, request) {
        // A package has at least one resource, and what is planned has none.
        if (entry.state === 'planned') {
          throw apiError('API_DATASET_UNKNOWN', { parameter: 'id', value: entry.id });
        }
        const view = context.networks.viewOf(
          viewerOf(context.registry, request.headers.authorization),
        );
        const columns = {
          latest: createRowTable(view, { base, order: null, latestAt: 0 }).columns,
          observations: createRowTable(view, { base, order: 'asc' }).columns,
        };
        return JSON.stringify(dataPackage(entry, { base, columns, publisher: publisher(base) }));
      },
    },
  ];
}

async function rdfText(
  context: ApiContext,
  entry: Entry,
  { base, format }: { readonly base: string; readonly format: RdfFormat },
): Promise<string> {
  const publisher = publisherOf(context.config.catalogue, base);
  const { own, shared } = datasetGraph(entry, base, publisher);
  const writer = createRdfWriter(format);
  writer.write(own);
  writer.write([
    ...new Map(
      [...shared, ...publisherThings(publisher)].map((thing) => [thing.uri, thing]),
    ).values(),
  ]);
  return writer.end();
}

const params = z.strictObject({ id: z.string().min(1).max(140) });

function addForm(app: FastifyInstance, { context, catalogue }: CatalogueRoutes, form: Form): void {
  const { path, summary, mediaType, schema } = form;
  const response = textReplies(
    summary,
    [mediaType],
    ['API_DATASET_UNKNOWN', 'API_ADDRESS_TOO_LONG', 'API_PUBLISHED_ELSEWHERE'],
    schema,
  );
  app.get(
    path,
    {
      schema: {
        summary,
        params,
        querystring: z.strictObject({}),
        headers: conditionalHeaders,
        response,
        tags: ['catalogue'],
      },
    },
    async (request, reply) => {
      const viewer = viewerOf(context.registry, request.headers.authorization);
      const view = context.networks.viewOf(viewer);
      const { id } = request.params as z.infer<typeof params>;
      const item = catalogue.find(view, id);
      if (item === undefined) throw apiError('API_DATASET_UNKNOWN', { parameter: 'id', value: id });
      await catalogue.follow();
      const base = absoluteBase(context, request);
      const entry = await catalogue.describe(view, item, base);
      const text = await form.text(entry, base, request);
      return answerText(context, request, reply, { viewer, mediaType, text });
    },
  );
}
