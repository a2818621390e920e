import { afterAll, beforeAll, expect, test } from 'vitest';

import { openTestApi, startAt, type Json, type TestApi } from '../api.fixture.ts';

let rig: TestApi;
const stepMs = 600_000;
const rows = 3_000;
const datastream = 'ha-noi-temperature';

beforeAll(async () => {
  rig = await openTestApi({ config: { queryCostMax: 2_000 } });
  rig.setNow(startAt + rows * stepMs);
  await rig.publish(
    Array.from({ length: rows }, (_, index) => rig.row(datastream, startAt + index * stepMs)),
  );
});
afterAll(() => rig.close());

async function ask(path: string) {
  const answer = await rig.get(`/api/v1/${path}`);
  return { status: answer.status, body: await answer.text() };
}

function problemOf(body: string) {
  return JSON.parse(body) as Json & {
    readonly suggestions: readonly { readonly parameter: string; readonly expected: string }[];
    readonly cost: number;
    readonly parameters: readonly string[];
  };
}

test.each([
  `observations?datastream=${datastream}&limit=2000`,
  'observations?quality=fail',
  `aggregates?datastream=${datastream}&window=PT1M&limit=3000`,
  'aggregates?window=PT1H&quality=good&limit=3000',
])('%s is refused with what it would cost and how to narrow it', async (path) => {
  const { status, body } = await ask(path);
  expect(status).toBe(400);
  const problem = problemOf(body);
  expect(problem).toMatchObject({ code: 'API_QUERY_TOO_DEAR', costMax: 2_000, canRetry: false });
  expect(problem.cost).toBeGreaterThan(2_000);
  expect(problem.parameters).toContain('format');
  expect(problem['parameter']).toBe(problem.parameters[0]);
  const narrowed = new Map(problem.suggestions.map((each) => [each.parameter, each.expected]));
  const limit = /^at most (\d+)$/.exec(narrowed.get('limit') ?? '')?.[1];
  const span = /from=(\S+), to=(\S+)$/.exec(narrowed.get('to') ?? '');
  const window = /^(P\w+) or/.exec(narrowed.get('window') ?? '')?.[1];
  const tries = [
    limit === undefined ? null : `${path.replace(/&limit=\d+/, '')}&limit=${limit}`,
    span === null ? null : `${path}&from=${span[1]}&to=${span[2]}`,
    window === undefined ? null : path.replace(/window=\w+/, `window=${window}`),
    `${path}&format=ndjson`,
  ];
  const asked = tries.filter((each) => each !== null);
  expect(asked.length).toBeGreaterThan(1);
  for (const each of asked) expect([each, (await ask(each)).status]).toEqual([each, 200]);
});

test('a span of a hundred years with little in it is answered', async () => {
  const query = `datastream=${datastream}&from=1926-01-01T00:00:00Z`;
  for (const path of [
    `observations?${query}&to=2024-01-01T00:00:00Z&quality=fail`,
    `observations?${query}&limit=300`,
    `aggregates?${query}&window=P1M`,
    'observations?datastream=hue-rain&limit=1000000&quality=good',
  ]) {
    expect([path, (await ask(path)).status]).toEqual([path, 200]);
  }
});
