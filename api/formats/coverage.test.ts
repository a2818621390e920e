import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';

import { flags } from '../../ingest/quality.ts';
import { named, openFormatsRig, type FormatsRig, type Item } from './formats.fixture.ts';

let rig: FormatsRig;

beforeAll(async () => {
  rig = await openFormatsRig();
});
afterAll(() => rig.close());

describe('CoverageJSON', () => {
  const i18n = z.record(z.string(), z.string());
  const numeric = z.array(z.number()).length(1);
  const parameter = z
    .strictObject({
      type: z.literal('Parameter'),
      observedProperty: z.strictObject({
        id: z.url(),
        label: i18n,
        categories: z.array(z.strictObject({ id: z.url(), label: i18n })).optional(),
      }),
      unit: z
        .strictObject({
          id: z.url().optional(),
          symbol: z.strictObject({ value: z.string(), type: z.url() }),
        })
        .optional(),
      categoryEncoding: z.record(z.string(), z.int()).optional(),
    })
    // "Parameter Objects": categories have no unit, and every code names one of them.
    .refine(
      ({ observedProperty: { categories }, unit }) =>
        (categories === undefined) !== (unit === undefined),
    )
    .refine(({ observedProperty: { categories = [] }, categoryEncoding = {} }) =>
      Object.keys(categoryEncoding).every((id) => categories.some((each) => each.id === id)),
    );
  const connection = z.strictObject({
    coordinates: z.array(z.enum(['x', 'y', 'z', 't'])),
    system: z.looseObject({ type: z.enum(['GeographicCRS', 'TemporalRS', 'VerticalCRS']) }),
  });
  const instants = z.array(z.iso.datetime({ offset: true })).min(1);
  const ndArray = z
    .strictObject({
      type: z.literal('NdArray'),
      dataType: z.enum(['float', 'integer']),
      axisNames: z.tuple([z.literal('t')]),
      shape: z.tuple([z.int()]),
      values: z.array(z.number().nullable()),
    })
    .refine(({ shape: [length], values }) => values.length === length)
    .refine(
      ({ dataType, values }) =>
        dataType === 'float' || values.every((v) => v === null || Number.isInteger(v)),
    );
  /** The rules of OGC 21-069 for PointSeries, of which our collections are. */
  const coverage = z
    .strictObject({
      type: z.literal('Coverage'),
      id: z.url(),
      domain: z.strictObject({
        type: z.literal('Domain'),
        domainType: z.literal('PointSeries'),
        axes: z.strictObject({
          x: z.strictObject({ values: numeric }),
          y: z.strictObject({ values: numeric }),
          z: z.strictObject({ values: numeric }).optional(),
          t: z.strictObject({ values: instants, bounds: instants.optional() }),
        }),
        referencing: z.array(connection).optional(),
      }),
      ranges: z.record(z.string(), ndArray),
    })
    .refine(({ domain: { axes }, ranges }) =>
      Object.values(ranges).every(({ shape: [length] }) => length === axes.t.values.length),
    )
    .refine(
      ({ domain: { axes } }) =>
        (axes.t.bounds?.length ?? 2 * axes.t.values.length) === 2 * axes.t.values.length,
    );
  // "Custom members are allowed": how a list ends.
  const collection = z
    .strictObject({
      type: z.literal('CoverageCollection'),
      domainType: z.literal('PointSeries'),
      coverages: z.array(coverage),
      parameters: z.record(z.string(), parameter),
      referencing: z.array(connection),
      next: z.string().nullable(),
      complete: z.boolean(),
      cursor: z.string(),
    })
    // Every range has a parameter of the collection, and every axis a reference system.
    .refine(({ coverages, parameters }) =>
      coverages.every(({ ranges }) => Object.keys(ranges).every((name) => name in parameters)),
    )
    .refine((collected) =>
      collected.coverages.every(({ domain: { axes, referencing = collected.referencing } }) => {
        const known = referencing.flatMap(({ coordinates }) => coordinates);
        return Object.keys(axes).every((axis) => known.includes(axis as 'x'));
      }),
    );

  test.each(['latest', 'observations', 'aggregates?window=PT1H', 'observations?order=desc'])(
    'of %s is a collection of PointSeries as the standard says',
    async (list) => {
      const document = collection.parse(await rig.json(`/api/v1/${named(list, 'covjson')}`));
      expect(document.coverages.length).toBeGreaterThan(0);
    },
  );

  test('holds the values, times and flags of the rows', async () => {
    const document = collection.parse(await rig.json('/api/v1/observations.covjson'));
    const items = await rig.itemsOf('observations');
    const times = document.coverages.flatMap(({ domain }) => domain.axes.t.values);
    expect(times).toEqual(items.map((item) => String(item['phenomenonTime']).split('/').at(-1)));
    for (const name of ['flag', 'revision']) {
      const values = document.coverages.flatMap(({ ranges }) => ranges[name]?.values);
      expect(values).toStrictEqual(items.map((item) => item[name]));
    }
    for (const property of Object.keys(document.parameters).filter((id) => id.includes('-'))) {
      const values = document.coverages.flatMap(({ ranges }) => ranges[property]?.values ?? []);
      const expected = items.filter((item) => item['property'] === property);
      expect(values).toStrictEqual(expected.map(({ result }) => result));
    }
    const categories = document.parameters['flag']?.observedProperty.categories ?? [];
    expect(categories).toHaveLength(Object.keys(flags).length);
    expect(categories.every(({ label }) => label['vi'] !== '' && label['en'] !== '')).toBe(true);
  });

  test('keeps values of different heights and places apart', async () => {
    const document = collection.parse(
      await rig.json('/api/v1/observations.covjson?datastream=ha-noi-direction'),
    );
    expect(document.coverages.map(({ domain }) => domain.axes.z?.values)).toEqual([[2], undefined]);
  });
});

describe('GeoJSON', () => {
  const position = z
    .tuple([z.number().min(-180).max(180), z.number().min(-90).max(90)])
    .rest(z.number());
  /** RFC 7946 §3, §7.1: no member of another type, no `crs`. */
  const feature = z.strictObject({
    type: z.literal('Feature'),
    id: z.union([z.string(), z.number()]),
    geometry: z
      .strictObject({
        type: z.literal('Point'),
        coordinates: position.refine((p) => p.length <= 3),
      })
      .nullable(),
    properties: z.looseObject({}).nullable(),
  });
  const collection = z.looseObject({
    type: z.literal('FeatureCollection'),
    features: z.array(feature),
    // §7.1: a collection has none of the members that define other types.
    coordinates: z.undefined().optional(),
    geometry: z.undefined().optional(),
    geometries: z.undefined().optional(),
    properties: z.undefined().optional(),
    crs: z.undefined().optional(),
  });

  test.each(['stations', 'datastreams', 'latest', 'observations', 'aggregates?window=PT1H'])(
    'of %s is as RFC 7946 says',
    async (list) => {
      const document = collection.parse(await rig.json(`/api/v1/${named(list, 'geojson')}`));
      expect(document.features.length).toBeGreaterThan(0);
    },
  );
});

describe('the formats of a list', () => {
  test.each([
    ['application/ld+json', 'application/ld+json'],
    ['application/vnd.apache.parquet', 'application/vnd.apache.parquet'],
    ['application/prs.coverage+json;q=0.9, text/csv;q=0.1', 'application/prs.coverage+json'],
    ['application/ld+json;q=0.2, application/json;q=0.1, */*;q=0', 'application/ld+json'],
  ])('are chosen by Accept: %s', async (accept, type) => {
    const answer = await rig.get('/api/v1/observations?limit=1', { accept });
    await answer.arrayBuffer();
    expect(answer.headers.get('content-type')?.split(';', 1)).toEqual([type]);
  });

  test('are those that it offers, and no others', async () => {
    const refused = await rig.get('/api/v1/stations', { accept: 'application/prs.coverage+json' });
    expect(refused.status).toBe(406);
    expect(((await refused.json()) as Item)['accepted']).toContain('parquet');
    const unsupported = await rig.json('/api/v1/owners?format=covjson');
    expect(unsupported).toMatchObject({ code: 'API_FORMAT_UNSUPPORTED', parameter: 'format' });
  });
});
