import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { openTestApi, startAt, type TestApi } from '../api.fixture.ts';
import { network } from '../network.fixture.ts';

const dayMs = 86_400_000;
const kinds = ['owners', 'stations', 'datastreams', 'deployments', 'properties'] as const;
const time = (day: number) => new Date(startAt + day * dayMs).toISOString();

let rig: TestApi;

beforeAll(async () => {
  rig = await openTestApi({ config: { asOfSettleMs: 0 } });
});
afterAll(() => rig.close());

type Entry = Readonly<Record<string, unknown>> & { readonly id: string };

const stationOf = (id: string): Entry =>
  network.stations.find((each) => (each as Entry).id === id) as Entry;
const datastreamOf = (id: string): Entry =>
  network.datastreams.find((each) => (each as Entry).id === id) as Entry;

async function change(day: number, file: object): Promise<void> {
  rig.setNow(startAt + day * dayMs);
  const outcome = rig.registry.importFile({ format: 'quantrac-registry/1', ...file }, 'test');
  expect(outcome).toMatchObject({ ok: true });
}

const key = (token: string) => ({ authorization: `Bearer ${token}` });
const headersOf = (): Record<string, Record<string, string>> => ({
  anonymous: {},
  operator: key(rig.operator),
  owner: key(rig.ownerToken),
});

async function textOf(path: string, headers?: Record<string, string>): Promise<string> {
  const answer = await rig.get(path, headers);
  return `${answer.status} ${Buffer.from(await answer.arrayBuffer()).toString('latin1')}`;
}

/** Of a list without what tells when it was read. */
const itemsOf = async (path: string, headers?: Record<string, string>) =>
  JSON.stringify((await rig.json(path, headers)).items);

const idsOf = async (path: string, headers?: Record<string, string>) =>
  (await rig.json(path, headers)).items.map((item) => item['id']);

test('every list and every item is answered as it was, in every format, whatever has changed', async () => {
  const lists = kinds.flatMap((kind) => [kind, `${kind}?limit=2`]);
  const filtered = [
    'stations?owner=agency&province=01',
    'datastreams?station=hue,ha-noi&property=rainfall',
    'datastreams?class=indicative',
    'properties?station=hue',
    'owners?bbox=105,20,107,22',
    'deployments?station=ha-noi',
  ];
  const files = kinds.flatMap((kind) =>
    ['csv', 'jsonld', 'ndjson'].map((extension) => `${kind}.${extension}`),
  );
  const geo = ['stations.geojson', 'datastreams.geojson'];
  const items = ['owners/agency', 'stations/hue', 'datastreams/hue-rain', 'properties/rainfall'];
  const told = new Map<string, string>();
  const withoutCursor = (text: string) =>
    text.replaceAll(/"(cursor|next)":"[^"]*"/g, '').replaceAll(/asOf=[^&"\s]*&?/g, '');
  rig.setNow(startAt + dayMs);
  for (const [who, headers] of Object.entries(headersOf())) {
    for (const path of [...lists, ...filtered, ...files, ...geo, ...items]) {
      told.set(`${who} ${path}`, withoutCursor(await textOf(`/api/v1/${path}`, headers)));
    }
  }
  await change(2, {
    owners: [{ id: 'bureau', name: { vi: 'Cục', en: 'Bureau' }, kind: 'state' }],
    stations: [
      {
        ...stationOf('hue'),
        name: { vi: 'Huế mới', en: 'New Hue' },
        latitude: 1,
        class: 'regulatory',
      },
      { ...stationOf('ha-noi'), id: 'new', owner: 'bureau' },
    ],
    datastreams: [
      { ...datastreamOf('hue-rain'), intervalMs: 60_000 },
      { ...datastreamOf('hue-rain'), id: 'new-rain', station: 'new' },
    ],
    deployments: [
      { ...network.deployments[0], to: '2024-06-01T00:00:00Z' },
      { ...network.deployments[0], from: '2024-06-01T00:00:00Z', factor: 2 },
    ],
  });
  await change(3, { owners: [{ ...network.owners[0], licence: 'CC0-1.0' }] });
  rig.setNow(startAt + 4 * dayMs);
  const differing: string[] = [];
  for (const [who, headers] of Object.entries(headersOf())) {
    for (const path of [...lists, ...filtered, ...files, ...geo, ...items]) {
      const asked = `/api/v1/${path}${path.includes('?') ? '&' : '?'}asOf=${time(1.5)}`;
      const text = withoutCursor(await textOf(asked, headers));
      if (text !== told.get(`${who} ${path}`)) differing.push(`${who} ${path}: ${text}`);
    }
  }
  expect(differing).toEqual([]);
  expect(await itemsOf(`/api/v1/stations?asOf=${time(3.5)}`)).toBe(
    await itemsOf('/api/v1/stations'),
  );
  expect((await rig.get(`/api/v1/stations.parquet?asOf=${time(1.5)}`)).status).toBe(200);
});

test('what did not exist yet is unknown, and before the first version nothing does', async () => {
  const refusal = async (path: string) => {
    const answer = await rig.get(`/api/v1/${path}`);
    const body = (await answer.json()) as Record<string, unknown>;
    return [answer.status, body['code'], body['parameter']];
  };
  expect(await refusal(`stations/new?asOf=${time(1.5)}`)).toEqual([
    404,
    'API_STATION_UNKNOWN',
    'id',
  ]);
  expect(await refusal(`stations?station=new&asOf=${time(1.5)}`)).toEqual([
    404,
    'API_STATION_UNKNOWN',
    'station',
  ]);
  const before = '2020-01-01T00:00:00Z';
  for (const kind of ['owners', 'stations', 'datastreams', 'deployments']) {
    expect([kind, await idsOf(`/api/v1/${kind}?asOf=${before}`)]).toEqual([kind, []]);
  }
  // What can be measured is of the product, and no change of the registry.
  expect(await itemsOf(`/api/v1/properties?limit=1&asOf=${before}`)).toContain('"datastreams":0');
  expect(await refusal(`owners/agency?asOf=${before}`)).toEqual([404, 'API_OWNER_UNKNOWN', 'id']);
  expect(await refusal(`datastreams/hue-rain?asOf=${before}`)).toEqual([
    404,
    'API_DATASTREAM_UNKNOWN',
    'id',
  ]);
  for (const path of ['owners', 'owners/agency', 'deployments.csv']) {
    expect(await refusal(`${path}?asOf=yesterday`)).toEqual([400, 'API_PARAMETER_INVALID', 'asOf']);
    expect(await refusal(`${path}?asOf=${time(9_000)}`)).toEqual([400, 'API_AS_OF_FUTURE', 'asOf']);
  }
  expect(await refusal(`terms?asOf=${time(1)}`)).toEqual([400, 'API_PARAMETER_UNKNOWN', 'asOf']);
});

describe('an answer as of a moment', () => {
  test('goes on in pages, each as of the same moment', async () => {
    const whole = await idsOf(`/api/v1/datastreams?asOf=${time(1.5)}`);
    const paged: unknown[] = [];
    let next: unknown = `${rig.url}/api/v1/datastreams?limit=4&asOf=${encodeURIComponent(time(1.5))}`;
    while (typeof next === 'string') {
      const page = await rig.json(next.slice(rig.url.length));
      paged.push(...page.items.map((item) => item['id']));
      next = page['next'];
    }
    expect(paged).toEqual(whole);
    expect(paged).toHaveLength(6);
  });

  test.each([
    '/api/v1/stations?asOf=',
    '/api/v1/stations.csv?asOf=',
    '/api/v1/stations?limit=1&asOf=',
    '/api/v1/owners/agency?asOf=',
  ])('keeps its tag while secrets are given and rows come, and is 304: %s', async (path) => {
    const address = `${path}${time(1.5)}`;
    const first = await rig.get(address);
    const tag = first.headers.get('etag') ?? '';
    expect(tag).toMatch(/^"/);
    rig.registry.createToken({ role: 'reader', actor: 'test' });
    await rig.publish([rig.row('hue-rain', rig.now())]);
    const again = await rig.get(address, { 'if-none-match': tag });
    expect([again.status, again.headers.get('etag'), await again.text()]).toEqual([304, tag, '']);
    const other = await rig.get(`${path}${time(2.5)}`, { 'if-none-match': tag });
    expect(other.status).toBe(200);
    expect(first.headers.get('quantrac-cursor')).toBe(again.headers.get('quantrac-cursor'));
  });

  test('that does not exist is no 304 for `*`', async () => {
    const asked = `/api/v1/stations/new?asOf=${time(1.5)}`;
    expect((await rig.get(asked, { 'if-none-match': '*' })).status).toBe(404);
    const there = `/api/v1/stations/hue?asOf=${time(1.5)}`;
    expect((await rig.get(there, { 'if-none-match': '*' })).status).toBe(304);
  });
});

describe('rights of today', () => {
  const names = async (path: string, headers?: Record<string, string>) => {
    const item = await rig.json(`/api/v1/${path}?asOf=${time(10.5)}`, headers);
    return [item['name'] ?? item['code'], item['attribution']];
  };

  beforeAll(async () => {
    const citizen = { id: 'citizen', kind: 'citizen' };
    const place = { ...stationOf('kathmandu'), timeZone: 'Asia/Ho_Chi_Minh' };
    const named = (text: string) => ({ name: { vi: text, en: text }, attribution: `by ${text}` });
    await change(10, {
      owners: [
        { ...citizen, ...named('Bà Lan') },
        { id: 'quiet', kind: 'enterprise', ...named('quiet') },
      ],
      stations: [
        { ...place, id: 'to-hide', owner: 'agency', ...named('was open') },
        { ...place, id: 'to-open', owner: 'agency', ...named('secret'), visibility: 'internal' },
        { ...place, id: 'to-fill', owner: 'agency', ...named('empty'), visibility: 'internal' },
        { ...place, id: 'to-blur', owner: 'agency', ...named('blur'), latitude: 21.123456 },
        { ...place, id: 'to-sell', owner: 'quiet', ...named('sold') },
        { ...place, id: 'home', owner: 'citizen', ...named('Nhà bà Lan') },
      ],
      datastreams: ['to-hide', 'to-open', 'home'].map((station) => ({
        ...datastreamOf('hue-rain'),
        id: `${station}-rain`,
        station,
        attribution: `rain of ${station}`,
        intervalMs: 60_000,
      })),
      devices: [{ id: 'probe', owner: 'agency' }],
      deployments: [
        {
          device: 'probe',
          datastream: 'to-open-rain',
          channel: 'R',
          from: '2024-01-01T00:00:00Z',
          factor: 7,
        },
      ],
    });
    await change(11, {
      owners: [
        { ...citizen, name: { vi: 'Một người dân', en: 'A citizen' } },
        { id: 'quiet', kind: 'enterprise', ...named('quiet'), visibility: 'internal' },
      ],
      stations: [
        { ...place, id: 'to-hide', owner: 'agency', ...named('was open'), visibility: 'internal' },
        { ...place, id: 'to-open', owner: 'agency', ...named('open') },
        { ...place, id: 'to-fill', owner: 'agency', ...named('filled'), visibility: 'internal' },
        {
          ...place,
          id: 'to-blur',
          owner: 'agency',
          ...named('blur'),
          latitude: 21.123456,
          publicPrecisionMetres: 5_000,
        },
        { ...place, id: 'to-sell', owner: 'agency', ...named('bought') },
        { ...place, id: 'home', owner: 'citizen', name: { vi: 'Vườn', en: 'Garden' } },
      ],
      datastreams: [
        {
          ...datastreamOf('hue-rain'),
          id: 'to-open-rain',
          station: 'to-open',
          intervalMs: 600_000,
        },
        { ...datastreamOf('hue-rain'), id: 'home-rain', station: 'home', intervalMs: 600_000 },
        { ...datastreamOf('hue-rain'), id: 'late-rain', station: 'to-fill', visibility: 'open' },
      ],
      deployments: [
        {
          device: 'probe',
          datastream: 'to-open-rain',
          channel: 'R',
          from: '2024-01-01T00:00:00Z',
          factor: 8,
        },
      ],
    });
    rig.setNow(startAt + 12 * dayMs);
  });

  test('what was open then and is hidden today is not there', async () => {
    const asked = `?asOf=${time(10.5)}`;
    expect(await idsOf(`/api/v1/stations${asked}`)).not.toContain('to-hide');
    expect(await idsOf(`/api/v1/stations${asked}`, key(rig.operator))).toContain('to-hide');
    expect(await idsOf(`/api/v1/datastreams${asked}`)).not.toContain('to-hide-rain');
    expect((await rig.get(`/api/v1/stations/to-hide${asked}`)).status).toBe(404);
    expect(await idsOf(`/api/v1/owners${asked}`)).not.toContain('quiet');
  });

  test('what was hidden then and is open today is there, as it is today', async () => {
    const asked = `?asOf=${time(10.5)}`;
    expect(await names('stations/to-open')).toEqual([{ vi: 'open', en: 'open' }, undefined]);
    expect(await names('stations/to-open', key(rig.operator))).toEqual([
      { vi: 'secret', en: 'secret' },
      undefined,
    ]);
    expect(await rig.json(`/api/v1/datastreams/to-open-rain${asked}`)).toMatchObject({
      attribution: 'by open',
      intervalMs: 600_000,
    });
    const factorsFor = async (headers: Record<string, string>) =>
      (await rig.json(`/api/v1/deployments${asked}&datastream=to-open-rain`, headers)).items.map(
        (item) => item['factor'],
      );
    expect(await factorsFor({})).toEqual([8]);
    expect(await factorsFor(key(rig.operator))).toEqual([7]);
  });

  test('what came later makes nothing visible that was there', async () => {
    expect(await idsOf('/api/v1/stations')).toContain('to-fill');
    expect(await idsOf(`/api/v1/stations?asOf=${time(10.5)}`)).not.toContain('to-fill');
  });

  test('a place is as coarse as it is today', async () => {
    const asked = `/api/v1/stations/to-blur?asOf=${time(10.5)}`;
    const { latitude } = await rig.json('/api/v1/stations/to-blur');
    expect(latitude).not.toBe(21.123456);
    expect(await rig.json(asked)).toMatchObject({ latitude, publicPrecisionMetres: 5_000 });
    expect(await rig.json(asked, key(rig.operator))).toMatchObject({ latitude: 21.123456 });
    const near = `near=${105.324},21.123456,0.05`;
    expect(await idsOf(`/api/v1/stations?${near}&asOf=${time(10.5)}`)).toEqual([]);
  });

  test('an owner that is hidden today is not named as the owner of then', async () => {
    const asked = `/api/v1/stations/to-sell?asOf=${time(10.5)}`;
    expect(await rig.json(asked)).toMatchObject({ owner: 'agency', name: { en: 'bought' } });
    expect(await rig.json(asked, key(rig.operator))).toMatchObject({ owner: 'quiet' });
  });

  test('what may name a person is of today', async () => {
    expect(await names('owners/citizen')).toEqual([
      { vi: 'Một người dân', en: 'A citizen' },
      undefined,
    ]);
    expect(await names('stations/home')).toEqual([{ vi: 'Vườn', en: 'Garden' }, undefined]);
    const asked = `?asOf=${time(10.5)}`;
    const rain = await rig.json(`/api/v1/datastreams/home-rain${asked}`);
    expect(rain).toMatchObject({ intervalMs: 60_000 });
    for (const kind of ['owners', 'stations', 'datastreams'] as const) {
      for (const extension of ['', '.csv', '.jsonld', '.ndjson']) {
        const text = await textOf(`/api/v1/${kind}${extension}${asked}`, key(rig.operator));
        expect([kind, extension, /B.+ Lan|rain of home/.test(text)]).toEqual([
          kind,
          extension,
          false,
        ]);
      }
    }
  });

  test('that are taken away end what was made before', async () => {
    const asked = `/api/v1/stations?asOf=${time(10.5)}`;
    const tag = (await rig.get(asked)).headers.get('etag') ?? '';
    expect(await idsOf(asked)).toContain('to-sell');
    const [sold] = [{ ...stationOf('kathmandu'), id: 'to-sell', visibility: 'internal' }];
    await change(12, { stations: [sold] });
    rig.setNow(startAt + 13 * dayMs);
    const again = await rig.get(asked, { 'if-none-match': tag });
    expect(again.status).toBe(200);
    expect(await again.text()).not.toContain('to-sell');
  });
});

test('what would cost too much is refused with the earliest moment that does not', async () => {
  const small = await openTestApi({ config: { asOfSettleMs: 0, earlierCostMax: 100 } });
  try {
    const day = (count: number) => small.setNow(startAt + count * dayMs);
    day(1);
    const renamed = (name: string) => ({
      format: 'quantrac-registry/1',
      owners: [{ ...network.owners[0], name: { vi: name, en: name } }],
    });
    for (let change = 0; change < 30; change += 1) {
      day(1 + change);
      small.registry.importFile(renamed(`name ${change}`), 'test');
    }
    day(40);
    const answer = await small.get(`/api/v1/owners?asOf=${time(15)}`);
    const body = (await answer.json()) as Record<string, unknown>;
    expect([answer.status, body['code'], body['parameter']]).toEqual([
      400,
      'API_QUERY_TOO_DEAR',
      'asOf',
    ]);
    const [{ expected } = { expected: '' }] = body['suggestions'] as { expected: string }[];
    const since = /not before (\S+)/.exec(expected)?.[1] ?? '';
    expect(Date.parse(since)).toBeGreaterThan(startAt + 15 * dayMs);
    expect((await small.get(`/api/v1/owners?asOf=${since}`)).status).toBe(200);
  } finally {
    await small.close();
  }
});
