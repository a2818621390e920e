import { afterAll, beforeAll, expect, test } from 'vitest';

import { observedProperties } from '../../devices/properties/catalogue.ts';
import { qualifiers, reasons, testIds } from '../../ingest/quality.ts';
import { openTestApi, startAt, type TestApi } from '../api.fixture.ts';

let rig: TestApi;

beforeAll(async () => {
  rig = await openTestApi();
  rig.setNow(startAt + 60_000);
  await rig.publish([
    rig.row('ha-noi-direction', startAt, { latitude: 21, longitude: 105, heightMm: 2_000 }),
  ]);
});
afterAll(() => rig.close());

interface Entry {
  readonly kind: string;
  readonly value: string;
  readonly meaning: { readonly vi: string; readonly en: string };
}

async function entries(query = ''): Promise<Entry[]> {
  const { items } = await rig.json(`/api/v1/dictionary${query}`);
  return items as unknown as Entry[];
}

test('explains every property, flag, test, qualifier and reason in both languages', async () => {
  const all = await entries();
  const valuesOf = (kind: string) =>
    all.filter((each) => each.kind === kind).map(({ value }) => value);
  expect(valuesOf('property').toSorted()).toEqual(
    observedProperties.map(({ id }) => id).toSorted(),
  );
  expect(valuesOf('flag')).toEqual(['1', '2', '3', '4', '9']);
  expect(valuesOf('test')).toEqual(testIds);
  expect(valuesOf('qualifier')).toEqual(qualifiers);
  expect(valuesOf('reason')).toEqual(reasons);
  expect(all.filter(({ meaning: { vi, en } }) => vi === '' || en === '' || vi === en)).toEqual([]);
});

test('explains every field that a row has, whatever it is asked with', async () => {
  const known = new Set((await entries('?kind=field')).map(({ value }) => value));
  for (const path of ['latest', 'observations?include=raw', 'observations?include=position']) {
    const [list = '', query = ''] = path.split('?');
    const text = await (await rig.get(`/api/v1/${list}.csv?${query}`)).text();
    const [header = ''] = text.split('\r\n');
    expect(header.split(',').filter((column) => !known.has(column))).toEqual([]);
  }
});

test('gives unit, range, basis, national symbol and published terms of a property', async () => {
  const all = await entries('?kind=property');
  expect(all.find(({ value }) => value === 'pm2.5')).toMatchObject({
    id: 'property.pm2.5',
    unit: 'ug/m3',
    nationalSymbol: 'PM2,5',
    plausible: { min: 0, max: 2000 },
    links: expect.arrayContaining([
      {
        scheme: 'Eionet',
        match: 'exact',
        uri: 'http://dd.eionet.europa.eu/vocabulary/aq/pollutant/6001',
      },
    ]),
  });
  expect(all.find(({ value }) => value === 'nitrate')).toMatchObject({ basis: 'N' });
});

test('is a table in either language', async () => {
  const table = async (query: string) =>
    (await (await rig.get(`/api/v1/dictionary.csv?kind=flag${query}`)).text()).split('\r\n');
  const [viHeader, vi] = await table('&lang=vi');
  const [enHeader, en] = await table('&lang=en');
  expect(viHeader).toBe(enHeader);
  expect(viHeader).toMatch(/^id,kind,value,label,meaning,type,/);
  expect(vi).toMatch(/^flag\.1,flag,1,Tốt,Giá trị đã qua/);
  expect(en).toMatch(/^flag\.1,flag,1,Good,The value passed/);
  expect((await table(''))[0]).toMatch(/^id,kind,value,labelVi,labelEn,meaningVi,meaningEn,/);
});
