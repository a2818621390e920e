/** What goes over the wire, for the API description; one schema a thing. */
import { z } from 'zod';
import { stationKinds } from '../../devices/model.ts';
import { fittingFunctions } from '../windows/functions.ts';

const id = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/);
const instant = z.iso.datetime({ offset: true });
const name = z.strictObject({ vi: z.string(), en: z.string() });
const count = z.int().min(0).max(Number.MAX_SAFE_INTEGER);
const cursor = z.string().max(1_000).describe('Change cursor: /changes?after= goes on from here.');

const rawSchema = z.strictObject({
  name: z.string().describe('Channel, as the device named it.'),
  value: z.string().nullable().describe('Text exactly as sent.'),
  unit: z.string().nullable(),
  time: z.string().nullable(),
});

const rowMembers = {
  id,
  datastream: id,
  station: id,
  slug: id,
  property: z.string(),
  phenomenonTime: z
    .string()
    .describe('An instant or start/end: RFC 3339 with the offset of the station.'),
  resultTime: instant.nullable().describe("The device's own; null where it gave none."),
  receivedAt: instant,
  result: z.number().nullable().describe('In the unit; null always has flag 9 and a reason.'),
  unit: z.string().describe('UCUM code.'),
  flag: z
    .union([z.literal(1), z.literal(2), z.literal(3), z.literal(4), z.literal(9)])
    .describe('QARTOD: 1 good, 2 not evaluated, 3 suspect, 4 fail, 9 missing.'),
  tests: z
    .string()
    .regex(/^[12349]{16}$/)
    .describe('One digit a test.'),
  qualifiers: z.array(z.string()),
  reason: z.string().nullable(),
  revision: z
    .int()
    .min(Number.MIN_SAFE_INTEGER)
    .max(Number.MAX_SAFE_INTEGER)
    .describe('From 0; negative, from -1 downwards, for values superseded on arrival.'),
  latitude: z.number().optional().describe('Of a moving platform, to the public precision.'),
  longitude: z.number().optional(),
  heightMetres: z.number().optional().describe('Own height, or depth when negative.'),
} as const;

export const rowSchema = z.strictObject({ ...rowMembers, raw: rawSchema.optional() });

export const latestSchema = z.strictObject({
  ...rowMembers,
  ageSeconds: count,
  stale: z.boolean().describe('Older than two intervals of its datastream.'),
});

export const detailSchema = z.strictObject({
  ...rowMembers,
  raw: rawSchema,
  type: z.enum(['insert', 'correction', 'deletion']),
  cause: z.string(),
  publishedAt: instant,
  rules: z.string().describe('Hash of the rule set that judged.'),
  reading: z.strictObject({
    node: count,
    position: count.describe('Place in the log of readings.'),
  }),
  explanation: z.array(
    z.strictObject({ test: z.string(), digit: z.int().min(1).max(9), meaning: z.string() }),
  ),
  revisions: z.array(
    z.strictObject({
      ...rowMembers,
      raw: rawSchema,
      type: z.string(),
      cause: z.string(),
      publishedAt: instant,
      rules: z.string(),
      isCurrent: z.boolean(),
      reading: z.strictObject({ node: count, position: count }),
    }),
  ),
  cursor,
});

export const stationSchema = z.strictObject({
  id,
  name,
  owner: z.string(),
  class: z.enum(['reference', 'regulatory', 'enterprise', 'indicative', 'citizen']),
  kind: z.enum(stationKinds).optional().describe('What the station is built for.'),
  latitude: z.number().min(-90).max(90),
  longitude: z.number().min(-180).max(180),
  altitudeMetres: z.number().optional(),
  publicPrecisionMetres: z.number().optional(),
  timeZone: z.string(),
  administrative: z.array(
    z.strictObject({
      province: z.string(),
      commune: z.string().optional(),
      from: z.string(),
      to: z.string().optional(),
    }),
  ),
  datastreams: z.array(id).describe('Ids of its datastreams.'),
});

export const datastreamSchema = z.strictObject({
  id,
  station: id,
  slug: id,
  property: z.string(),
  unit: z.string(),
  aggregation: z.enum(['instant', 'mean', 'sum', 'min', 'max', 'counter']),
  intervalMs: count,
  heightMetres: z.number().optional(),
  visibility: z.enum(['open', 'recipients', 'internal']),
  licence: z.string().describe('SPDX id or address of the terms.'),
  attribution: z.string().optional().describe('Whom to name.'),
  embargoUntil: z.string().optional().describe('Until then it is for recipients, if else open.'),
});

const range = z.strictObject({ min: z.number(), max: z.number() });

export const propertySchema = z.strictObject({
  id: z.string(),
  label: name,
  unit: z.string(),
  domain: z.string(),
  basis: z.string().optional(),
  plausible: range,
  expected: range.optional(),
  circular: z.boolean().optional(),
  links: z.array(
    z.strictObject({ scheme: z.string(), match: z.enum(['exact', 'close']), uri: z.string() }),
  ),
  datastreams: count,
});

export const ownerSchema = z.strictObject({
  id,
  name,
  kind: z.enum(['state', 'enterprise', 'community', 'citizen']),
  code: z.string().optional(),
  parent: z.string().optional(),
  licence: z.string().optional(),
  attribution: z.string().optional(),
  stations: count,
});

export const deploymentSchema = z.strictObject({
  id: z.string(),
  datastream: id,
  station: id,
  property: z.string(),
  owner: id,
  from: instant,
  to: instant.nullable().describe('null: still there.'),
  channel: z.string().describe('As the device names it.'),
  unit: z.string().describe('Of what the channel sends.'),
  factor: z.number().describe('value × factor + offset, before the unit is converted.'),
  offset: z.number(),
  device: z.string().optional().describe("For operators and the station's owner."),
  serial: z.string().optional().describe("For operators and the station's owner."),
});

export const qualitySchema = z.strictObject({
  id: z.string(),
  kind: z.enum(['flag', 'test', 'digit', 'qualifier', 'reason']),
  value: z.string().describe('As it stands in rows; of a test, its name.'),
  place: count.describe('Of a test, the place of its digit in `tests`, from 1.'),
  label: name,
  meaning: name,
  uri: z.string().optional().describe('Term of WMO that says the same.'),
});

export const termSchema = z.strictObject({
  id: z.string(),
  label: name,
  type: z.enum(['text', 'number', 'integer', 'boolean', 'instant', 'period']),
  uri: z.string().optional().describe('Term of a published vocabulary that says the same.'),
});

export const eventSchema = z.strictObject({
  id: z.string(),
  type: z.enum(['correction', 'deletion', 'datastream']),
  cause: z.string(),
  datastream: id,
  station: id,
  property: z.string(),
  rows: count.describe('Rows that changed; 0 of a datastream.'),
  phenomenonTime: z.string().nullable().describe('Earliest and latest end of their times.'),
  visible: z.boolean().describe('Whether the datastream can be seen from then on.'),
  publishedAt: instant,
  url: z.string(),
});

const aggregateValue = z.number().nullable().optional();

export const aggregateSchema = z
  .object({
    datastream: id,
    station: id,
    slug: id,
    property: z.string(),
    window: z.enum(['PT1M', 'PT1H', 'P1D', 'P1M', 'P1Y']),
    phenomenonTime: z.string().describe('start/end of the window; it is named by its end.'),
    unit: z.string(),
    rows: count.describe('Rows that the values are of: flags 1, 2 and 3, or those of `quality`.'),
    expected: count.describe(
      'Rows that the reporting interval, as it is now, gives for the whole window.',
    ),
    completeness: z
      .number()
      .min(0)
      .max(1)
      .describe('Part of the window that the rows stand for: an instant for one interval.'),
    suspect: count,
    failed: count,
    missing: count,
    mean: aggregateValue,
    min: aggregateValue,
    max: aggregateValue,
    sum: aggregateValue,
    count: aggregateValue,
    first: aggregateValue,
    last: aggregateValue,
    sd: aggregateValue,
    vectorDirection: aggregateValue.describe('In (0, 360], north is 360; null in a calm.'),
    vectorSpeed: aggregateValue,
    vectorCount: aggregateValue,
    validity: z
      .number()
      .min(0)
      .max(1)
      .nullable()
      .describe(
        'Usable rows, with flag 1, 2 or 3, of all rows received for the window, whatever `quality`.',
      ),
    method: z.enum(fittingFunctions).describe('The function that fits what is measured.'),
    result: z
      .number()
      .nullable()
      .describe('Value of `method`: the one that stands for the window.'),
  })
  .catchall(z.number().nullable().describe('A percentile, by its name p01 to p99.'));

const changeSchema = z.union([
  z.strictObject({
    cursor,
    type: z.enum(['insert', 'correction', 'deletion']),
    cause: z.enum(['value', 'flag', 'rule', 'review', 'erasure']),
    observation: rowSchema,
  }),
  z.strictObject({
    cursor,
    type: z.literal('datastream'),
    cause: z.literal('visibility'),
    datastream: id,
    visible: z.boolean(),
  }),
]);

export const changesSchema = z.strictObject({
  changes: z.array(changeSchema),
  next: cursor,
  atEnd: z.boolean(),
  manifest: z
    .int()
    .min(1)
    .optional()
    .describe('With `until=manifest`: the page ended at the cursor of this manifest.'),
});

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

export const fileSchema = z.strictObject({
  dataset: z.string(),
  month: z
    .string()
    .regex(/^\d{4}-\d{2}$/)
    .describe('In the local time of each station.'),
  format: z.enum(['parquet', 'csv.gz', 'datapackage', 'csvw']),
  name: z.string().describe('With the version: under one name there are never two contents.'),
  url: z.string().describe('Of this version, for ever the same bytes.'),
  currentUrl: z.string().describe('Of whatever version is current.'),
  mediaType: z.string(),
  bytes: count,
  sha256,
  rows: count,
  cursor,
  version: z.string(),
  madeAt: instant,
  registryVersion: count,
  licences: z.array(z.string()).describe('Addresses.'),
});

export const citationSchema = z.strictObject({
  id,
  uri: z.string().describe('Of the citation, for ever.'),
  dataUri: z.string().describe('Of its bytes, the same for ever.'),
  url: z.string().describe('What was asked.'),
  version: z.string(),
  asOf: instant,
  sha256,
  bytes: count,
  mediaType: z.string(),
  licence: z.array(z.string()).describe('Addresses.'),
  title: name,
  retrievedAt: instant,
  registryVersion: count,
  cursor: cursor.nullable(),
  erasedAt: instant.nullable().describe('Since when the bytes are gone by law.'),
  text: name,
  bibtex: z.string(),
  cslJson: z.looseObject({}),
});

export const problemSchema = z.looseObject({
  type: z.string(),
  title: z.string(),
  status: z.int().min(400).max(599),
  code: z.string(),
  detail: z.string(),
  canRetry: z.boolean(),
  parameter: z.string().optional(),
  expected: z.string().optional(),
  instance: z.string().optional(),
  requestId: z.string().optional(),
});

export function pageSchema<Item extends z.ZodType>(item: Item) {
  return z.strictObject({
    items: z.array(item),
    next: z.string().nullable().describe('Address of the next page.'),
    complete: z.boolean(),
    cursor,
  });
}

export function featuresSchema<Item extends z.ZodType>(item: Item) {
  const point = z.strictObject({
    type: z.literal('Point'),
    coordinates: z.array(z.number()).min(2).max(3),
  });
  return z.strictObject({
    type: z.literal('FeatureCollection'),
    features: z.array(
      z.strictObject({
        type: z.literal('Feature'),
        id: z.string(),
        geometry: point.nullable(),
        properties: item,
      }),
    ),
    next: z.string().nullable(),
    complete: z.boolean(),
    cursor,
  });
}

const listEnd = { next: z.string().nullable(), complete: z.boolean(), cursor } as const;

export const linkedSchema = z.strictObject({
  '@context': z.looseObject({}),
  items: z.array(z.looseObject({ id: z.string(), type: z.unknown() })),
  ...listEnd,
});

export const coveragesSchema = z.strictObject({
  type: z.literal('CoverageCollection'),
  domainType: z.literal('PointSeries'),
  coverages: z.array(
    z.strictObject({
      type: z.literal('Coverage'),
      id: z.string(),
      domain: z.looseObject({ type: z.literal('Domain'), axes: z.looseObject({}) }),
      ranges: z.looseObject({}),
    }),
  ),
  parameters: z.looseObject({}),
  referencing: z.array(z.looseObject({})),
  ...listEnd,
});

export const csvwSchema = z.looseObject({
  '@context': z.tuple([z.literal('http://www.w3.org/ns/csvw'), z.looseObject({})]),
  url: z.string(),
  dialect: z.looseObject({}),
  tableSchema: z.looseObject({
    columns: z.array(
      z.looseObject({ name: z.string(), titles: z.looseObject({}), propertyUrl: z.string() }),
    ),
    primaryKey: z.union([z.string(), z.array(z.string())]),
  }),
});
