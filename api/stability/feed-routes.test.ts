import fastify from 'fastify';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { openTestApi, type TestApi } from '../api.fixture.ts';
import { apiChanges } from './api-changes.ts';
import { addDeprecations, deprecations, noticeMsMin, type Deprecation } from './deprecation.ts';

let rig: TestApi;

beforeAll(async () => {
  rig = await openTestApi();
});
afterAll(() => rig.close());

test('the changes of the API are a feed with an entry each, and a JSON list of the same', async () => {
  const { changes } = await rig.json('/api/v1/api-changes');
  const answer = await rig.get('/api/v1/api-changes.atom');
  expect(answer.headers.get('content-type')).toBe('application/atom+xml; charset=utf-8');
  const text = await answer.text();
  const ids = [...text.matchAll(/<id>tag:quantrac,2026:api-changes:([^<]+)<\/id>/g)].map(
    ([, id]) => id,
  );
  expect(ids).toEqual(changes.map(({ id }) => id));
  expect(ids).toEqual(apiChanges.map(({ id }) => id));
  expect(text).not.toMatch(/&(?!amp;|lt;|gt;|quot;)/);
  expect(text).toContain(
    `<link rel="self" type="application/atom+xml" href="${rig.url}/api/v1/api-changes.atom"/>`,
  );
});

const ending: Deprecation = {
  path: '/old/:id',
  deprecatedAt: Date.UTC(2026, 10, 22),
  sunsetAt: Date.UTC(2027, 5, 1),
  link: 'https://example.org/instead',
};

async function ask(table: readonly Deprecation[], url: string) {
  const app = fastify();
  addDeprecations(app, table);
  app.get('/old/:id', () => 'old');
  app.get('/new', () => 'new');
  const { headers } = await app.inject(url);
  await app.close();
  return [headers['deprecation'], headers['sunset']];
}

test('what is to end says so in every answer, as RFC 9745 and RFC 8594 write it', async () => {
  const told = ['@1795305600', 'Tue, 01 Jun 2027 00:00:00 GMT'];
  expect(await ask([ending], '/old/1')).toEqual(told);
  expect(await ask([ending], '/new')).toEqual([undefined, undefined]);
  const ofParameter = { ...ending, parameter: 'near' };
  expect(await ask([ofParameter], '/old/1?near=1')).toEqual(told);
  expect(await ask([ofParameter], '/old/1?nearby=1')).toEqual([undefined, undefined]);
});

test('nothing ends without notice', () => {
  const short = deprecations.filter((each) => each.sunsetAt - each.deprecatedAt < noticeMsMin);
  expect(short).toEqual([]);
});
