import type { FastifyInstance } from 'fastify';
import { z } from 'zod';

import { touchSelection } from '../access/meter.ts';
import type { ApiContext } from '../context.ts';
import { conditionalHeaders, objectReplies, validatedHeaders } from '../description/replies.ts';
import { apiError, type ApiErrorCode } from '../errors.ts';
import { answerObject } from '../object-answer.ts';
import {
  addLicences,
  asJson,
  askedOf,
  charged,
  collect,
  collectionId,
  collectionOf,
  namedQuery,
  type Asked,
} from './asked.ts';
import { readSystem } from './coordinates.ts';
import { featureText, pageOf } from './features.ts';
import { readBox, readTime } from './parameters.ts';
import { featurePageSchema, featureSchema } from './schemas.ts';

const geoMedia = 'application/geo+json; charset=utf-8';

function itemsQuery(context: ApiContext) {
  const { mapItemsMax } = context.config;
  return z.strictObject({
    ...namedQuery,
    f: asJson,
    bbox: z
      .string()
      .min(1)
      .max(300)
      .optional()
      .describe('Four or six numbers in the axes of bbox-crs.'),
    'bbox-crs': z.string().min(1).max(200).optional(),
    crs: z
      .string()
      .min(1)
      .max(200)
      .optional()
      .describe('Of the answer: WGS 84, or VN-2000 in degrees or one of its zones.'),
    datetime: z
      .string()
      .min(1)
      .max(100)
      .optional()
      .describe('An instant, or start/end, `..` for an open end.'),
    limit: z.coerce.number().int().min(1).max(mapItemsMax).default(Math.min(100, mapItemsMax)),
    after: z
      .string()
      .min(1)
      .max(100)
      .optional()
      .describe('Id to go on behind, as in the link `next`.'),
  });
}

/** `/collections/{id}/items`: features as GeoJSON. */
export function addItems(app: FastifyInstance, context: ApiContext): void {
  const querystring = itemsQuery(context);
  app.get(
    '/collections/:collectionId/items',
    {
      schema: {
        summary: 'Features of a collection, by id.',
        params: z.strictObject({ collectionId }),
        querystring,
        headers: conditionalHeaders,
        response: geoReplies(featurePageSchema, 'Features.'),
        tags: ['maps'],
      },
    },
    async (request, reply) => {
      const asked = askedOf(context, request, reply);
      const collection = collectionOf(request);
      const { bbox, ...query } = request.query as z.infer<typeof querystring>;
      const system = readSystem(query.crs, 'crs');
      const inBox = readBox(bbox, readSystem(query['bbox-crs'], 'bbox-crs'));
      const inTime = readTime(query.datetime);
      const collected = await collect(context, asked, query);
      if (collection.id !== 'stations') touchSelection(request, asked.view, query);
      reply.header('content-crs', `<${system.uri}>`);
      addLicences(context, asked, { collection, query });
      return answerObject(context, request, reply, {
        ...collected,
        viewer: asked.viewer,
        registryVersion: asked.view.registry.version,
        mediaType: geoMedia,
        async text() {
          const { texts, matched, next } = await charged(context, request, () =>
            pageOf({
              collected,
              passes: (feature) => inBox(feature) && inTime(feature),
              system,
              after: query.after,
              limit: query.limit,
            }),
          );
          context.gate.countRows(request, texts.length);
          const links = JSON.stringify(linksOf(asked, next));
          return (
            `{"type":"FeatureCollection","features":[${texts.join(',')}],"links":${links},` +
            `"numberMatched":${matched},"numberReturned":${texts.length}}`
          );
        },
      });
    },
  );
}

function linksOf({ base, request }: Asked, next: string | undefined): object[] {
  const self = `${base}${request.url}`;
  const link = (rel: string, href: string) => ({ rel, href, type: 'application/geo+json' });
  if (next === undefined) return [link('self', self)];
  const [path = '', text = ''] = self.split('?', 2);
  const query = new URLSearchParams(text);
  query.set('after', next);
  return [link('self', self), link('next', `${path}?${query.toString()}`)];
}

export function addItem(app: FastifyInstance, context: ApiContext): void {
  const querystring = z.strictObject({ f: asJson, crs: z.string().min(1).max(200).optional() });
  const params = z.strictObject({ collectionId, featureId: z.string().min(1).max(100) });
  app.get(
    '/collections/:collectionId/items/:featureId',
    {
      schema: {
        summary: 'One feature.',
        params,
        querystring,
        headers: conditionalHeaders,
        response: geoReplies(featureSchema, 'The feature.', ['API_FEATURE_UNKNOWN']),
        tags: ['maps'],
      },
    },
    async (request, reply) => {
      const asked = askedOf(context, request, reply);
      const collection = collectionOf(request);
      const system = readSystem((request.query as z.infer<typeof querystring>).crs, 'crs');
      const { featureId } = request.params as z.infer<typeof params>;
      const isThere =
        collection.id === 'stations'
          ? asked.view.seesStation(featureId)
          : asked.view.datastreams.some(({ id }) => id === featureId);
      if (!isThere) throw apiError('API_FEATURE_UNKNOWN', { parameter: 'featureId' });
      const filter =
        collection.id === 'stations' ? { station: featureId } : { datastream: featureId };
      const collected = await collect(context, asked, filter);
      const feature = collected.features.find(({ id }) => id === featureId);
      if (feature === undefined) throw apiError('API_FEATURE_UNKNOWN', { parameter: 'featureId' });
      reply.header('content-crs', `<${system.uri}>`);
      addLicences(context, asked, { collection, query: filter });
      const href = `${asked.base}/ogc/collections/${collection.id}`;
      const links = JSON.stringify([
        { rel: 'self', href: `${href}/items/${featureId}`, type: 'application/geo+json' },
        { rel: 'collection', href, type: 'application/json' },
      ]);
      return answerObject(context, request, reply, {
        ...collected,
        viewer: asked.viewer,
        registryVersion: asked.view.registry.version,
        mediaType: geoMedia,
        text: () => featureText(feature, system, `,"links":${links}`),
      });
    },
  );
}

function geoReplies(schema: z.ZodType, description: string, more: readonly ApiErrorCode[] = []) {
  const replies = objectReplies(schema, {
    description,
    headers: {
      ...validatedHeaders,
      'Content-Crs': {
        type: 'string',
        description: 'Coordinate system of the answer, in angle brackets.',
      },
    },
    problems: [
      'API_COLLECTION_UNKNOWN',
      'API_STATION_UNKNOWN',
      'API_DATASTREAM_UNKNOWN',
      'API_PROPERTY_UNKNOWN',
      'API_OWNER_UNKNOWN',
      ...more,
    ],
  });
  const content = { 'application/geo+json': { schema } };
  return { ...replies, 200: { ...replies['200'], content } };
}
