import { afterEach, beforeEach, describe, expect, test } from 'vitest';

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
