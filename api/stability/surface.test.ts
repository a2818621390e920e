import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { openTestApi, type TestApi } from '../api.fixture.ts';
import { apiChanges, changeOf } from './api-changes.ts';
import { apiVersion } from './feed-routes.ts';
import { compareSurfaces, surfaceOf, type ApiDescription } from './surface.ts';

let rig: TestApi;
let description: ApiDescription & { readonly info: { readonly version: string } };

beforeAll(async () => {
  rig = await openTestApi();
  description = (await rig.json('/api/v1/openapi.json')) as unknown as typeof description;
});
afterAll(() => rig.close());

const recorded = readFileSync(join(import.meta.dirname, 'v1.txt'), 'utf8')
  .trimEnd()
  .split('\n');

/** A small description to break in every way. */
function small(change: (operation: Record<string, unknown>) => void = () => undefined) {
  const operation = {
    parameters: [
      { name: 'limit', in: 'query', schema: { type: 'integer' } },
      { name: 'window', in: 'query', required: true, schema: { enum: ['PT1H', 'P1D'] } },
    ],
    responses: {
      200: {
        content: {
          'application/json': {
            schema: {
              type: 'object',
              properties: { id: { type: 'string' }, note: { type: 'string' } },
              required: ['id'],
            },
          },
        },
      },
    },
  };
  change(operation);
  return surfaceOf({ paths: { '/api/v1/things': { get: operation } } });
}

type Parameters = Record<string, unknown>[];
const schemaOf = (operation: Record<string, unknown>) =>
  (operation['responses'] as never)[200]['content']['application/json']['schema'] as {
    properties: Record<string, object>;
    required: string[];
  };

describe('version 1', () => {
  test('has lost nothing that clients rely on', () => {
    expect(compareSurfaces(recorded, surfaceOf(description)).gone).toEqual([]);
  });

  test('has everything new in its record: `npm run surface` writes it', () => {
    expect(compareSurfaces(recorded, surfaceOf(description)).added).toEqual([]);
  });

  test('has each address in the feed of changes, and no change names what does not exist', () => {
    const paths = Object.keys(description.paths).filter(
      (path) => !path.startsWith('/api/v1/admin'),
    );
    const versioned = paths.filter((path) => /^\/(api\/v1|ogc)/.test(path));
    expect(versioned.filter((path) => changeOf(path, apiChanges) === undefined)).toEqual([]);
    const beginnings = apiChanges.flatMap(({ adds }) => adds);
    const isThere = (beginning: string) => paths.some((path) => path.startsWith(beginning));
    expect(beginnings.filter((beginning) => !isThere(beginning))).toEqual([]);
  });

  test('is the version of the description, whose changes have dates in order and ids of their own', () => {
    expect(description.info.version).toBe(apiVersion);
    const dates = apiChanges.map(({ date }) => date);
    expect(dates).toEqual(dates.toSorted().toReversed());
    expect(new Set(apiChanges.map(({ id }) => id)).size).toBe(apiChanges.length);
  });
});

describe('a change that breaks clients is found', () => {
  const before = small();

  test.each<[string, (operation: Record<string, unknown>) => void]>([
    ['a parameter is gone', (operation) => (operation['parameters'] as Parameters).shift()],
    [
      'a parameter must be given',
      (operation) =>
        Object.assign((operation['parameters'] as Parameters)[0] ?? {}, { required: true }),
    ],
    [
      'a value is no longer taken',
      (operation) =>
        Object.assign((operation['parameters'] as Parameters)[1] ?? {}, {
          schema: { enum: ['P1D'] },
        }),
    ],
    ['a member is gone', (operation) => delete schemaOf(operation).properties['note']],
    [
      'a member has another type',
      (operation) => (schemaOf(operation).properties['id'] = { type: 'number' }),
    ],
    ['a member may be missing', (operation) => schemaOf(operation).required.pop()],
    [
      'a kind of answer is gone',
      (operation) => (operation['responses'] = { 200: { content: { 'text/csv': {} } } }),
    ],
  ])('%s', (_name, change) => {
    expect(compareSurfaces(before, small(change)).gone).not.toEqual([]);
  });

  test.each<[string, (operation: Record<string, unknown>) => void]>([
    [
      'a new optional parameter',
      (operation) => (operation['parameters'] as Parameters).push({ name: 'x', in: 'query' }),
    ],
    [
      'a parameter that need no longer be given',
      (operation) =>
        Object.assign((operation['parameters'] as Parameters)[1] ?? {}, { required: false }),
    ],
    ['a new member', (operation) => (schemaOf(operation).properties['more'] = { type: 'string' })],
    ['a member that is now always there', (operation) => schemaOf(operation).required.push('note')],
  ])('and %s is not one', (_name, change) => {
    const { gone, added } = compareSurfaces(before, small(change));
    expect(gone).toEqual([]);
    expect(added).not.toEqual([]);
  });
});
