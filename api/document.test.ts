import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';

import { openTestApi, startAt, type Json, type TestApi } from './api.fixture.ts';

let rig: TestApi;
let document: Document;

interface Document {
  readonly openapi: string;
  readonly paths: Record<string, Record<string, Operation>>;
}

interface Operation {
  readonly parameters?: readonly { name: string; in: string; required?: boolean }[];
  readonly responses: Record<string, { content?: Record<string, { schema: object }> }>;
}

beforeAll(async () => {
  rig = await openTestApi();
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
    expect(statuses('post', '/api/v1/admin/tokens')).toEqual(['201', 'default']);
    expect(statuses('post', '/api/v1/admin/quarantine/{position}/replay')).toContain('202');
    expect(statuses('get', '/readyz')).toEqual(['200', '503']);
  });

  test('is linked from the index, with everything else', async () => {
    const { links } = (await rig.json('/api/v1/')) as unknown as { links: { href: string }[] };
    for (const { href } of links.filter(({ href: each }) => !/live|\{/.test(each))) {
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
    ]) {
      const body = await rig.json(`/api/v1/${list}/${id}`);
      expect(() => schemaOf(`/api/v1/${list}/{id}`, 'application/json').parse(body)).not.toThrow();
    }
    const problem: Json = await rig.json('/api/v1/latest?limit=0');
    const schema = schemaOf('/api/v1/latest', 'application/problem+json', 'default');
    expect(() => schema.parse(problem)).not.toThrow();
  });
});
