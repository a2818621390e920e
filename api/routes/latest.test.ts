import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { maskOf } from '../../ingest/quality.ts';
import { openTestApi, startAt, type TestApi } from '../api.fixture.ts';

let rig: TestApi;
const minute = 60_000;

beforeEach(async () => {
  rig = await openTestApi();
  rig.setNow(startAt + 30 * minute);
  await rig.publish([
    rig.row('ha-noi-temperature', startAt, { result: 10 }),
    rig.row('ha-noi-temperature', startAt + 25 * minute, { result: 11 }),
    rig.row('hue-rain', startAt, { result: 0 }),
  ]);
});
afterEach(() => rig.close());

describe('latest', () => {
  test('is the newest row of every series, with its age and whether it is stale', async () => {
    rig.setNow(startAt + 30 * minute);
    const { items } = await rig.json('/api/v1/latest');
    expect(items).toMatchObject([
      { datastream: 'ha-noi-temperature', result: 11, ageSeconds: 300, stale: false },
      { datastream: 'hue-rain', result: 0, ageSeconds: 1_800, stale: true },
    ]);
  });

  test('is not moved by a late value', async () => {
    await rig.publish([rig.row('ha-noi-temperature', startAt + 10 * minute, { result: 99 })]);
    const { items } = await rig.json('/api/v1/latest?datastream=ha-noi-temperature');
    expect(items).toMatchObject([{ result: 11 }]);
  });

  test('follows a correction of the newest value', async () => {
    const corrected = { result: 12, revision: 1, type: 'correction' } as const;
    await rig.publish([rig.row('ha-noi-temperature', startAt + 25 * minute, corrected)]);
    const { items } = await rig.json('/api/v1/latest?datastream=ha-noi-temperature');
    expect(items).toMatchObject([{ result: 12, revision: 1 }]);
  });

  test('is the same after the view was flushed', async () => {
    const before = await rig.json('/api/v1/latest');
    rig.flush();
    const after = await rig.json('/api/v1/latest');
    expect(after.items.map(({ ageSeconds: _age, ...row }) => row)).toEqual(
      before.items.map(({ ageSeconds: _age, ...row }) => row),
    );
  });

  test('comes in pages by datastream when a limit is given', async () => {
    const first = await rig.json('/api/v1/latest?limit=1');
    expect(first.items).toMatchObject([{ datastream: 'ha-noi-temperature' }]);
    const next = String(first['next']).slice(rig.url.length);
    const second = await rig.json(next);
    expect(second.items).toMatchObject([{ datastream: 'hue-rain' }]);
    expect(second).toMatchObject({ next: null, complete: true });
  });

  test('may be kept by caches for a tenth of the shortest interval', async () => {
    const of = async (query: string) =>
      (await rig.get(`/api/v1/latest?${query}`)).headers.get('cache-control');
    expect(await of('datastream=hue-rain')).toBe('public, max-age=60');
    expect(await of('datastream=ha-noi-pm25')).toBe('public, max-age=60');
  });

  test('is 304 for who has it, until a series of it changes or the answer grows old', async () => {
    rig.setNow(startAt + 40 * minute);
    const path = '/api/v1/latest?datastream=hue-rain';
    const tag = (await rig.get(path)).headers.get('etag') ?? '';
    const again = async () => (await rig.get(path, { 'if-none-match': tag })).status;
    await rig.publish([rig.row('ha-noi-temperature', startAt + 40 * minute)]);
    expect(await again()).toBe(304);
    rig.setNow(startAt + 42 * minute);
    expect(await again()).toBe(200);
    rig.setNow(startAt + 40 * minute);
    expect(await again()).toBe(304);
    await rig.publish([rig.row('hue-rain', startAt + 40 * minute)]);
    expect(await again()).toBe(200);
  });

  test('answers HEAD as GET, without the body', async () => {
    const head = await fetch(`${rig.url}/api/v1/latest`, { method: 'HEAD' });
    expect(head.status).toBe(200);
    expect(await head.text()).toBe('');
    expect(head.headers.get('etag')).toMatch(/^"/);
    expect(head.headers.get('quantrac-cursor')).toMatch(/./);
  });

  test('gives places on the map', async () => {
    const map = (await (await rig.get('/api/v1/latest.geojson')).json()) as {
      features: { geometry: object; properties: object }[];
    };
    expect(map.features[0]).toMatchObject({
      geometry: { type: 'Point', coordinates: [105.8542, 21.0285, 12] },
      properties: { datastream: 'ha-noi-temperature' },
    });
  });

  test('in CSV ends with the trailer that says it is complete', async () => {
    const { trailers, text } = await readWithTrailers(`${rig.url}/api/v1/latest.csv`);
    expect(text.split('\r\n')[0]).toBe(
      'id,datastream,station,slug,property,phenomenonTime,resultTime,receivedAt,result,unit,flag,' +
        'tests,qualifiers,reason,revision,ageSeconds,stale',
    );
    expect(trailers).toMatchObject({ 'quantrac-complete': 'true' });
  });
});

async function readWithTrailers(url: string) {
  const { get } = await import('node:http');
  return new Promise<{ trailers: object; text: string }>((resolve, reject) => {
    get(url, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (chunk: string) => (text += chunk));
      answer.on('end', () => resolve({ trailers: answer.trailers, text }));
      answer.on('error', reject);
    }).on('error', reject);
  });
}

describe('latest as of a moment', () => {
  const of = async (at: number, more = '') =>
    (await rig.json(`/api/v1/latest?asOf=${new Date(at).toISOString()}${more}`)).items;
  const temperature = (items: readonly Record<string, unknown>[]) =>
    items.find(({ datastream }) => datastream === 'ha-noi-temperature');

  test('is what was the newest then, whatever was published, corrected or deleted since', async () => {
    const first = await of(startAt + 30 * minute);
    rig.setNow(startAt + 40 * minute);
    const endAt = startAt + 25 * minute;
    await rig.publish([
      rig.row('ha-noi-temperature', endAt, { result: 12, revision: 1, type: 'correction' }),
      rig.row('hue-rain', startAt + 35 * minute, { result: 3 }),
    ]);
    rig.setNow(startAt + 50 * minute);
    await rig.publish([
      rig.row('ha-noi-temperature', endAt, { result: null, revision: 2, type: 'deletion' }),
    ]);
    rig.setNow(startAt + 24 * 60 * minute);
    for (const flushed of [false, true]) {
      if (flushed) rig.flush();
      expect(await of(startAt + 30 * minute)).toEqual(first);
      const second = await of(startAt + 40 * minute);
      expect(second).toMatchObject([
        { datastream: 'ha-noi-temperature', result: 12, revision: 1, ageSeconds: 900 },
        { datastream: 'hue-rain', result: 3, ageSeconds: 300 },
      ]);
      expect(temperature(await of(startAt + 50 * minute))).toMatchObject({ result: 10 });
      expect(await of(startAt - minute)).toEqual([]);
    }
  });

  test('is the same in pages, and passes over what came as history', async () => {
    await rig.publish([
      rig.row('ha-noi-temperature', startAt + 26 * minute, {
        result: 99,
        verdict: {
          ...rig.row('ha-noi-temperature', startAt).verdict,
          qualifiers: maskOf(['BACKFILL']),
        },
      }),
    ]);
    rig.setNow(startAt + 60 * minute);
    await rig.publish([rig.row('ha-noi-temperature', startAt + 55 * minute, { result: 13 })]);
    const at = startAt + 59 * minute;
    const whole = await of(at);
    expect(temperature(whole)).toMatchObject({ result: 11 });
    const asOf = new Date(at).toISOString();
    const first = await rig.json(`/api/v1/latest?asOf=${asOf}&limit=1`);
    const next = String(first['next']).slice(rig.url.length);
    const second = await rig.json(next);
    expect([...first.items, ...second.items]).toEqual(whole);
    expect(second).toMatchObject({ next: null, complete: true });
  });

  test('that has not come yet is refused by name', async () => {
    const at = new Date(startAt + 90 * minute).toISOString();
    const answer = await rig.get(`/api/v1/latest?asOf=${at}`);
    expect([answer.status, await answer.json()]).toMatchObject([
      400,
      { code: 'API_AS_OF_FUTURE', parameter: 'asOf' },
    ]);
  });
});
