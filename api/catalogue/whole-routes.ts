/** The whole catalogue in one text: `/data.json`, `/catalog.schema.jsonld`, `/catalog.csv`. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';

import { conditionalHeaders } from '../description/replies.ts';
import { apiError } from '../errors.ts';
import { viewerOf } from '../viewer.ts';
import { absoluteBase } from './uris.ts';
import { answerText } from './answer-text.ts';
import { describeEach } from './catalogue.ts';
import { catalogueDescription, titleOf } from './dcat/catalog-graph.ts';
import { publisherOf, type Publisher } from './dcat/publisher.ts';
import { dataJson } from './data-json.ts';
import type { Entry } from './entry.ts';
import { datasetQuery, selectItems, type DatasetQuery } from './query.ts';
import { textReplies } from './replies.ts';
import type { CatalogueRoutes } from './routes.ts';
import { schemaOrgCatalogue } from './schema-org.ts';
import { catalogueCsv } from './vietnamese-csv.ts';

interface Whole {
  readonly path: string;
  readonly summary: string;
  readonly mediaType: string;
  readonly schema?: z.ZodType;
  readonly query: z.ZodRawShape;
  readonly text: (entries: readonly Entry[], about: About) => string;
}

interface About {
  readonly base: string;
  readonly publisher: Publisher;
  readonly query: DatasetQuery & { readonly lang?: 'vi' | 'en' };
}

const lang = z.enum(['vi', 'en']).optional().describe('vi (usual) or en.');

export function addWholeRoutes(app: FastifyInstance, routes: CatalogueRoutes): void {
  const { config, clock } = routes.context;
  const wholes: readonly Whole[] = [
    {
      path: '/data.json',
      summary: 'The catalogue in DCAT-US 1.1 (Project Open Data).',
      mediaType: 'application/json',
      schema: z.looseObject({ conformsTo: z.string(), dataset: z.array(z.looseObject({})) }),
      query: datasetQuery,
      text: (entries, { base, publisher }) =>
        JSON.stringify(dataJson(entries, base, { publisher, nowAt: clock.now() })),
    },
    {
      path: '/catalog.schema.jsonld',
      summary: 'The catalogue in the words of schema.org, JSON-LD.',
      mediaType: 'application/ld+json',
      query: datasetQuery,
      text: (entries, { base, publisher }) =>
        JSON.stringify(
          schemaOrgCatalogue(entries, base, {
            publisher,
            title: titleOf(config.catalogue),
            description: catalogueDescription,
          }),
        ),
    },
    {
      path: '/catalog.csv',
      summary: 'The catalogue as a table with headings in Vietnamese or English.',
      mediaType: 'text/csv; charset=utf-8; header=present',
      query: { ...datasetQuery, lang },
      text: (entries, { publisher, query }) => catalogueCsv(entries, query.lang ?? 'vi', publisher),
    },
  ];
  for (const whole of wholes) addWhole(app, routes, whole);
}

function addWhole(app: FastifyInstance, routes: CatalogueRoutes, whole: Whole): void {
  const { path, summary, mediaType, schema, query } = whole;
  const [shown = ''] = mediaType.split(';', 1);
  app.get(
    path,
    {
      schema: {
        summary,
        description: 'Whole or not at all; filters give a part that was asked for.',
        querystring: z.strictObject(query),
        headers: conditionalHeaders,
        response: textReplies(summary, [shown], ['API_CATALOGUE_PAGE_TOO_LARGE'], schema),
        tags: ['catalogue'],
      },
    },
    (request, reply) => answerWhole(routes, request, reply, whole),
  );
}

async function answerWhole(
  { context, catalogue, texts }: CatalogueRoutes,
  request: FastifyRequest,
  reply: FastifyReply,
  { path, mediaType, text: textOf }: Whole,
): Promise<FastifyReply> {
  const viewer = viewerOf(context.registry, request.headers.authorization);
  const view = context.networks.viewOf(viewer);
  const query = request.query as About['query'];
  const base = absoluteBase(context, request);
  const { valuesPerParameterMax: valuesMax, catalogue: config } = context.config;
  const items = await selectItems(catalogue, view, { query, valuesMax });
  const asked = JSON.stringify(query);
  const key = [base, path, asked, viewer.key, context.networks.version].join('\n');
  const text = await texts.get(key, async () => {
    const entries: Entry[] = [];
    for await (const entry of describeEach(catalogue, view, { items, base })) entries.push(entry);
    const made = textOf(entries, { base, publisher: publisherOf(config, base), query });
    if (Buffer.byteLength(made) > config.pageBytesMax) {
      throw apiError('API_CATALOGUE_PAGE_TOO_LARGE', { bytesMax: config.pageBytesMax });
    }
    return made;
  });
  return answerText(context, request, reply, { viewer, mediaType, text });
}
