import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';

import { openTestApi, startAt, type TestApi } from '../api.fixture.ts';

let rig: TestApi;

beforeAll(async () => {
  rig = await openTestApi();
  rig.setNow(startAt + 60_000);
  await rig.publish([rig.row('ha-noi-temperature', startAt), rig.row('hue-rain', startAt)]);
});
afterAll(() => rig.close());

async function linksOf(path: string, headers: Record<string, string> = {}) {
  const answer = await rig.get(path, headers);
  const text = await answer.text();
  expect([path, answer.status]).toEqual([path, 200]);
  const field = answer.headers.get('link') ?? '';
  const targetsOf = (relation: string) =>
    [...field.matchAll(/<([^>]+)>; rel="([a-z-]+)"/g)]
      .filter(([, , found]) => found === relation)
      .map(([, target]) => target ?? '');
  return { text, targetsOf };
}

test.each([
  ['observations?station=hue&format=ndjson', '*/*', 'observations.ndjson?station=hue'],
  ['observations?station=hue', 'text/csv', 'observations.csv?station=hue'],
  ['stations.geojson', 'text/csv', 'stations.geojson'],
])(
  'the canonical address of %s gives the same as %s, whatever Accept says',
  async (asked, accept, canonical) => {
    const { text, targetsOf } = await linksOf(`/api/v1/${asked}`, { accept });
    const [target = ''] = targetsOf('canonical');
    expect(target).toBe(`${rig.url}/api/v1/${canonical}`);
    const other = await rig.get(target.replace(rig.url, ''), { accept: 'application/json' });
    expect(await other.text()).toBe(text);
  },
);

test('the canonical address of a page is of that page', async () => {
  const { next } = await rig.json('/api/v1/observations?limit=1');
  const path = String(next).replace(rig.url, '');
  const { targetsOf } = await linksOf(path);
  expect(targetsOf('canonical')).toEqual([
    rig.url + path.replace('observations?', 'observations.json?'),
  ]);
});

test('what describes an answer is named: CSVW of CSV, the description of the API of others', async () => {
  const csv = await linksOf('/api/v1/latest.csv');
  expect(csv.targetsOf('describedby')).toEqual([`${rig.url}/api/v1/latest.csv-metadata.json`]);
  const json = await linksOf('/api/v1/latest');
  expect(json.targetsOf('describedby')).toEqual([`${rig.url}/api/v1/openapi.json`]);
});

test('a list of things names the terms that hold for all of it, and none where there are two', async () => {
  const other = await openTestApi();
  onTestFinished(() => other.close());
  const owners = [
    {
      id: 'factory',
      name: { vi: 'Nhà máy', en: 'Factory' },
      kind: 'enterprise',
      licence: 'ODbL-1.0',
    },
  ];
  other.registry.importFile({ format: 'quantrac-registry/1', owners }, 'test');
  for (const [path, terms] of [
    ['stations?owner=agency', 1],
    ['stations', 0],
    ['stations?limit=1', 1],
    ['datastreams?station=hue', 1],
    ['deployments', 1],
    ['owners', 0],
    ['properties', 0],
    ['stations?owner=nobody-of-this-name', 0],
  ] as const) {
    for (const asked of ['first', 'hot']) {
      const answer = await other.get(`/api/v1/${path}`);
      await answer.text();
      const found = [...(answer.headers.get('link') ?? '').matchAll(/rel="license"/g)];
      expect([path, asked, found.length]).toEqual([path, asked, terms]);
    }
  }
});

test('events name their terms and what describes them', async () => {
  const { status, headers } = await fetch(`${rig.url}/api/v1/live?station=hue`, { method: 'HEAD' });
  expect(status).toBe(200);
  const field = headers.get('link') ?? '';
  expect(field).toContain(`<${rig.url}/api/v1/asyncapi.json>; rel="describedby"`);
  expect(field).toContain('<https://creativecommons.org/licenses/by/4.0/>; rel="license"');
});

test('the terms stand in the head of every kind of answer with rows', async () => {
  const after = (await rig.json('/api/v1/changes?limit=1'))['next'];
  const item = 'latest/items/hue-rain';
  for (const path of [
    '/api/v1/latest',
    '/api/v1/observations.parquet',
    '/api/v1/aggregates?window=PT1H',
    `/api/v1/changes?after=${String(after)}`,
    '/api/v1/observations.svg?datastream=hue-rain',
    '/ogc/collections/latest/items',
    `/ogc/collections/${item}`,
    '/ogc/collections/latest/tiles/WebMercatorQuad/0/0/0',
  ]) {
    const { targetsOf } = await linksOf(path);
    expect([path, targetsOf('license').length]).toEqual([path, 1]);
  }
});
