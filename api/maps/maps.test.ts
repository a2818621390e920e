import { VectorTile } from '@mapbox/vector-tile';
import { PbfReader } from 'pbf';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { openTestApi, startAt, type TestApi } from '../api.fixture.ts';
import { readSystem } from './coordinates.ts';

let rig: TestApi;

interface Features {
  readonly features: readonly {
    readonly id: string;
    readonly geometry: { readonly coordinates: readonly number[] };
    readonly properties: Readonly<Record<string, unknown>>;
  }[];
  readonly links: readonly { readonly rel: string; readonly href: string }[];
  readonly numberMatched: number;
  readonly numberReturned: number;
}

const minute = 60_000;
const all = [
  'garden-temperature',
  'ha-noi-temperature',
  'hidden-temperature',
  'hue-rain',
  'shared-temperature',
];
const shown = ['garden-temperature', 'ha-noi-temperature', 'hue-rain'];

beforeAll(async () => {
  rig = await openTestApi();
  rig.setNow(startAt + 120 * minute);
  await rig.publish(
    all.map((id, index) => rig.row(id, startAt + index * 20 * minute, { result: 20.5 + index })),
  );
});
afterAll(() => rig.close());

const items = (collection: string, query = '', headers: Record<string, string> = {}) =>
  rig.json(`/ogc/collections/${collection}/items${query}`, headers) as unknown as Promise<Features>;
const idsOf = ({ features }: Features) => features.map(({ id }) => id);

test('everything is found from the landing page, and nothing that is linked is missing', async () => {
  const seen = new Set<string>();
  const waiting = [`${rig.url}/ogc/`];
  for (let href = waiting.pop(); href !== undefined; href = waiting.pop()) {
    if (seen.has(href) || !href.startsWith(`${rig.url}/ogc`)) continue;
    seen.add(href);
    const answer = await fetch(href.replace('{tileMatrix}/{tileRow}/{tileCol}', '0/0/0'));
    expect([href, answer.status]).toEqual([href, 200]);
    const text = await answer.text();
    if (!(answer.headers.get('content-type') ?? '').includes('json')) continue;
    for (const [, found = ''] of text.matchAll(/"href":"([^"]+)"/g)) waiting.push(found);
  }
  expect(seen.size).toBeGreaterThan(10);
});

test('features are GeoJSON with the rows of the API as properties', async () => {
  const answer = await rig.get('/ogc/collections/latest/items');
  expect(answer.headers.get('content-type')).toMatch(/^application\/geo\+json/);
  expect(answer.headers.get('content-crs')).toBe('<http://www.opengis.net/def/crs/OGC/1.3/CRS84>');
  const page = (await answer.json()) as Features;
  expect(idsOf(page)).toEqual(shown);
  const rows = await rig.json('/api/v1/latest');
  expect(page.features.map(({ properties }) => properties)).toEqual(rows.items);
});

test('what a viewer may not see is in no feature, count, tile or extent', async () => {
  const open = await items('latest');
  expect([open.numberMatched, open.numberReturned]).toEqual([shown.length, shown.length]);
  const operator = { authorization: `Bearer ${rig.operator}` };
  expect(idsOf(await items('latest', '', operator))).toEqual(all);
  const refused = async (id: string) => {
    const answer = await rig.get(`/ogc/collections/latest/items/${id}`);
    const {
      instance: _instance,
      requestId: _request,
      ...problem
    } = (await answer.json()) as Record<string, unknown>;
    return [answer.status, problem];
  };
  expect(await refused('hidden-temperature')).toEqual(await refused('never-was'));
  expect(await layerOf('latest')).toMatchObject({ length: shown.length });
});

test('pages follow each other by id without gap or repeat', async () => {
  const found: string[] = [];
  let path: string | undefined = '/ogc/collections/stations/items?limit=2&owner=agency';
  while (path !== undefined) {
    const page = (await rig.json(path)) as unknown as Features;
    expect([page.numberMatched, page.features.length]).toEqual([3, page.numberReturned]);
    found.push(...idsOf(page));
    path = page.links.find(({ rel }) => rel === 'next')?.href.replace(rig.url, '');
  }
  expect(found).toEqual(['ha-noi', 'hue', 'kathmandu']);
});

test('coordinates come in VN-2000, in the order of its axes, and a box may be given in them', async () => {
  const utm = readSystem('EPSG:3405', 'crs');
  const [easting, northing] = utm.project(105.8542, 21.0285);
  const page = await items('stations', `?crs=${encodeURIComponent(utm.uri)}&station=ha-noi`);
  expect(page.features[0]?.geometry.coordinates).toEqual([easting, northing]);
  const box = [easting - 1, northing - 1, easting + 1, northing + 1].join();
  const near = `?bbox=${box}&bbox-crs=${encodeURIComponent(utm.uri)}`;
  expect(idsOf(await items('stations', near))).toEqual(['ha-noi']);
  const beside = [easting + 1, northing - 1, easting + 2, northing + 1].join();
  expect(
    idsOf(await items('stations', `?bbox=${beside}&bbox-crs=${encodeURIComponent(utm.uri)}`)),
  ).toEqual([]);
  // EPSG 4326 has latitude first.
  expect(idsOf(await items('stations', '?bbox=21,105,22,106&bbox-crs=EPSG:4326'))).toEqual([
    'ha-noi',
  ]);
  expect(idsOf(await items('stations', '?bbox=105,21,106,22'))).toEqual(['ha-noi']);
});

test('datetime chooses by phenomenon time; what has no time is always there', async () => {
  const at = (index: number) => new Date(startAt + index * 20 * minute).toISOString();
  expect(idsOf(await items('latest', `?datetime=${at(1)}`))).toEqual(['ha-noi-temperature']);
  expect(idsOf(await items('latest', `?datetime=${at(1)}/..`))).toEqual([
    'ha-noi-temperature',
    'hue-rain',
  ]);
  expect(idsOf(await items('latest', `?datetime=/${at(0)}`))).toEqual(['garden-temperature']);
  expect((await items('stations', `?datetime=${at(1)}`)).numberMatched).toBe(4);
});

test('an answer that is still true is not sent again', async () => {
  for (const path of [
    '/ogc/collections/stations/items',
    '/ogc/collections/latest/tiles/WebMercatorQuad/0/0/0',
  ]) {
    const first = await rig.get(path);
    const etag = first.headers.get('etag') ?? '';
    const second = await rig.get(path, { 'if-none-match': etag });
    expect([path, second.status]).toEqual([path, 304]);
  }
});

async function layerOf(id: string, address = '0/0/0', query = '') {
  const answer = await rig.get(`/ogc/collections/${id}/tiles/WebMercatorQuad/${address}${query}`);
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toBe('application/vnd.mapbox-vector-tile');
  const tile = new VectorTile(new PbfReader(new Uint8Array(await answer.arrayBuffer())));
  return tile.layers[id];
}

test('a tile holds points where they are, to a part in 4096, with what is told of them', async () => {
  const [zoom, column, row] = [10, 813, 450];
  const layer = await layerOf('latest', `${zoom}/${row}/${column}`);
  expect(layer?.length).toBe(1);
  const feature = layer?.feature(0);
  expect(feature?.properties).toMatchObject({
    id: expect.stringMatching(/ha-noi-temperature$/) as string,
    datastream: 'ha-noi-temperature',
    result: 21.5,
    flag: 1,
  });
  const point = feature?.toGeoJSON(column, row, zoom) as unknown as Features['features'][number];
  const [longitude = 0, latitude = 0] = point.geometry.coordinates;
  const pixel = 360 / 2 ** zoom / 4096;
  expect(Math.abs(longitude - 105.8542)).toBeLessThanOrEqual(pixel);
  expect(Math.abs(latitude - 21.0285)).toBeLessThanOrEqual(pixel);
  expect(await layerOf('latest', '0/0/0', '?property=rainfall')).toMatchObject({ length: 1 });
});

test('what is wrong is refused by name', async () => {
  for (const [path, status, parameter] of [
    ['/collections/none/items', 404, 'collectionId'],
    ['/collections/stations/items?bbox=1,2,3', 400, 'bbox'],
    ['/collections/stations/items?bbox=1,9,3,4', 400, 'bbox'],
    ['/collections/stations/items?bbox=1,2,3,4&bbox-crs=EPSG:1', 400, 'bbox-crs'],
    ['/collections/stations/items?crs=nowhere', 400, 'crs'],
    ['/collections/latest/items?datetime=yesterday', 400, 'datetime'],
    ['/collections/latest/items?datetime=../..', 400, 'datetime'],
    ['/collections/latest/items?limit=0', 400, 'limit'],
    ['/collections/latest/items?near=1,2,3', 400, 'near'],
    ['/collections/latest/items/none', 404, 'featureId'],
    ['/collections/latest/tiles/WebMercatorQuad/1/2/0', 400, 'tileRow'],
    ['/collections/latest/tiles/WebMercatorQuad/23/0/0', 400, 'tileMatrix'],
    ['/collections/latest/tiles/WebMercatorQuad/a/0/0', 400, 'tileMatrix'],
  ] as const) {
    const answer = await rig.get(`/ogc${path}`);
    const problem = (await answer.json()) as Readonly<Record<string, unknown>>;
    expect([path, answer.status, problem['parameter']]).toEqual([path, status, parameter]);
  }
});

test('a tile fuller than the bound is refused with how to narrow it', async () => {
  const small = await openTestApi({ config: { tileFeaturesMax: 1 } });
  try {
    const answer = await small.get('/ogc/collections/stations/tiles/WebMercatorQuad/0/0/0');
    expect([answer.status, await answer.json()]).toEqual([
      400,
      expect.objectContaining({ code: 'API_TILE_TOO_FULL', parameter: 'tileMatrix' }),
    ]);
  } finally {
    await small.close();
  }
});
