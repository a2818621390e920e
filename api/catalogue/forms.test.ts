import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv, type AnySchemaObject } from 'ajv';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { openTestApi, startAt, type Json, type TestApi } from '../api.fixture.ts';
import { apiConfig } from '../config.ts';
import { asyncApi } from './async-api.ts';
import { importLarge } from './network.fixture.ts';

const catalogue = {
  publisher: {
    name: { vi: 'Bộ "Thử" & <Nghiệm>', en: 'Ministry of Tests' },
    email: 'data@example.vn',
    homepage: 'https://example.vn/data?a=1&b=2',
  },
  plannedDatasets: [
    {
      id: 'rung',
      title: { vi: 'Rừng', en: 'Forests' },
      description: { vi: 'Sẽ mở.', en: 'To come.' },
      owner: 'so-1',
      domain: 'soil' as const,
      from: '2030-01-01',
    },
  ],
};

let rig: TestApi;

beforeAll(async () => {
  rig = await openTestApi({ config: { ...apiConfig.parse({ catalogue }), httpPort: 0 } });
  importLarge(rig.registry, 3);
  rig.setNow(startAt + 86_400_000);
  await rig.publish([
    rig.row('ha-noi-temperature', startAt + 7_200_000),
    rig.row('ha-noi-temperature', startAt + 3_600_000),
  ]);
});
afterAll(() => rig.close());

const dataset = '/api/v1/datasets/agency~weather';

async function textOf(path: string): Promise<string> {
  const answer = await rig.get(path);
  const text = await answer.text();
  expect([path, answer.status, answer.status === 200 ? '' : text]).toEqual([path, 200, '']);
  return text;
}

async function jsonOf(path: string): Promise<Json> {
  return JSON.parse(await textOf(path)) as Json;
}

describe('the list of datasets', () => {
  test('has the network’s datasets and the plans, and series only when asked for', async () => {
    const { items } = await jsonOf('/api/v1/datasets');
    expect(new Set(items.map(({ kind }) => kind))).toEqual(new Set(['network', 'planned']));
    const planned = await jsonOf('/api/v1/datasets?state=planned');
    expect(planned.items).toMatchObject([
      { id: 'planned~rung', state: 'planned', issued: '2029-12-31T17:00:00Z', modified: null },
    ]);
    const series = await jsonOf('/api/v1/datasets?kind=series&state=available&owner=agency');
    expect(series.items.map(({ id }) => id)).toContain('ha-noi~air-temperature');
    expect(new Set(series.items.map(({ kind }) => kind))).toEqual(new Set(['series']));
  });

  test('tells since when there are rows, where, and how often', async () => {
    expect(await jsonOf(dataset)).toMatchObject({
      from: '2024-06-01T01:00:00Z',
      bbox: [85.324, 16.4637, 107.5909, 27.7172],
      interval: 'PT10M',
      provinces: [{ code: '01', name: 'Hà Nội' }],
      access: 'public',
    });
  });

  test('leads to addresses that answer with what they promise', async () => {
    const { distributions } = (await jsonOf(dataset)) as unknown as {
      distributions: { url: string; mediaType: string }[];
    };
    expect(distributions.length).toBeGreaterThan(5);
    for (const { url, mediaType } of distributions.filter((each) => !each.url.includes('/live'))) {
      const answer = await fetch(url);
      await answer.arrayBuffer();
      const [type] = answer.headers.get('content-type')?.split(';', 1) ?? [];
      expect([url, answer.status, type]).toEqual([url, 200, mediaType]);
    }
  });

  test('gives what changed since a moment, by the history of the registry alone', async () => {
    const ids = async (since: number) => {
      const { items } = await jsonOf(
        `/api/v1/datasets?state=available&modified_since=${new Date(since).toISOString()}`,
      );
      return items.map(({ id }) => id);
    };
    const later = rig.now();
    expect(await ids(later)).toEqual([]);
    rig.registry.importFile(
      {
        format: 'quantrac-registry/1',
        datastreams: [
          {
            id: 'hue-rain',
            station: 'hue',
            property: 'rainfall',
            aggregation: 'sum',
            intervalMs: 900_000,
          },
        ],
      },
      'test',
    );
    expect(await ids(later)).toEqual(['agency~weather']);
    expect(await ids(later + 60_000)).toEqual([]);
  });

  test('says of nothing hidden that it is there, nor when it changed', async () => {
    const before = await textOf('/api/v1/datasets?kind=series&owner=factory');
    expect(before).not.toMatch(/hidden|shared/);
    rig.setNow(rig.now() + 1_000);
    const hidden = {
      id: 'hidden-temperature',
      station: 'hidden',
      property: 'air-temperature',
      aggregation: 'mean',
      intervalMs: 1_000,
    };
    const file = { format: 'quantrac-registry/1', datastreams: [hidden] };
    expect(rig.registry.importFile(file, 'test')).toMatchObject({ ok: true, changed: 1 });
    const after = await textOf('/api/v1/datasets?kind=series&owner=factory');
    expect((JSON.parse(after) as Json).items).toEqual((JSON.parse(before) as Json).items);
    for (const path of ['~weather', '~air-temperature'].map((id) => `hidden${id}`)) {
      expect((await rig.get(`/api/v1/datasets/${path}`)).status).toBe(404);
    }
  });

  test('tells when something of a dataset was hidden', async () => {
    rig.setNow(rig.now() + 60_000);
    const later = rig.now();
    rig.registry.importFile(
      {
        format: 'quantrac-registry/1',
        stations: [
          {
            id: 'kathmandu',
            name: { vi: 'Trạm kathmandu', en: 'Station kathmandu' },
            owner: 'agency',
            latitude: 27.7172,
            longitude: 85.324,
            timeZone: 'Asia/Kathmandu',
            class: 'reference',
            visibility: 'internal',
          },
        ],
      },
      'test',
    );
    const { modified, bbox } = await jsonOf(dataset);
    expect(modified).toBe(new Date(later).toISOString().replace(/\.\d{3}/, ''));
    expect(bbox).toEqual([105.8542, 16.4637, 107.5909, 21.0285]);
  });

  test('answers 304 to the tag of the same text and 200 once it differs', async () => {
    const first = await rig.get(dataset);
    const tag = first.headers.get('etag') ?? '';
    await first.arrayBuffer();
    expect((await rig.get(dataset, { 'if-none-match': tag })).status).toBe(304);
    const other = await rig.get(dataset, { 'if-none-match': '"x"' });
    await other.arrayBuffer();
    expect(other.status).toBe(200);
  });
});

/** JSON Schema draft 4 as it was published, with the one keyword that later drafts renamed. */
function publishedSchema(name: string): AnySchemaObject {
  const text = readFileSync(new URL(`shapes/${name}`, import.meta.url), 'utf8');
  return JSON.parse(
    text.replaceAll(/"\$schema": *"[^"]*",/g, '').replaceAll('"id":', '"$id":'),
  ) as AnySchemaObject;
}

describe('other forms of the catalogue', () => {
  test('data.json passes the schema of Project Open Data', async () => {
    const ajv = new Ajv({ strict: false, unicodeRegExp: false, validateFormats: false });
    ajv.addSchema(publishedSchema('dataset-non-federal.json'));
    const check = ajv.compile(publishedSchema('data-json-catalog.json'));
    const body = await jsonOf('/data.json');
    void check(body);
    expect(check.errors).toBeNull();
    const [first] = body['dataset'] as Record<string, unknown>[];
    expect(check({ ...body, dataset: [{ ...first, accessLevel: 'open' }] })).toBe(false);
    delete first?.['identifier'];
    expect(check({ ...body, dataset: [first] })).toBe(false);
  });

  test('the table has Vietnamese headings, and as many rows as there are datasets', async () => {
    const answer = await rig.get('/catalog.csv');
    const bytes = Buffer.from(await answer.arrayBuffer());
    expect(bytes.subarray(0, 3).toString('hex')).toBe('efbbbf');
    const text = bytes.toString().slice(1);
    expect(text.split('\r\n')[0]).toBe(
      'Mã bộ dữ liệu,Tên bộ dữ liệu,Mô tả,Lĩnh vực,Đơn vị cung cấp,Thông số quan trắc,Số trạm,"Phạm vi (tỉnh, thành phố)",Tần suất cập nhật,Định dạng,Giấy phép,Mức độ truy cập,Trạng thái,Dữ liệu từ ngày,Ngày công bố,Ngày cập nhật mô tả,Đường dẫn',
    );
    const { items } = await jsonOf('/api/v1/datasets');
    expect(text.trimEnd().split('\r\n')).toHaveLength(items.length + 1);
    expect(await textOf('/catalog.csv?lang=en')).toMatch(/^\uFEFF?Identifier,Title,/);
  });

  test('schema.org has each dataset with creator, licence, place, time and downloads', async () => {
    const one = await jsonOf(`${dataset}/schema.jsonld`);
    expect(one).toMatchObject({
      '@context': 'https://schema.org/',
      '@type': 'Dataset',
      '@id': `${rig.url}/id/dataset/agency~weather`,
      license: ['https://creativecommons.org/licenses/by/4.0/'],
      temporalCoverage: '2024-06-01T01:00:00Z/..',
      creator: { '@type': 'Organization', '@id': `${rig.url}/id/owner/agency` },
      publisher: { '@type': 'Organization', url: 'https://example.vn/data?a=1&b=2' },
    });
    const whole = await jsonOf('/catalog.schema.jsonld');
    const { items } = await jsonOf('/api/v1/datasets');
    expect((whole['dataset'] as unknown[]).length).toBe(items.length);
  });

  test('the data package names its resources, and columns as CSV really has them', async () => {
    const one = (await jsonOf(`${dataset}/datapackage.json`)) as unknown as {
      name: string;
      resources: { name: string; path: string; schema: { fields: { name: string }[] } }[];
    };
    expect(one.name).toMatch(/^[a-z0-9._-]+$/);
    expect(one.resources.map(({ name }) => name)).toEqual(['latest', 'observations']);
    for (const { path, schema } of one.resources) {
      const [header] = (await (await fetch(path)).text()).split('\r\n');
      expect(schema.fields.map(({ name }) => name).join(',')).toBe(header);
    }
    expect((await rig.get('/api/v1/datasets/planned~rung/datapackage.json')).status).toBe(404);
  });

  test('one dataset in Turtle is what the catalogue says of it', async () => {
    const whole = await textOf('/catalog.ttl?owner=agency&domain=weather');
    const one = await textOf(`${dataset}/dcat.ttl`);
    const [subject] = /<[^>]*\/id\/dataset\/agency~weather> a .*?\.\n/s.exec(one) ?? [];
    expect(subject?.length).toBeGreaterThan(500);
    expect(whole).toContain(subject);
  });

  test('without a publisher the catalogue says so, and names no contact', async () => {
    const bare = await openTestApi();
    try {
      const text = await (await bare.get('/catalog.ttl')).text();
      expect(text).toContain('"Publisher not stated"@en');
      expect(text).toContain('"Chưa công bố đơn vị phát hành"@vi');
      expect(text).not.toMatch(/contactPoint|vcard:(fn|hasEmail)/);
    } finally {
      await bare.close();
    }
  });

  test('a page that would be too long is refused whole', async () => {
    const small = await openTestApi({
      config: { ...apiConfig.parse({ catalogue: { pageBytesMax: 2_000 } }), httpPort: 0 },
    });
    try {
      for (const path of ['/catalog.ttl', '/catalog.rdf', '/catalog.jsonld', '/data.json']) {
        const answer = await small.get(path);
        const body = (await answer.json()) as Json;
        expect([path, answer.status, body['code']]).toEqual([
          path,
          503,
          'API_CATALOGUE_PAGE_TOO_LARGE',
        ]);
      }
    } finally {
      await small.close();
    }
  });

  test.each([
    ['/catalog?page=0', 400, 'page'],
    ['/catalog.ttl?page=99', 400, 'page'],
    ['/catalog.rdf?modified_since=yesterday', 400, 'modified_since'],
    ['/api/v1/datasets?modified_since=2024-02-30', 400, 'modified_since'],
    ['/data.json?domain=fire', 400, 'domain'],
    ['/catalog.csv?lang=fr', 400, 'lang'],
    ['/api/v1/datasets?owner=nobody', 404, 'owner'],
  ])('%s is refused by name', async (path, status, parameter) => {
    const answer = await rig.get(path);
    expect([answer.status, await answer.json()]).toMatchObject([status, { parameter }]);
  });

  test('what cannot be given in an accepted type is refused', async () => {
    const answer = await rig.get('/catalog', { accept: 'image/png' });
    expect([answer.status, ((await answer.json()) as Json)['code']]).toEqual([
      406,
      'API_NOT_ACCEPTABLE',
    ]);
  });
});

describe('descriptions for programs', () => {
  const require = createRequire(import.meta.url);
  const asyncSchema = require('@asyncapi/specs/schemas/3.0.0-without-$id.json') as AnySchemaObject;

  function checkAsync(document: object): unknown {
    const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
    const check = ajv.compile(asyncSchema);
    void check(document);
    return check.errors;
  }

  test('AsyncAPI is valid, at both addresses, over TLS and without', async () => {
    const document = await jsonOf('/asyncapi.json');
    expect(checkAsync(document)).toBeNull();
    expect(await jsonOf('/api/v1/asyncapi.json')).toEqual(document);
    expect(checkAsync(asyncApi('https://example.vn'))).toBeNull();
    expect(checkAsync({ ...document, channels: { x: { adress: 'y' } } })).not.toBeNull();
  });

  test('AsyncAPI’s examples pass its own schemas', async () => {
    const document = (await jsonOf('/asyncapi.json')) as unknown as {
      components: {
        messages: Record<string, { payload: { $ref: string }; examples?: { payload: unknown }[] }>;
        schemas: Record<string, AnySchemaObject>;
      };
    };
    const ajv = new Ajv({ strict: false, validateFormats: false });
    const { messages, schemas } = document.components;
    for (const { payload, examples = [] } of Object.values(messages)) {
      const check = ajv.compile(schemas[payload.$ref.split('/').at(-1) ?? ''] ?? false);
      for (const example of examples) {
        void check(example.payload);
        expect(check.errors).toBeNull();
      }
    }
  });

  test('OpenAPI is valid and the same at the root', async () => {
    const document = await jsonOf('/openapi.json');
    expect(await jsonOf('/api/v1/openapi.json')).toEqual(document);
    expect(await new Validator().validate(document)).toMatchObject({ valid: true });
    const paths = Object.keys(document['paths'] as object);
    for (const path of ['/catalog', '/catalog.ttl', '/data.json', '/api/3/action/{action}']) {
      expect(paths).toContain(path);
    }
  });
});
