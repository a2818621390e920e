import type { FastifyInstance } from 'fastify';
import { z } from 'zod';

import type { ApiContext } from '../context.ts';
import { conditionalHeaders, objectReplies, validatedHeaders } from '../description/replies.ts';
import { apiError, badParameter } from '../errors.ts';
import { answerObject } from '../object-answer.ts';
import { tileMedia, zoomMax } from './about.ts';
import {
  addLicences,
  askedOf,
  charged,
  collect,
  collectionId,
  collectionOf,
  namedQuery,
} from './asked.ts';
import { encodeTile, placeInTile } from './vector-tile.ts';

const tileNumber = z.coerce
  .number()
  .int()
  .min(0)
  .max(2 ** zoomMax - 1);

/** Vector tiles of a collection. */
export function addTiles(app: FastifyInstance, context: ApiContext): void {
  const params = z.strictObject({
    collectionId,
    tileMatrix: z.coerce.number().int().min(0).max(zoomMax).describe('Zoom.'),
    tileRow: tileNumber,
    tileCol: tileNumber,
  });
  const querystring = z.strictObject(namedQuery);
  const replies = objectReplies(z.any(), {
    description: 'A Mapbox Vector Tile 2.1 with one layer, named as the collection.',
    headers: validatedHeaders,
    problems: ['API_COLLECTION_UNKNOWN', 'API_TILE_TOO_FULL'],
  });
  const content = { [tileMedia]: { schema: z.string().describe('Bytes.') } };
  app.get(
    '/collections/:collectionId/tiles/WebMercatorQuad/:tileMatrix/:tileRow/:tileCol',
    {
      schema: {
        summary: 'A vector tile of a collection.',
        params,
        querystring,
        headers: conditionalHeaders,
        response: { ...replies, 200: { ...replies['200'], content } },
        tags: ['maps'],
      },
    },
    async (request, reply) => {
      const asked = askedOf(context, request, reply);
      const collection = collectionOf(request);
      const {
        tileMatrix: zoom,
        tileRow: row,
        tileCol: column,
      } = request.params as z.infer<typeof params>;
      for (const [name, value] of [
        ['tileRow', row],
        ['tileCol', column],
      ] as const) {
        if (value >= 2 ** zoom) throw badParameter(name, `0 to ${2 ** zoom - 1} at this zoom`);
      }
      const query = request.query as z.infer<typeof querystring>;
      const collected = await collect(context, asked, query);
      addLicences(context, asked, { collection, query });
      return answerObject(context, request, reply, {
        ...collected,
        viewer: asked.viewer,
        registryVersion: asked.view.registry.version,
        mediaType: tileMedia,
        text: () =>
          charged(context, request, () => {
            const placed = placeInTile(collected.features, { zoom, column, row });
            const { tileFeaturesMax: most } = context.config;
            if (placed.length > most) {
              throw apiError('API_TILE_TOO_FULL', {
                parameter: 'tileMatrix',
                features: placed.length,
                most,
              });
            }
            return encodeTile(collection.id, placed);
          }),
      });
    },
  );
}
