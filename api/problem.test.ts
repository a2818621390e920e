import { afterAll, beforeAll, expect, test } from 'vitest';

import { openTestApi, type TestApi } from './api.fixture.ts';
import { formats } from './formats/format.ts';

let rig: TestApi;

beforeAll(async () => {
  rig = await openTestApi();
});
afterAll(() => rig.close());

test.each([
  ['latest?limit=many', 'limit', 'a number'],
  ['latest?limit=1.5', 'limit', 'an integer'],
  ['latest?limit=0', 'limit', 'at least 1'],
  ['latest?limit=99999999', 'limit', 'at most 1000000'],
  ['latest?format=xml', 'format', formats.join(', ')],
  ['observations?order=up', 'order', 'asc, desc'],
  ['aggregates?window=P1W', 'window', 'PT1M, PT1H, P1D, P1M, P1Y'],
  ['latest?page=', 'page', 'at least 1 characters'],
  ['latest?colour=red', 'colour', 'no such parameter'],
])('%s is told what %s must be: %s', async (address, parameter, expected) => {
  const answer = await rig.get(`/api/v1/${address}`);
  expect(answer.status).toBe(400);
  expect(await answer.json()).toMatchObject({
    parameter,
    expected,
    detail: `Parameter ${parameter}: expected ${expected}.`,
    errors: [{ parameter, expected }],
  });
});
