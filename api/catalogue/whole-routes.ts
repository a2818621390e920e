/** The whole catalogue in one text: `/data.json`, `/catalog.schema.jsonld`, `/catalog.csv`. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';

import { conditionalHeaders } from '../description/replies.ts';
import { apiError } from '../errors.ts';
import { viewerOf } from '../viewer.ts';
import { absoluteBase } from './uris.ts';
import { admitMaking, answerText, chargeText } from './answer-text.ts';
import { describeEach } from './catalogue.ts';
import { catalogueDescription, titleOf } from './dcat/catalog-graph.ts';
import { publisherOf, type Publisher } from './dcat/publisher.ts';
import { dataJsonDataset, dataJsonHead } from './data-json.ts';
import type { Entry } from './entry.ts';
import { datasetQuery, selectItems, type DatasetQuery } from './query.ts';
import { textReplies } from './replies.ts';
import type { CatalogueRoutes } from './routes.ts';
import { schemaOrgHead, schemaOrgNode } from './schema-org.ts';
import { csvHeader, csvRow } from './vietnamese-csv.ts';

interface Whole {
  readonly path: string;
  readonly summary: string;
  readonly mediaType: string;
  readonly schema?: z.ZodType;
  readonly query: z.ZodRawShape;
  /** The text is begin, each entry behind another with a separator, end. */
  readonly begin: (about: About) => string;
  readonly each: (entry: Entry, about: About) => string;
  readonly separator: ',' | '';
  readonly end: ']}' | '';
}

interface About {
  readonly base: string;
  readonly publisher: Publisher;
  readonly query: DatasetQuery & { readonly lang?: 'vi' | 'en' };
}

const jsonList = { separator: ',', end: ']}' } as const;

/** An object whose last member is an empty list, up to where its items go. */
function openList(head: object): string {
  return JSON.stringify(head).slice(0, -jsonList.end.length);
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
      begin: ({ base }) => openList(dataJsonHead(base)),
      each: (entry, { publisher }) =>
        JSON.stringify(dataJsonDataset(entry, publisher, clock.now())),
      ...jsonList,
    },
    {
      path: '/catalog.schema.jsonld',
      summary: 'The catalogue in the words of schema.org, JSON-LD.',
      mediaType: 'application/ld+json',
      query: datasetQuery,
      begin: ({ base, publisher }) =>
        openList(
          schemaOrgHead(base, {
            publisher,
            title: titleOf(config.catalogue),
            description: catalogueDescription,
          }),
        ),
      each: (entry, { base, publisher }) => JSON.stringify(schemaOrgNode(entry, base, publisher)),
      ...jsonList,
    },
    {
      path: '/catalog.csv',
      summary: 'The catalogue as a table with headings in Vietnamese or English.',
      mediaType: 'text/csv; charset=utf-8; header=present',
      query: { ...datasetQuery, lang },
      begin: ({ query }) => csvHeader(query.lang ?? 'vi'),
      each: (entry, { publisher, query }) => csvRow(entry, query.lang ?? 'vi', publisher),
      separator: '',
      end: '',
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
        response: textReplies(
          summary,
          [shown],
          ['API_CATALOGUE_PAGE_TOO_LARGE', 'API_PUBLISHED_ELSEWHERE'],
          schema,
        ),
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
  whole: Whole,
): Promise<FastifyReply> {
  const viewer = viewerOf(context.registry, request.headers.authorization);
  const view = context.networks.viewOf(viewer);
  const query = request.query as About['query'];
  const base = absoluteBase(context, request);
  const { valuesPerParameterMax: valuesMax, catalogue: config } = context.config;
  const items = await selectItems(catalogue, view, { query, valuesMax });
  const asked = JSON.stringify(query);
  const key = [base, whole.path, asked, viewer.key, view.registry.version].join('\n');
  const make = async (): Promise<string> => {
    const about: About = { base, publisher: publisherOf(config, base), query };
    const parts: string[] = [];
    let bytes = 0;
    for await (const entry of describeEach(catalogue, view, { items, base })) {
      const part = whole.each(entry, about);
      bytes += Buffer.byteLength(part) + whole.separator.length;
      if (bytes > config.pageBytesMax) {
        throw apiError('API_CATALOGUE_PAGE_TOO_LARGE', { bytesMax: config.pageBytesMax });
      }
      parts.push(part);
    }
    const made = whole.begin(about) + parts.join(whole.separator) + whole.end;
    return chargeText(context, request, made);
  };
  const text = await texts.get(key, make, admitMaking(context, request));
  return answerText(context, request, reply, { viewer, mediaType: whole.mediaType, text });
}
