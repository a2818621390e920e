import type { FastifyInstance } from 'fastify';
import { z } from 'zod';

import type { ApiContext } from '../context.ts';
import { conditionalHeaders, objectReplies, validatedHeaders } from '../description/replies.ts';
import { answerObject } from '../object-answer.ts';
import {
  conformanceClasses,
  describeCollection,
  describeTileset,
  landing,
  listOfCollections,
  listOfTilesets,
  tileJson,
} from './about.ts';
import { asJson, askedOf, collectionId, collectionOf, type Asked } from './asked.ts';
import { collectionSchema, collectionsSchema, linksSchema, tileJsonSchema } from './schemas.ts';

const noQuery = z.strictObject({ f: asJson });

/** What depends on the registry alone. */
async function answerAbout(context: ApiContext, asked: Asked, text: () => object) {
  return answerObject(context, asked.request, asked.reply, {
    viewer: asked.viewer,
    registryVersion: asked.view.registry.version,
    intervalMs: undefined,
    moment: await context.places.at(context.store.position),
    unchangedSince: () => true,
    text: () => JSON.stringify(text()),
  });
}

interface AboutRoute {
  readonly path: string;
  readonly summary: string;
  readonly schema: z.ZodType;
  readonly make: (asked: Asked) => object;
}

/** What `/ogc/` says of itself. */
export function addAbout(app: FastifyInstance, context: ApiContext): void {
  const routes: readonly AboutRoute[] = [
    {
      path: '/',
      summary: 'What maps find here.',
      schema: linksSchema,
      make: ({ base }) => landing(base),
    },
    {
      path: '/conformance',
      summary: 'The classes of OGC standards that this follows.',
      schema: z.strictObject({ conformsTo: z.array(z.string()) }),
      make: () => ({ conformsTo: conformanceClasses }),
    },
    {
      path: '/collections',
      summary: 'Everything that can be put on a map.',
      schema: collectionsSchema,
      make: ({ base, view }) => listOfCollections(base, view),
    },
    {
      path: '/collections/:collectionId',
      summary: 'One collection.',
      schema: collectionSchema,
      make: ({ base, view, request }) => describeCollection(base, view, collectionOf(request)),
    },
    {
      path: '/collections/:collectionId/tiles',
      summary: 'Sets of tiles of a collection.',
      schema: linksSchema,
      make: ({ base, request }) => listOfTilesets(base, collectionOf(request)),
    },
    {
      path: '/collections/:collectionId/tiles/tilejson.json',
      summary: 'The tiles as TileJSON 3.0.0.',
      schema: tileJsonSchema,
      make: ({ base, view, request }) => tileJson(base, view, collectionOf(request)),
    },
    {
      path: '/collections/:collectionId/tiles/WebMercatorQuad',
      summary: 'The set of tiles in the squares of web maps.',
      schema: linksSchema,
      make: ({ base, request }) => describeTileset(base, collectionOf(request)),
    },
  ];
  for (const { path, summary, schema, make } of routes) {
    const hasParams = path.includes(':collectionId');
    app.get(
      path,
      {
        schema: {
          summary,
          ...(hasParams ? { params: z.strictObject({ collectionId }) } : {}),
          querystring: noQuery,
          headers: conditionalHeaders,
          response: objectReplies(schema, {
            description: summary,
            headers: validatedHeaders,
            problems: hasParams ? ['API_COLLECTION_UNKNOWN'] : [],
          }),
          tags: ['maps'],
        },
      },
      (request, reply) => {
        const asked = askedOf(context, request, reply);
        return answerAbout(context, asked, () => make(asked));
      },
    );
  }
}
