/** Answers against the schemas that others published (`testcases/README.md`), not our own reading. */
import { readFileSync } from 'node:fs';

import { Ajv, type AnySchemaObject, type ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';

import { named, openFormatsRig, type FormatsRig, type Item } from './formats.fixture.ts';

let rig: FormatsRig;

beforeAll(async () => {
  rig = await openFormatsRig();
});
afterAll(() => rig.close());

const featuresOf = (document: Item) => document['features'] as Item[];

function published(ajv: Ajv, name: string): ValidateFunction {
  const url = new URL(`testcases/${name}.json`, import.meta.url);
  return ajv.compile(JSON.parse(readFileSync(url, 'utf8')) as AnySchemaObject);
}
const collection = published(new Ajv({ strict: false }), 'geojson-feature-collection');
const feature = published(new Ajv({ strict: false }), 'geojson-feature');
// Not strict: Pydantic writes `discriminator` of OpenAPI beside `oneOf`, which says the same.
const formats = {
  uri: (text: string) => URL.canParse(text),
  'date-time': (text: string) => z.iso.datetime({ offset: true }).safeParse(text).success,
};
const coverages = published(new Ajv2020({ strict: false, formats }), 'covjson-collection');

function faultsOf(validate: ValidateFunction, document: unknown): unknown {
  return validate(document) ? [] : validate.errors;
}

describe('GeoJSON passes the schema of geojson.org', () => {
  test.each(['stations', 'datastreams', 'latest', 'observations', 'aggregates?window=PT1H'])(
    'as the list %s',
    async (list) => {
      const document = await rig.json(`/api/v1/${named(list, 'geojson')}`);
      expect(faultsOf(collection, document)).toEqual([]);
      expect(featuresOf(document).length).toBeGreaterThan(0);
    },
  );

  test('as the items of every collection of maps, in every system of coordinates, and as one item', async () => {
    const { collections, crs } = (await rig.json('/ogc/collections')) as unknown as {
      readonly collections: readonly { readonly id: string }[];
      readonly crs: readonly string[];
    };
    expect([collections.length > 1, crs.length > 1]).toEqual([true, true]);
    for (const { id } of collections) {
      for (const system of crs) {
        const items = `/ogc/collections/${id}/items`;
        const document = await rig.json(`${items}?crs=${encodeURIComponent(system)}`);
        expect([items, system, faultsOf(collection, document)]).toEqual([items, system, []]);
        const first = featuresOf(document)[0]?.['id'];
        expect(faultsOf(feature, await rig.json(`${items}/${String(first)}`))).toEqual([]);
      }
    }
  });

  test('and the schema refuses what is none', async () => {
    const document = await rig.json('/api/v1/stations.geojson');
    const [first] = featuresOf(document);
    const { geometry: _geometry, ...bare } = first ?? {};
    expect(collection({ ...document, features: [bare] })).toBe(false);
    expect(feature(bare)).toBe(false);
  });
});

describe('CoverageJSON passes the schema of covjson-pydantic', () => {
  test.each(['latest', 'observations', 'aggregates?window=PT1H', 'observations?order=desc'])(
    'as the list %s',
    async (list) => {
      const document = await rig.json(`/api/v1/${named(list, 'covjson')}`);
      expect(faultsOf(coverages, document)).toEqual([]);
      expect((document as Item)['coverages']).not.toEqual([]);
    },
  );

  test('and the schema refuses what is none', async () => {
    const document = (await rig.json('/api/v1/observations.covjson')) as Item;
    const [first] = document['coverages'] as Item[];
    const axes = { x: { values: ['east'] }, w: { values: [1] } };
    const domain = { ...(first?.['domain'] as Item), axes };
    expect(coverages({ ...document, coverages: [{ ...first, domain }] })).toBe(false);
  });
});
