import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { openTestApi, startAt, type TestApi } from '../api.fixture.ts';

let rig: TestApi;

beforeAll(async () => {
  rig = await openTestApi();
  await rig.publish([rig.row('ha-noi-temperature', startAt)]);
});
afterAll(() => rig.close());

const idsOf = async (path: string, headers?: Record<string, string>) =>
  (await rig.json(path, headers)).items.map((item) => item['id']);

describe('the lists of the registry', () => {
  test('give what is open to everyone, by id, complete and with the cursor they were read at', async () => {
    const answer = await rig.get('/api/v1/stations');
    const body = (await answer.json()) as Record<string, unknown>;
    expect(body).toMatchObject({ next: null, complete: true });
    expect(body['cursor']).toBe(answer.headers.get('quantrac-cursor'));
    expect(await idsOf('/api/v1/stations')).toEqual(['garden', 'ha-noi', 'hue', 'kathmandu']);
    expect(await idsOf('/api/v1/owners')).toEqual(['agency', 'factory']);
    expect(await idsOf('/api/v1/datastreams')).toHaveLength(6);
    expect(await idsOf('/api/v1/properties')).toContain('air-temperature');
  });

  test('describe a station with its names, place, class and datastreams', async () => {
    expect(await rig.json('/api/v1/stations/ha-noi')).toMatchObject({
      id: 'ha-noi',
      name: { vi: 'Trạm ha-noi', en: 'Station ha-noi' },
      owner: 'agency',
      class: 'reference',
      latitude: 21.0285,
      longitude: 105.8542,
      altitudeMetres: 12,
      timeZone: 'Asia/Ho_Chi_Minh',
      datastreams: ['ha-noi-direction', 'ha-noi-pm25', 'ha-noi-temperature'],
    });
    expect(await rig.json('/api/v1/datastreams/ha-noi-pm25')).toMatchObject({
      unit: 'ug/m3',
      intervalMs: 3_600_000,
    });
    expect(await rig.json('/api/v1/properties/pm2.5')).toMatchObject({ datastreams: 1 });
    expect(await rig.json('/api/v1/owners/agency')).toMatchObject({ stations: 3 });
  });

  test.each([
    ['bbox=105,20,107,22', ['ha-noi']],
    ['bbox=170,-90,106,90', ['ha-noi', 'kathmandu']],
    ['near=107.6,16.4,20', ['hue']],
    ['near=105.8542,21.0285,1&bbox=0,0,1,1', []],
    ['province=01', ['ha-noi']],
    ['property=rainfall', ['hue']],
    ['station=hue,ha-noi', ['ha-noi', 'hue']],
    ['class=indicative,citizen', ['garden', 'hue']],
    ['owner=factory', ['garden']],
    ['datastream=hue-rain', ['hue']],
    ['owner=agency&class=reference&property=wind-direction', ['ha-noi']],
  ])('filter by %s', async (query, expected) => {
    expect(await idsOf(`/api/v1/stations?${query}`)).toEqual(expected);
  });

  test('filter datastreams, properties and owners alike', async () => {
    expect(await idsOf('/api/v1/datastreams?station=ha-noi&property=pm2.5')).toEqual([
      'ha-noi-pm25',
    ]);
    expect(await idsOf('/api/v1/properties?station=hue')).toEqual(['rainfall']);
    expect(await idsOf('/api/v1/owners?station=hue')).toEqual(['agency']);
  });

  test('come in pages without gap or repeat', async () => {
    const whole = await idsOf('/api/v1/properties');
    const paged: unknown[] = [];
    let next: unknown = `${rig.url}/api/v1/properties?limit=7`;
    while (typeof next === 'string') {
      const page = await rig.json(next.slice(rig.url.length));
      expect(page['complete']).toBe(page['next'] === null);
      paged.push(...page.items.map((item) => item['id']));
      next = page['next'];
    }
    expect(paged).toEqual(whole);
  });

  test('are offered in CSV, NDJSON and on the map', async () => {
    const csv = await (await rig.get('/api/v1/stations.csv')).text();
    expect(csv.split('\r\n')[0]).toBe(
      'id,nameVi,nameEn,owner,class,latitude,longitude,altitudeMetres,publicPrecisionMetres,' +
        'timeZone,province,commune,kind',
    );
    expect(csv).toContain('ha-noi,Trạm ha-noi,Station ha-noi,agency,reference,21.0285,105.8542,12');
    for (const list of ['owners', 'properties', 'datastreams']) {
      const text = await (await rig.get(`/api/v1/${list}.csv`)).text();
      expect(text.startsWith('id,')).toBe(true);
      const lines = await (await rig.get(`/api/v1/${list}?format=ndjson`)).text();
      expect(JSON.parse(lines.trimEnd().split('\n').at(-1) ?? '')).toMatchObject({
        complete: true,
      });
    }
    const map = (await (await rig.get('/api/v1/datastreams.geojson')).json()) as {
      features: { geometry: { coordinates: number[] } }[];
    };
    expect(map.features[1]?.geometry.coordinates).toEqual([105.8542, 21.0285]);
    expect((await rig.get('/api/v1/owners.geojson')).status).toBe(404);
    expect((await rig.get('/api/v1/owners?format=geojson')).status).toBe(400);
  });

  test('are 304 for who has them, until the registry changes', async () => {
    const tag = (await rig.get('/api/v1/stations')).headers.get('etag') ?? '';
    expect(tag).toMatch(/^"/);
    await rig.publish([rig.row('hue-rain', startAt)]);
    const again = await rig.get('/api/v1/stations', { 'if-none-match': tag });
    expect([again.status, again.headers.get('etag'), await again.text()]).toEqual([304, tag, '']);
    const other = await rig.get('/api/v1/datastreams', { 'if-none-match': tag });
    expect(other.status).toBe(200);
  });
});

describe('the public precision of a place', () => {
  const placeOf = async (headers?: Record<string, string>) => {
    const { latitude, longitude } = await rig.json('/api/v1/stations/garden', headers);
    return [latitude, longitude];
  };
  const exact = [10.762622, 106.660172];
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

  test('hides the exact place from everyone but operators and the owner', async () => {
    expect(await placeOf()).not.toEqual(exact);
    expect(await placeOf(bearer(rig.reader))).not.toEqual(exact);
    expect(await placeOf(bearer(rig.operator))).toEqual(exact);
    expect(await placeOf(bearer(rig.ownerToken))).toEqual(exact);
  });

  test('also decides what filters find', async () => {
    const near = '/api/v1/stations?near=106.660172,10.762622,0.1';
    expect(await idsOf(near)).toEqual([]);
    expect(await idsOf(near, bearer(rig.operator))).toEqual(['garden']);
    const [latitude, longitude] = await placeOf();
    expect(await idsOf(`/api/v1/stations?near=${longitude},${latitude},0.1`)).toEqual(['garden']);
  });
});
