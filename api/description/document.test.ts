import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';

import { openTestApi, startAt, type Json, type TestApi } from '../api.fixture.ts';

const lists = [
  '/stations',
  '/datastreams',
  '/properties',
  '/owners',
  '/deployments',
  '/qualities',
  '/terms',
  '/events',
  '/latest',
  '/observations',
  '/aggregates',
  '/datasets',
];

const offMap = [
  '/datasets',
  '/properties',
  '/owners',
  '/deployments',
  '/qualities',
  '/terms',
  '/events',
];
const overTime = ['/latest', '/observations', '/aggregates'];

/** The lists under the names of their formats. */
const fileLists = lists.flatMap((path) =>
  [
    'json',
    'csv',
    'ndjson',
    'csv-metadata.json',
    ...(path === '/datasets' ? [] : ['jsonld', 'parquet']),
    ...(offMap.includes(path) ? [] : ['geojson']),
    ...(path === '/events' ? ['atom'] : []),
    ...(overTime.includes(path) ? ['covjson'] : []),
  ].map((extension) => `${path}.${extension}`),
);

let rig: TestApi;
let document: Document;

interface Document {
  readonly openapi: string;
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { readonly schemas: Record<string, object> };
}

interface Operation {
  readonly parameters?: readonly { name: string; in: string; required?: boolean }[];
  readonly responses: Record<string, Response>;
}

interface Response {
  readonly headers?: Record<string, object>;
  readonly content?: Record<string, Media>;
}

interface Media {
  readonly schema: object;
  readonly example?: unknown;
  readonly examples?: Record<string, { value: unknown }>;
}

beforeAll(async () => {
  // As to whoever asks from elsewhere: answers carry what their quota is.
  rig = await openTestApi({ config: { quotaLoopback: 'keyless', quotaKeylessUnits: 100_000_000 } });
  rig.setNow(startAt + 60_000);
  await rig.publish([
    rig.row('ha-noi-temperature', startAt),
    rig.row('ha-noi-direction', startAt, { latitude: 21, longitude: 105, heightMm: 2_000 }),
    rig.row('hue-rain', startAt, {
      result: null,
      verdict: {
        flag: 9,
        tests: '9999999999999999',
        qualifiers: 3,
        reason: 'MISSING',
        rules: '0badc0de',
      },
    }),
  ]);
  document = (await rig.json('/api/v1/openapi.json')) as unknown as Document;
});
afterAll(() => rig.close());

/** The schema of an answer, as the served document states it, made into a check. */
function schemaOf(path: string, type: string, status = '200'): z.ZodType {
  const response = document.paths[path]?.['get']?.responses[status];
  const schema = response?.content?.[type]?.schema;
  expect([path, type, typeof schema]).toEqual([path, type, 'object']);
  return checkOf(schema);
}

/** Where a described path can be asked, and what is described of it. */
function askFor(path: string): { url: string; described: Record<string, Response> } {
  const id = path.startsWith('/stations') ? 'hue' : 'mmtkil1c0-cuyo.ha-noi-temperature';
  const query = path.startsWith('/aggregates') ? '?window=PT1H' : '';
  return {
    url: `${rig.url}/api/v1${path.replace('{id}', id)}${query}`,
    described: document.paths[`/api/v1${path}`]?.['get']?.responses ?? {},
  };
}

function checkOf(given: object | undefined): z.ZodType {
  const name = /^#\/components\/schemas\/(\w+)$/.exec(
    (given as { $ref?: string } | undefined)?.$ref ?? '',
  )?.[1];
  const schema = name === undefined ? given : document.components.schemas[name];
  return z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]);
}

describe('the API description', () => {
  test('is valid OpenAPI 3.1', async () => {
    const validator = new Validator();
    const result = await validator.validate(
      structuredClone(document) as object as Record<string, unknown>,
    );
    expect(result).toMatchObject({ valid: true });
    expect(document.openapi).toMatch(/^3\.1\./);
  });

  test('is listed beside the schema of the registry file, by which a network can be checked', async () => {
    const { links } = (await rig.json('/api/v1/')) as unknown as { links: { href: string }[] };
    const href = links.map((link) => link.href).find((each) => each.includes('registry-file'));
    expect(href).toBe(`${rig.url}/api/v1/registry-file.schema.json`);
    const answer = await fetch(href ?? '');
    expect(answer.headers.get('content-type')).toMatch(/^application\/schema\+json/);
    const schema = z.fromJSONSchema(
      (await answer.json()) as Parameters<typeof z.fromJSONSchema>[0],
    );
    const owner = { id: 'a', name: { vi: 'A', en: 'A' }, kind: 'state' };
    const file = { format: 'quantrac-registry/1', owners: [owner] };
    expect(schema.safeParse(file).success).toBe(true);
    expect(schema.safeParse({ ...file, owner: [] }).success).toBe(false);
  });

  test('names every route of the contract, and its parameters', () => {
    for (const path of [
      '/api/v1/',
      '/api/v1/stations',
      '/api/v1/datastreams',
      '/api/v1/properties',
      '/api/v1/owners',
      '/api/v1/latest',
      '/api/v1/observations',
      '/api/v1/observations/{id}',
      '/api/v1/aggregates',
      '/api/v1/live',
      '/api/v1/changes',
      '/api/v1/admin/registry',
      '/api/v1/admin/quarantine',
    ]) {
      expect(Object.keys(document.paths)).toContain(path);
    }
    const names = (path: string) =>
      document.paths[path]?.['get']?.parameters?.map((parameter) => parameter.name);
    expect(names('/api/v1/observations')).toEqual(
      expect.arrayContaining(['datastream', 'bbox', 'near', 'from', 'to', 'quality', 'asOf']),
    );
    expect(names('/api/v1/live')).toContain('last-event-id');
  });

  test('names the success that each address answers with', () => {
    const statuses = (method: string, path: string) =>
      Object.keys(document.paths[path]?.[method]?.responses ?? {});
    expect(statuses('post', '/api/v1/admin/tokens')).toEqual([
      '201',
      '400',
      '401',
      '403',
      'default',
    ]);
    expect(statuses('post', '/api/v1/admin/quarantine/{position}/replay')).toContain('202');
    expect(statuses('get', '/readyz')).toEqual(['200', '503']);
  });

  test('is linked from the index, with everything else', async () => {
    const { links } = (await rig.json('/api/v1/')) as unknown as { links: { href: string }[] };
    const hrefs = links.map(({ href }) => href);
    expect(hrefs).toEqual(expect.arrayContaining([`${rig.url}/catalog`, `${rig.url}/data.json`]));
    for (const { href } of links.filter(({ href: each }) => !/live|webhooks|\{/.test(each))) {
      const query = href.endsWith('aggregates') ? '?window=P1D' : '';
      expect([href, (await fetch(href + query)).status]).toEqual([href, 200]);
    }
  });

  test.each([
    ['/api/v1/', '', 'application/json'],
    ['/api/v1/stations', '', 'application/json'],
    ['/api/v1/stations', '?format=geojson', 'application/geo+json'],
    ['/api/v1/datastreams', '', 'application/json'],
    ['/api/v1/properties', '', 'application/json'],
    ['/api/v1/owners', '', 'application/json'],
    ['/api/v1/deployments', '', 'application/json'],
    ['/api/v1/qualities', '', 'application/json'],
    ['/api/v1/terms', '', 'application/json'],
    ['/api/v1/events', '', 'application/json'],
    ['/api/v1/stations', '?format=jsonld', 'application/ld+json'],
    ['/api/v1/latest', '?format=jsonld', 'application/ld+json'],
    ['/api/v1/observations', '?format=covjson', 'application/prs.coverage+json'],
    ['/api/v1/observations.csv-metadata.json', '', 'application/csvm+json'],
    ['/api/v1/datasets', '', 'application/json'],
    ['/api/v1/datasets', '?kind=series', 'application/json'],
    ['/data.json', '', 'application/json'],
    ['/api/v1/latest', '', 'application/json'],
    ['/api/v1/latest', '?format=geojson', 'application/geo+json'],
    ['/api/v1/observations', '', 'application/json'],
    ['/api/v1/observations', '?include=raw', 'application/json'],
    ['/api/v1/observations', '?format=geojson', 'application/geo+json'],
    ['/api/v1/aggregates', '?window=P1D', 'application/json'],
    ['/api/v1/aggregates', '?window=PT1H&format=geojson', 'application/geo+json'],
    ['/api/v1/changes', '', 'application/json'],
    ['/livez', '', 'application/json'],
    ['/readyz', '', 'application/json'],
    ['/api/v1/admin/registry/history', '', 'application/json'],
    ['/api/v1/admin/quarantine', '', 'application/json'],
    ['/api/v1/admin/connections', '', 'application/json'],
    ['/api/v1/admin/health', '', 'application/json'],
    ['/api/v1/admin/stations', '', 'application/json'],
  ])('describes the answer of %s%s', async (path, query, type) => {
    const headers: Record<string, string> = path.includes('/admin/')
      ? { authorization: `Bearer ${rig.operator}` }
      : {};
    const body = await rig.json(path + query, headers);
    expect(() => schemaOf(path, type).parse(body)).not.toThrow();
  });

  test('describes one of each, and every problem', async () => {
    const { items } = await rig.json('/api/v1/observations');
    for (const item of items) {
      const body = await rig.json(`/api/v1/observations/${String(item['id'])}`);
      expect(() =>
        schemaOf('/api/v1/observations/{id}', 'application/json').parse(body),
      ).not.toThrow();
    }
    for (const [list, id] of [
      ['stations', 'hue'],
      ['datastreams', 'hue-rain'],
      ['properties', 'rainfall'],
      ['owners', 'agency'],
      ['deployments', 'ha-noi-temperature~ml1jpc000'],
      ['qualities', 'test.spike'],
      ['terms', 'receivedAt'],
      ['datasets', 'agency~weather'],
    ]) {
      const body = await rig.json(`/api/v1/${list}/${id}`);
      expect(() => schemaOf(`/api/v1/${list}/{id}`, 'application/json').parse(body)).not.toThrow();
    }
    const problem: Json = await rig.json('/api/v1/latest?limit=0');
    const schema = schemaOf('/api/v1/latest', 'application/problem+json', 'default');
    expect(() => schema.parse(problem)).not.toThrow();
  });

  test('gives examples that its own schemas let through, one for each kind of answer', () => {
    const seen = new Set<string>();
    for (const [path, operations] of Object.entries(document.paths)) {
      for (const [status, { content = {} }] of Object.entries(operations['get']?.responses ?? {})) {
        for (const [type, { schema, example, examples = {} }] of Object.entries(content)) {
          const given = [example, ...Object.values(examples).map(({ value }) => value)];
          for (const value of given.filter((each) => each !== undefined)) {
            seen.add(`${path} ${status} ${type}`);
            const issues = checkOf(schema).safeParse(value).error?.issues ?? [];
            expect([path, status, type, issues]).toEqual([path, status, type, []]);
          }
        }
      }
    }
    for (const path of [...lists, '/observations/{id}', '/stations/{id}', '/changes']) {
      expect(seen).toContain(`/api/v1${path} 200 application/json`);
    }
    expect(seen).toContain('/api/v1/latest 200 application/geo+json');
    expect(seen).toContain('/api/v1/latest 400 application/problem+json');
  });

  test('gives the example of an observation that has this id, with every member', async () => {
    const path = '/api/v1/observations/{id}';
    const media = document.paths[path]?.['get']?.responses['200']?.content?.['application/json'];
    const example = media?.example as Json & { revisions: Json[] };
    const served = (await rig.json(path.replace('{id}', String(example['id'])))) as typeof example;
    expect(Object.keys(example)).toEqual(Object.keys(served));
    expect(Object.keys(example.revisions[0] ?? {}).sort()).toEqual(
      Object.keys(served.revisions[0] ?? {}).sort(),
    );
    expect(example['explanation']).toEqual(served['explanation']);
  });

  test.each([...fileLists, ...lists, '/stations/{id}', '/observations/{id}', '/changes', '/'])(
    'describes the type and the headers that %s really answers with',
    async (path) => {
      const { url, described } = askFor(path);
      const answer = await fetch(url);
      await answer.arrayBuffer();
      const [type] = answer.headers.get('content-type')?.split(';', 1) ?? [];
      const { content = {}, headers = {} } = described['200'] ?? {};
      expect(path.includes('.') ? Object.keys(content) : Object.keys(content).slice(0, 1)).toEqual([
        type,
      ]);
      // Of csv alone, so also described where csv is one format of several.
      const expected = Object.keys(headers).filter(
        (name) => !['Trailer', 'Link'].includes(name) || type === 'text/csv',
      );
      expect(expected).toContain('Quantrac-Cursor');
      expect(expected.filter((name) => !answer.headers.has(name))).toEqual([]);
      expect(expected.includes('ETag')).toBe(answer.headers.has('etag'));
    },
  );

  test.each([...fileLists, ...lists, '/stations/{id}', '/observations/{id}'])(
    'describes what %s answers to an ETag that is still true',
    async (path) => {
      const { url, described } = askFor(path);
      const first = await fetch(url);
      await first.arrayBuffer();
      const again = await fetch(url, {
        headers: { 'if-none-match': first.headers.get('etag') ?? '' },
      });
      expect(again.status).toBe(304);
      const { headers = {}, content } = described['304'] ?? {};
      expect(content).toBeUndefined();
      expect(Object.keys(headers)).toContain('ETag');
      expect(Object.keys(headers).filter((name) => !again.headers.has(name))).toEqual([]);
    },
  );

  test.each([
    ['/latest', '?limit=0', 'API_PARAMETER_INVALID'],
    ['/latest.csv', '?colour=red', 'API_PARAMETER_UNKNOWN'],
    ['/owners', '?format=geojson', 'API_FORMAT_UNSUPPORTED'],
    ['/stations', '?page=x', 'API_PAGE_INVALID'],
    ['/observations.ndjson', '?asOf=2999-01-01T00:00:00Z', 'API_AS_OF_FUTURE'],
    ['/observations/{id}', '', 'API_OBSERVATION_UNKNOWN'],
    ['/owners/{id}', '', 'API_OWNER_UNKNOWN'],
    ['/datasets', '?kind=all', 'API_PARAMETER_INVALID'],
    ['/datasets/{id}', '', 'API_DATASET_UNKNOWN'],
    ['/datasets/{id}/iso19139.xml', '', 'API_DATASET_UNKNOWN'],
    ['/changes', '?after=x', 'API_CURSOR_INVALID'],
    ['/live', '?after=x', 'API_CURSOR_INVALID'],
    ['/admin/registry', '', 'API_TOKEN_MISSING'],
  ])('describes the refusal of %s%s, by its status and code', async (path, query, code) => {
    const answer = await fetch(`${rig.url}/api/v1${path.replace('{id}', 'none')}${query}`);
    const body = (await answer.json()) as Json;
    expect(body).toMatchObject({ code });
    const described = document.paths[`/api/v1${path}`]?.['get']?.responses[String(answer.status)];
    const example = described?.content?.['application/problem+json']?.examples?.[code]?.value;
    const { type, title, status } = body;
    expect(example).toMatchObject({ type, title, status, code });
    const missing = Object.keys(described?.headers ?? {}).filter(
      (name) => !answer.headers.has(name),
    );
    expect(missing).toEqual([]);
  });
});
