import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { openTestApi, type TestApi } from '../api.fixture.ts';

let rig: TestApi;

beforeAll(async () => {
  rig = await openTestApi();
  const names = { vi: 'Trạm Đồng Hới', en: 'Dong Hoi station' };
  rig.registry.importFile(
    {
      format: 'quantrac-registry/1',
      stations: [
        {
          id: 'dong-hoi',
          name: names,
          owner: 'agency',
          latitude: 17.5,
          longitude: 106.6,
          timeZone: 'Asia/Ho_Chi_Minh',
          class: 'reference',
        },
      ],
    },
    'test',
  );
});
afterAll(() => rig.close());

async function search(query: Record<string, string>, token?: string) {
  const headers: Record<string, string> =
    token === undefined ? {} : { authorization: `Bearer ${token}` };
  const { items } = await rig.json(`/api/v1/search?${new URLSearchParams(query)}`, headers);
  return items;
}

test('finds a station by its name with and without diacritics, with its address', async () => {
  for (const q of ['trạm đồng hới', 'DONG HOI tram', 'Đồng Hới'.normalize('NFD'), 'donghoi']) {
    const [first] = await search({ q });
    expect(first).toMatchObject({
      type: 'station',
      id: 'dong-hoi',
      name: { vi: 'Trạm Đồng Hới', en: 'Dong Hoi station' },
      href: `${rig.url}/id/station/dong-hoi`,
    });
  }
});

test('finds properties, owners and datasets too, of the types that are asked for', async () => {
  const types = async (query: Record<string, string>) =>
    new Set((await search(query)).map(({ type }) => type));
  expect(await types({ q: 'agency' })).toEqual(new Set(['owner', 'dataset']));
  expect(await types({ q: 'nhiet do', type: 'property,dataset', limit: '1000' })).toEqual(
    new Set(['property', 'dataset']),
  );
});

test('what is hidden is found by nobody who may not see it, whatever they type', async () => {
  const hidden = await search({ q: 'hidden', limit: '1000' }, rig.operator);
  expect(hidden.map(({ type, id }) => `${String(type)} ${String(id)}`)).toEqual([
    'station hidden',
    'dataset hidden~air-temperature',
  ]);
  const typed = fc.constantFrom(
    'hidden',
    'Trạm hidden',
    'HIDD',
    'id',
    'station',
    'tram',
    'factory',
  );
  const types = fc.constantFrom({}, { type: 'station' }, { type: 'dataset' });
  await fc.assert(
    fc.asyncProperty(typed, types, async (q, more) => {
      const found = JSON.stringify(await search({ q, ...more, limit: '1000' }));
      expect(found).not.toMatch(/hidden|shared/);
    }),
  );
  expect(await search({ q: 'hidden' })).toEqual(await search({ q: 'nothingofthekind' }));
});

test('pages hold everything once, in the order of the whole', async () => {
  const whole = await search({ q: 'tram', limit: '1000' });
  const paged: unknown[] = [];
  let next: string | null = `${rig.url}/api/v1/search?q=tram&limit=3`;
  while (next !== null) {
    const page = (await (await fetch(next)).json()) as { items: object[]; next: string | null };
    paged.push(...page.items);
    ({ next } = page);
  }
  expect(whole.length).toBeGreaterThan(6);
  expect(paged).toEqual(whole);
});

test.each([
  ['', 'q'],
  ['?q=%21%3F', 'q'],
  ['?q=a&type=planet', 'type'],
  ['?q=a&lang=fr', 'lang'],
  [`?q=${Array.from({ length: 9 }, (_, at) => `w${at}`).join('+')}`, 'q'],
])('refuses %s and names %s', async (query, parameter) => {
  const answer = await rig.get(`/api/v1/search${query}`);
  expect([answer.status, await answer.json()]).toMatchObject([400, { parameter }]);
});
