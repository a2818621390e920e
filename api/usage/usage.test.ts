import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { openTestApi, startAt, type TestApi } from '../api.fixture.ts';
import { formatOf, resourceOf } from './resource.ts';
import { divide } from './shares.ts';

const dayMs = 86_400_000;
const all = ['ha-noi-temperature', 'ha-noi-pm25', 'hue-rain', 'hidden-temperature'];

let rig: TestApi;

async function open(config: object = {}): Promise<TestApi> {
  const opened = await openTestApi({ config: { usageCellMin: 3, ...config } });
  opened.setNow(startAt + 60_000);
  await opened.publish(all.map((id) => opened.row(id, startAt)));
  return opened;
}

beforeEach(async () => {
  rig = await open();
});
afterEach(() => rig.close());

async function ask(path: string, times: number, headers: Record<string, string> = {}) {
  let bytes = 0;
  for (let count = 0; count < times; count += 1) {
    const answer = await rig.get(`/api/v1/${path}`, headers);
    bytes += (await answer.arrayBuffer()).byteLength;
  }
  return bytes;
}

/** What is told of the day when it is over. */
async function told(query = '', headers: Record<string, string> = {}) {
  const again = await rig.reopen();
  rig = again;
  rig.setNow(startAt + 1.5 * dayMs);
  return (await rig.json(`/api/v1/usage${query}`, headers)).items;
}

describe('figures of usage', () => {
  test('count requests, rows and bytes of each dataset by day, resource and format', async () => {
    const plain = { 'accept-encoding': 'identity' };
    const bytes = await ask('observations?station=hue', 4, plain);
    await ask('observations.csv?station=hue', 3);
    const items = await told('?dataset=agency~weather');
    expect(items).toMatchObject([
      { resource: 'observations', format: 'csv', requests: 3, rowsSent: 3 },
      { day: '2024-06-01', dataset: 'agency~weather', format: 'json', requests: 4, rowsSent: 4 },
    ]);
    // With its headers, which are a few hundred bytes.
    expect(Number(items[1]?.['bytesSent'])).toBeGreaterThan(bytes);
    expect(Number(items[1]?.['bytesSent'])).toBeLessThan(bytes + 4 * 4_000);
  });

  test('are whole where something of a dataset was cited too', async () => {
    await rig.close();
    rig = await open({ asOfSettleMs: 0 });
    const url = '/api/v1/observations?station=hue';
    await ask('observations?station=hue', 3);
    const cited = await fetch(`${rig.url}/api/v1/citations`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ url }),
    });
    expect(cited.status).toBe(201);
    await cited.arrayBuffer();
    const [figure] = await told('?dataset=agency~weather');
    expect(figure).toMatchObject({ format: 'json', requests: 4, rowsSent: 4 });
  });

  test('count a request about several datasets for each, and divide what it was given', async () => {
    await ask('latest?station=ha-noi,hue', 4);
    const items = await told();
    // Of four datastreams three are of the weather; three rows are there.
    expect(items.map(({ dataset, requests }) => [dataset, requests])).toEqual([
      ['agency~air', 4],
      ['agency~weather', 4],
    ]);
    expect(items.reduce((sum, { rowsSent }) => sum + Number(rowsSent), 0)).toBe(12);
  });

  test('hold nothing of what is not open, whoever asks and whoever looks', async () => {
    const owner = { authorization: `Bearer ${rig.ownerToken}` };
    await ask('latest?station=hidden', 5, owner);
    await ask('latest?station=hidden,garden', 5, owner);
    const items = await told('', { authorization: `Bearer ${rig.operator}` });
    expect(items).toMatchObject([{ dataset: 'factory~weather', requests: 5, rowsSent: 3 }]);
  });

  test('are told when the day is over, and only where there are enough requests', async () => {
    await ask('latest?station=hue', 5);
    await ask('latest.csv?station=hue', 2);
    rig = await rig.reopen();
    expect((await rig.json('/api/v1/usage')).items).toEqual([]);
    expect(await told()).toMatchObject([{ format: 'json', requests: 5 }]);
  });

  test('do not count what was refused or gives no data', async () => {
    await ask('latest?station=none', 4);
    await ask('stations', 4);
    await ask('terms', 4);
    expect(await told()).toEqual([]);
  });

  test('count an answer that the client had already', async () => {
    const answer = await rig.get('/api/v1/observations?station=hue');
    await answer.arrayBuffer();
    await ask('observations?station=hue', 3, { 'if-none-match': answer.headers.get('etag') ?? '' });
    expect(await told()).toMatchObject([{ format: 'none', requests: 3, rowsSent: 0 }]);
  });

  test('come as a table, page by page, in the same order', async () => {
    for (const format of ['json', 'csv', 'ndjson']) await ask(`latest.${format}?station=hue`, 3);
    const whole = await told();
    const paged: unknown[] = [];
    let next: string | null = '/api/v1/usage?limit=1';
    while (next !== null) {
      const page = await rig.json(next.replace(rig.url, ''));
      paged.push(...page.items);
      next = page['next'] as string | null;
    }
    expect(paged).toEqual(whole);
    const text = await (await rig.get('/api/v1/usage.csv')).text();
    expect(text.split('\r\n')[0]).toBe('day,dataset,resource,format,requests,rowsSent,bytesSent');
    expect(text.trimEnd().split('\r\n')).toHaveLength(1 + whole.length);
  });

  test.each([
    ['?dataset=none~air', 404, 'dataset'],
    ['?dataset=hue~rainfall', 400, 'dataset'],
    ['?from=yesterday', 400, 'from'],
    ['?from=2024-06-02&to=2024-06-01', 400, 'to'],
  ])('refuse %s with %i', async (query, status, parameter) => {
    const answer = await rig.get(`/api/v1/usage${query}`);
    expect([answer.status, await answer.json()]).toMatchObject([status, { parameter }]);
  });

  test('keep nothing of who asked: neither address nor key nor program', async () => {
    await ask('latest?station=hue', 3, {
      authorization: `Bearer ${rig.reader}`,
      'user-agent': 'reader-of-nobody',
      cookie: 'a=b',
    });
    const [figure] = await told();
    expect(Object.keys(figure ?? {})).toEqual([
      'day',
      'dataset',
      'resource',
      'format',
      'requests',
      'rowsSent',
      'bytesSent',
    ]);
  });

  test('are bounded while they wait: what is over is counted as dropped', async () => {
    await rig.close();
    rig = await open({ usagePendingMax: 1 });
    await ask('latest?station=hue', 3);
    await ask('latest?station=garden', 2);
    const { telemetry } = rig;
    expect(await told()).toMatchObject([{ dataset: 'agency~weather', requests: 3 }]);
    expect(telemetry.value('quantrac_usage_dropped_total')).toBe(2);
  });
});

test('the parts of a whole add up to it', () => {
  const counts = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(fc.nat(1_000_000), counts, (whole, of) => {
      const sum = of.reduce((one, other) => one + other, 0);
      const shares = new Map(of.map((count, at) => [String(at), count / sum]));
      const parts = [...divide(whole, shares).values()];
      expect(parts.reduce((one, other) => one + other, 0)).toBe(whole);
      for (const [at, count] of of.entries()) {
        expect(Math.abs((parts[at] ?? NaN) - (whole * count) / sum)).toBeLessThan(1.001);
      }
    }),
  );
});

test.each([
  ['/api/v1/latest', 'latest'],
  ['/api/v1/observations.parquet', 'observations'],
  ['/api/v1/observations/:id', 'observations'],
  ['/api/v1/aggregates.svg', 'charts'],
  ['/api/v1/observations.csv-metadata.json', undefined],
  ['/api/v1/stations', undefined],
  ['/api/v1/', undefined],
  ['/ogc/collections/:collectionId/items', 'maps'],
  ['/ogc/collections', undefined],
  ['/livez', undefined],
])('%s is counted as %s', (template, resource) => {
  expect(resourceOf(template)).toBe(resource);
});

test('formats are those of the answer', () => {
  expect(formatOf('text/csv; charset=utf-8; header=present')).toBe('csv');
  expect(formatOf('application/geo+json; charset=utf-8')).toBe('geojson');
  expect(formatOf('text/event-stream')).toBe('events');
  expect(formatOf(undefined)).toBe('none');
});
