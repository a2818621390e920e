/** What the map interfaces answer, for the API description. */
import { z } from 'zod';

const link = z.looseObject({ rel: z.string(), href: z.string(), type: z.string().optional() });

export const linksSchema = z.looseObject({ links: z.array(link) });

export const collectionSchema = z.looseObject({
  id: z.string(),
  title: z.string(),
  description: z.string(),
  itemType: z.literal('feature'),
  crs: z.array(z.string()),
  storageCrs: z.string(),
  extent: z
    .strictObject({
      spatial: z.strictObject({ bbox: z.array(z.array(z.number()).length(4)), crs: z.string() }),
    })
    .optional(),
  links: z.array(link),
});

export const collectionsSchema = z.strictObject({
  links: z.array(link),
  crs: z.array(z.string()),
  collections: z.array(collectionSchema),
});

export const featureSchema = z.strictObject({
  type: z.literal('Feature'),
  id: z.string(),
  geometry: z.strictObject({
    type: z.literal('Point'),
    coordinates: z.array(z.number()).min(2).max(3),
  }),
  properties: z.looseObject({}),
  links: z.array(link).optional(),
});

export const featurePageSchema = z.strictObject({
  type: z.literal('FeatureCollection'),
  features: z.array(featureSchema),
  links: z.array(link),
  numberMatched: z.int().min(0).max(Number.MAX_SAFE_INTEGER),
  numberReturned: z.int().min(0).max(Number.MAX_SAFE_INTEGER),
});

export const tileJsonSchema = z.looseObject({
  tilejson: z.literal('3.0.0'),
  tiles: z.array(z.string()),
  minzoom: z.int(),
  maxzoom: z.int(),
  bounds: z.array(z.number()).length(4).optional(),
  vector_layers: z.array(z.looseObject({ id: z.string() })),
});
