/** `/catalog` by Accept, and by extension: DCAT-AP 3.0.0. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';

import { conditionalHeaders } from '../../description/replies.ts';
import { viewerOf } from '../../viewer.ts';
import { chooseType } from '../accept.ts';
import { absoluteBase } from '../uris.ts';
import { admitMaking, chargeText, answerText } from '../answer-text.ts';
import { datasetQuery, selectItems, type DatasetQuery } from '../query.ts';
import { textReplies } from '../replies.ts';
import type { CatalogueRoutes } from '../routes.ts';
import { catalogPageText, requirePage } from './page.ts';
import { rdfFormats, rdfMediaTypes, type RdfFormat } from './writer.ts';

const querystring = z.strictObject({
  ...datasetQuery,
  page: z.coerce
    .number()
    .int()
    .min(1)
    .max(1_000_000)
    .optional()
    .describe('From 1; hydra:next names the following one.'),
  after: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe(
      'Id that the page begins behind, as in hydra:next: what is closed meanwhile moves no page.',
    ),
});

type Query = DatasetQuery & { readonly page?: number; readonly after?: string };

const offered = rdfFormats.map((format) => [format, rdfMediaTypes[format]] as const);

export function addDcatRoutes(app: FastifyInstance, routes: CatalogueRoutes): void {
  for (const extension of [undefined, ...rdfFormats]) {
    const path = extension === undefined ? '/catalog' : `/catalog.${extension}`;
    const shown = extension === undefined ? offered : [[extension, rdfMediaTypes[extension]]];
    app.get(
      path,
      {
        schema: {
          summary: `The catalogue of datasets, DCAT-AP 3.0.0${extension === undefined ? '' : ` as ${rdfMediaTypes[extension]}`}.`,
          description:
            'Pages by hydra:next. Whole or not at all: on any fault 503, never a part of it.',
          querystring,
          headers: conditionalHeaders,
          response: textReplies(
            'A page of the catalogue.',
            shown.map(([, mediaType = '']) => mediaType),
            [
              ...(extension === undefined ? (['API_NOT_ACCEPTABLE'] as const) : []),
              'API_CATALOGUE_PAGE_TOO_LARGE',
              'API_PUBLISHED_ELSEWHERE',
            ],
          ),
          tags: ['catalogue'],
        },
      },
      (request, reply) =>
        answerPage(routes, request, reply, {
          path,
          format: extension ?? chooseType(request.headers.accept, offered),
        }),
    );
  }
}

async function answerPage(
  { context, catalogue, texts }: CatalogueRoutes,
  request: FastifyRequest,
  reply: FastifyReply,
  { path, format }: { readonly path: string; readonly format: RdfFormat },
): Promise<FastifyReply> {
  const viewer = viewerOf(context.registry, request.headers.authorization);
  const view = context.networks.viewOf(viewer);
  const { page = 1, after, ...query } = request.query as Query;
  const { valuesPerParameterMax: valuesMax } = context.config;
  const base = absoluteBase(context, request);
  const items = await selectItems(catalogue, view, { query, valuesMax });
  requirePage({ items, page, after }, context.config.catalogue.datasetsPerPageMax);
  const search = searchOf(query);
  const pageUrl = (number: number, behind?: string) => {
    const asked = [
      search,
      number === 1 ? '' : `page=${number}`,
      behind === undefined ? '' : `after=${encodeURIComponent(behind)}`,
    ].filter((part) => part !== '');
    return `${base}${path}${asked.length === 0 ? '' : `?${asked.join('&')}`}`;
  };
  const key = [pageUrl(page, after), format, viewer.key, view.registry.version].join('\n');
  const asked = { catalogue, view, base, format, items, page, after, pageUrl };
  const make = async () => chargeText(context, request, await catalogPageText(context, asked));
  const text = await texts.get(key, make, admitMaking(context, request));
  return answerText(context, request, reply, { viewer, mediaType: rdfMediaTypes[format], text });
}

function searchOf(query: DatasetQuery): string {
  const search = new URLSearchParams(
    Object.entries(query).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, String(value)]],
    ),
  );
  search.sort();
  return search.toString();
}
