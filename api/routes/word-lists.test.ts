import { afterAll, beforeAll, expect, test } from 'vitest';

import { flags, qualifiers, reasons, testIds } from '../../ingest/quality.ts';
import { openTestApi, type TestApi } from '../api.fixture.ts';

let rig: TestApi;

beforeAll(async () => {
  rig = await openTestApi();
});
afterAll(() => rig.close());

test('qualities are every flag, test, qualifier and reason that rows can hold, in two languages', async () => {
  const { items } = await rig.json('/api/v1/qualities');
  const values = (kind: string) =>
    items.filter((item) => item['kind'] === kind).map(({ value }) => value);
  expect(values('flag')).toEqual(Object.values(flags).map(String));
  expect(values('test')).toEqual(testIds);
  expect(values('qualifier')).toEqual(qualifiers);
  expect(values('reason')).toEqual(reasons);
  const texts = items.flatMap(
    (item) => [item['label'], item['meaning']] as Record<string, string>[],
  );
  expect(texts.filter(({ vi, en }) => vi === '' || en === '')).toEqual([]);
  expect(items.find(({ id }) => id === 'flag.4')).toMatchObject({
    uri: 'http://codes.wmo.int/wmdr/WaterML2_0/poor',
  });
  const first = await rig.json('/api/v1/qualities?limit=30');
  const rest = (await (await fetch(String(first['next']))).json()) as typeof first;
  expect([...first.items, ...rest.items]).toEqual(items);
});

test('every column of every list is a term', async () => {
  const { items } = await rig.json('/api/v1/terms');
  const terms = new Set(items.map(({ id }) => id));
  for (const path of [
    'stations',
    'datastreams',
    'properties',
    'owners',
    'deployments',
    'qualities',
    'terms',
    'latest',
    'observations.csv?include=raw,position',
    'datasets',
    'events',
    'files',
    'search?q=ha',
    'dictionary',
    'dictionary?lang=vi',
    'usage',
    'aggregates.csv?window=P1D&functions=mean,sd,vectorDirection,vectorSpeed,vectorCount,p05,p95',
  ]) {
    const [list = '', query = ''] = path.replace('.csv', '').split('?');
    const text = await (await rig.get(`/api/v1/${list}.csv?${query}`)).text();
    const columns = text.split('\r\n', 1)[0]?.split(',') ?? [];
    expect([path, columns.filter((name) => !terms.has(name))]).toEqual([path, []]);
  }
});
