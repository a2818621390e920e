import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { openTestApi, startAt, type Json, type TestApi } from '../api.fixture.ts';

let rig: TestApi;
const minute = 60_000;
const interval = 10 * minute;
const series = 'ha-noi-temperature';

beforeEach(async () => {
  rig = await openTestApi({ config: { rowsPerReadMax: 7, rowsPerPageDefault: 10 } });
  rig.setNow(startAt + 1_000 * interval);
});
afterEach(() => rig.close());

/** Rows of the series at these places of its grid, with the place as the result. */
function rowsAt(places: readonly number[], datastream = series) {
  return places.map((place) => rig.row(datastream, startAt + place * interval, { result: place }));
}
const upTo = (count: number) => Array.from({ length: count }, (_, place) => place);
const resultsOf = (body: Json) => body.items.map((item) => item['result']);
const time = (place: number) =>
  encodeURIComponent(new Date(startAt + place * interval).toISOString());

async function allPages(path: string): Promise<unknown[]> {
  const results: unknown[] = [];
  let next: unknown = rig.url + path;
  while (typeof next === 'string') {
    const page: Json = await rig.json(next.slice(rig.url.length));
    results.push(...resultsOf(page));
    next = page['next'];
  }
  return results;
}

async function ndjson(path: string): Promise<{ rows: Json[]; last: Json }> {
  const lines = (await (await rig.get(path)).text()).trimEnd().split('\n');
  const parsed = lines.map((line) => JSON.parse(line) as Json);
  return { rows: parsed.slice(0, -1), last: parsed.at(-1) as Json };
}

describe('observations', () => {
  test('are of [from, to) on the end of their phenomenon time, in the order asked for', async () => {
    await rig.publish(rowsAt(upTo(6)));
    const base = `/api/v1/observations?datastream=${series}`;
    expect(resultsOf(await rig.json(base))).toEqual([0, 1, 2, 3, 4, 5]);
    expect(resultsOf(await rig.json(`${base}&from=${time(2)}&to=${time(4)}`))).toEqual([2, 3]);
    expect(resultsOf(await rig.json(`${base}&order=desc&limit=2`))).toEqual([5, 4]);
    expect(resultsOf(await rig.json(`${base}&from=${time(3)}&to=${time(3)}`))).toEqual([]);
  });

  test('are by datastream, then by time', async () => {
    await rig.publish([...rowsAt([1, 2], 'hue-rain'), ...rowsAt([0, 3])]);
    const { items } = await rig.json('/api/v1/observations');
    expect(items.map((item) => [item['datastream'], item['result']])).toEqual([
      [series, 0],
      [series, 3],
      ['hue-rain', 1],
      ['hue-rain', 2],
    ]);
  });

  test('of named datastreams or stations are the same, in the same order', async () => {
    await rig.publish([
      ...rowsAt([1, 2], 'hue-rain'),
      ...rowsAt([0, 3]),
      ...rowsAt([4], 'ha-noi-pm25'),
    ]);
    const of = async (query: string) => resultsOf(await rig.json(`/api/v1/observations?${query}`));
    expect(await of('datastream=hue-rain,ha-noi-temperature,ha-noi-pm25')).toEqual([4, 0, 3, 1, 2]);
    expect(await of('station=hue,ha-noi')).toEqual([4, 0, 3, 1, 2]);
    expect(await of('station=ha-noi&datastream=ha-noi-pm25')).toEqual([4]);
    expect(await of('station=hue&datastream=ha-noi-pm25')).toEqual([]);
  });

  test('of a quality are those with its flags', async () => {
    const flagged = (place: number, flag: 1 | 3 | 4) =>
      rig.row(series, startAt + place * interval, {
        result: place,
        verdict: { flag, tests: '1111111111222222', qualifiers: 0, reason: null, rules: '0' },
      });
    await rig.publish([flagged(0, 1), flagged(1, 3), flagged(2, 4), flagged(3, 1)]);
    const of = async (quality: string) =>
      resultsOf(await rig.json(`/api/v1/observations?quality=${quality}`));
    expect(await of('good')).toEqual([0, 3]);
    expect(await of('suspect,fail')).toEqual([1, 2]);
    expect(await of('4')).toEqual([2]);
    expect(await of('missing')).toEqual([]);
  });

  test('come in pages without gap or repeat, while rows arrive and are corrected', async () => {
    await rig.publish([...rowsAt(upTo(40)), ...rowsAt(upTo(5), 'hue-rain')]);
    const expected = [...upTo(40), ...upTo(5)];
    const results: unknown[] = [];
    const revisions: unknown[] = [];
    let next: unknown = `${rig.url}/api/v1/observations?limit=6`;
    for (let page = 0; typeof next === 'string'; page++) {
      const body: Json = await rig.json(next.slice(rig.url.length));
      results.push(...resultsOf(body));
      revisions.push(...body.items.map((item) => item['revision']));
      next = body['next'];
      const late = rig.row(series, startAt + page * interval + minute, { result: -1 });
      const corrected = { result: 1_000, revision: page + 1, type: 'correction' } as const;
      await rig.publish([late, rig.row(series, startAt + 39 * interval, corrected)]);
      if (page === 3) rig.flush();
    }
    expect(results).toEqual(expected);
    expect(new Set(revisions)).toEqual(new Set([0]));
  });

  test('that end with the page say so at once', async () => {
    await rig.publish(rowsAt(upTo(10)));
    expect(await rig.json('/api/v1/observations?limit=10')).toMatchObject({
      next: null,
      complete: true,
    });
    expect(await rig.json('/api/v1/observations?limit=9')).toMatchObject({ complete: false });
  });

  test('page through in descending order and through filters too', async () => {
    await rig.publish([...rowsAt(upTo(23)), ...rowsAt(upTo(9), 'hue-rain')]);
    const descending = [...upTo(23).reverse(), ...upTo(9).reverse()];
    expect(await allPages('/api/v1/observations?order=desc&limit=4')).toEqual(descending);
    expect(await allPages('/api/v1/observations?limit=4&quality=good')).toHaveLength(32);
    expect(await allPages('/api/v1/observations?limit=4&quality=fail')).toEqual([]);
  });

  test('stream in lines to their end, whatever the default of a page', async () => {
    await rig.publish(rowsAt(upTo(500)));
    const { rows, last } = await ndjson('/api/v1/observations.ndjson');
    expect(rows.map((row) => row['result'])).toEqual(upTo(500));
    expect(Object.keys(last)).toEqual(['complete', 'cursor']);
    const limited = await ndjson('/api/v1/observations.ndjson?limit=3');
    expect(limited.rows).toHaveLength(3);
    expect(limited.last).toMatchObject({ complete: false });
    expect(limited.last['next']).toContain('page=');
    const csv = await (await rig.get('/api/v1/observations.csv')).text();
    expect(csv.trimEnd().split('\r\n')).toHaveLength(501);
  });

  test('as of a moment are what was published then', async () => {
    const at = (ms: number) => encodeURIComponent(new Date(startAt + ms).toISOString());
    rig.setNow(startAt + 20_000);
    await rig.publish(rowsAt([0]), { publishedAt: startAt + 10_000 });
    const corrected = { result: 50, revision: 1, type: 'correction' } as const;
    await rig.publish([rig.row(series, startAt, corrected)], { publishedAt: startAt + 15_000 });
    const asOf = async (ms: number) =>
      resultsOf(await rig.json(`/api/v1/observations?asOf=${at(ms)}`));
    expect(await asOf(9_999)).toEqual([]);
    expect(await asOf(10_000)).toEqual([0]);
    expect(await asOf(14_999)).toEqual([0]);
    expect(await asOf(15_000)).toEqual([50]);
    rig.flush();
    expect(await asOf(14_999)).toEqual([0]);
    const future = await rig.get(`/api/v1/observations?asOf=${at(3_600_000)}`);
    expect(future.status).toBe(400);
    expect(await future.json()).toMatchObject({ code: 'API_AS_OF_FUTURE', parameter: 'asOf' });
  });

  test('as of now are what is published now, and stay it', async () => {
    const nowAt = startAt + 100_000;
    rig.setNow(nowAt);
    await rig.publish(rowsAt([0]));
    const path = `/api/v1/observations?asOf=${encodeURIComponent(new Date(rig.now()).toISOString())}`;
    const first = await rig.json(path);
    await rig.publish(rowsAt([1]));
    expect((await rig.json(path)).items).toEqual(first.items);
    expect(first.items).toHaveLength(1);
  });

  test('join the change feed at their cursor without gap or repeat', async () => {
    await rig.publish(rowsAt(upTo(3)));
    const list = await rig.json('/api/v1/observations');
    await rig.publish(rowsAt([3, 4]));
    const changes = await rig.json(`/api/v1/changes?after=${String(list['cursor'])}`);
    const rows = changes.changes.map((change) => (change['observation'] as Json)['result']);
    expect([...resultsOf(list), ...rows]).toEqual(upTo(5));
  });

  test('carry what the device sent when asked to', async () => {
    await rig.publish(rowsAt([0]));
    const { items } = await rig.json('/api/v1/observations?include=raw');
    expect(items[0]?.['raw']).toEqual({ name: 'T', value: '20.0', unit: null, time: null });
    const csv = await (await rig.get('/api/v1/observations.csv?include=raw,position')).text();
    expect(csv.split('\r\n')[0]).toMatch(
      /revision,latitude,longitude,heightMetres,rawName,rawValue,rawUnit,rawTime$/,
    );
    expect(csv.split('\r\n')[1]).toMatch(/,0,,,,T,20.0,,$/);
  });

  test('of a moving platform carry their own place, to the public precision', async () => {
    const own = { latitude: 10.5001, longitude: 106.5001, heightMm: -1_500 };
    await rig.publish([rig.row('garden-temperature', startAt, own)]);
    const [row] = (await rig.json('/api/v1/observations')).items;
    expect(row).toMatchObject({ heightMetres: -1.5 });
    expect(row?.['latitude']).not.toBe(own.latitude);
    const map = (await (await rig.get('/api/v1/observations.geojson')).json()) as {
      features: { geometry: { coordinates: number[] } }[];
    };
    expect(map.features[0]?.geometry.coordinates).toEqual([row?.['longitude'], row?.['latitude']]);
  });

  test('are 304 for who has them, as long as their series do not change', async () => {
    await rig.publish(rowsAt([0]));
    const path = `/api/v1/observations?datastream=${series}`;
    const tag = (await rig.get(path)).headers.get('etag') ?? '';
    await rig.publish(rowsAt([0], 'hue-rain'));
    expect((await rig.get(path, { 'if-none-match': tag })).status).toBe(304);
    await rig.publish(rowsAt([1]));
    expect((await rig.get(path, { 'if-none-match': tag })).status).toBe(200);
  });

  test('of too many series for one JSON answer are refused with a way out', async () => {
    const small = await rig.reopen({ config: { seriesPerPageMax: 2 } });
    rig = small;
    const refused = await small.get('/api/v1/observations');
    expect(refused.status).toBe(400);
    expect(await refused.json()).toMatchObject({ code: 'API_TOO_MANY_SERIES', seriesMax: 2 });
    expect((await small.get('/api/v1/observations.ndjson')).status).toBe(200);
  });
});
