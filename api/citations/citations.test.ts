import { createHash } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

import { openTestApi } from '../api.fixture.ts';
import { network } from '../network.fixture.ts';
import { at, cite, csvUrl, dataOf, open, pause, post } from './citing.fixture.ts';

test.each([
  csvUrl,
  '/api/v1/observations?station=ha-noi',
  '/api/v1/observations.ndjson',
  '/api/v1/latest.geojson',
  '/api/v1/aggregates?window=PT1H&datastream=ha-noi-temperature',
])('%s gives the same bytes after a correction, another registry and a restart', async (url) => {
  const rig = await openTestApi({ config: { asOfSettleMs: 0 } });
  rig.setNow(at + 3_600_000);
  await rig.publish([rig.row('ha-noi-temperature', at), rig.row('kathmandu-temperature', at)]);
  const cited = await cite(rig, url);
  const bytes = await dataOf(rig, cited);
  expect(createHash('sha256').update(bytes).digest('hex')).toBe(cited.sha256);
  expect(bytes.length).toBe(cited['bytes']);
  await rig.publish([
    rig.row('ha-noi-temperature', at, { type: 'correction', revision: 1, result: -3 }),
  ]);
  await rig.api.registryAdmin.importRegistry(
    {
      ...network,
      stations: network.stations.map((station) => ({ ...station, timeZone: 'Asia/Tokyo' })),
      datastreams: network.datastreams.map((each) => ({ ...each, slug: 'renamed' })).slice(0, 1),
    },
    'test',
  );
  const again = await rig.reopen();
  onTestFinished(() => again.close());
  expect(await dataOf(again, cited)).toEqual(bytes);
  const now = await again.get(url);
  expect(Buffer.from(await now.arrayBuffer()).equals(bytes)).toBe(false);
});

test('what is cited twice is one citation at one moment, and its bytes are kept once', async () => {
  const rig = await open();
  const url = `${csvUrl}&asOf=${new Date(at + 3_600_000).toISOString()}`;
  const first = await cite(rig, url);
  const second = await cite(rig, `${rig.url}${url}`);
  expect(second.id).toBe(first.id);
  const other = await cite(rig, csvUrl);
  expect([other.id === first.id, other.sha256]).toEqual([false, first.sha256]);
  const folder = join(rig.filesFolder, '../citations');
  expect(readdirSync(folder)).toEqual([`${first.sha256}.gz`]);
});

test('a citation is given in every form, in both languages', async () => {
  const rig = await open();
  const { id, uri, sha256 } = await cite(rig, '/api/v1/observations?datastream=ha-noi-temperature');
  const read = async (path: string, headers = {}) => {
    const answer = await rig.get(`/api/v1/citations/${path}`, headers);
    return [answer.headers.get('content-type'), await answer.text()] as const;
  };
  const [, json] = await read(id);
  expect(JSON.parse(json)).toMatchObject({
    id,
    uri,
    licence: ['https://creativecommons.org/licenses/by/4.0/'],
    title: { en: 'Air temperature – Station ha-noi' },
    text: { vi: expect.stringContaining('Sở (2024)') as string },
  });
  const [html, page] = await read(id, { accept: 'text/html,*/*;q=0.1' });
  expect([html, page.includes(sha256)]).toEqual(['text/html; charset=utf-8', true]);
  const [bib, entry] = await read(`${id}.bib`);
  expect([bib, entry]).toEqual([
    'application/x-bibtex; charset=utf-8',
    expect.stringMatching(/^@misc\{quantrac-[0-9a-f]+,\n {2}author = \{\{Sở\}\},/) as string,
  ]);
  const [csl, list] = await read(id, { accept: 'application/vnd.citationstyles.csl+json' });
  expect(csl).toBe('application/vnd.citationstyles.csl+json; charset=utf-8');
  expect(JSON.parse(list)).toMatchObject([
    { type: 'dataset', URL: uri, version: sha256.slice(0, 16) },
  ]);
  expect((await rig.get(`/api/v1/citations/${id}`, { accept: 'image/png' })).status).toBe(406);
});

test.each(['', '/data'])(
  'the head of a citation%s names its terms and when it was made',
  async (part) => {
    const rig = await open();
    const { id } = await cite(rig, '/api/v1/observations?datastream=ha-noi-temperature');
    const { headers } = await rig.get(`/api/v1/citations/${id}${part}`);
    expect([headers.get('last-modified'), headers.get('link')]).toEqual([
      new Date(at + 3_600_000).toUTCString(),
      expect.stringMatching(
        `rel="${part === '' ? 'item' : 'describedby'}".*` +
          '<https://creativecommons.org/licenses/by/4.0/>; rel="license"',
      ),
    ]);
  },
);

test('the bytes come in ranges and are known by their hash', async () => {
  const rig = await open();
  const cited = await cite(rig, csvUrl);
  const bytes = await dataOf(rig, cited);
  const part = await rig.get(`/api/v1/citations/${cited.id}/data`, { range: 'bytes=3-9' });
  expect([part.status, await part.text()]).toEqual([206, bytes.subarray(3, 10).toString()]);
  expect(part.headers.get('etag')).toBe(`"${cited.sha256}"`);
  const same = await rig.get(`/api/v1/citations/${cited.id}/data`, {
    'if-none-match': `"${cited.sha256}"`,
  });
  expect(same.status).toBe(304);
});

test('an erasure takes the bytes of what held the observation, and of nothing else', async () => {
  const rig = await open();
  const holding = await cite(rig, csvUrl);
  const summed = await cite(rig, '/api/v1/aggregates?window=PT1H&datastream=ha-noi-temperature');
  const other = await cite(rig, '/api/v1/observations?datastream=kathmandu-temperature');
  const earlier = await cite(
    rig,
    `/api/v1/observations.csv?datastream=ha-noi-temperature&to=${new Date(at).toISOString()}`,
  );
  await rig.publish([
    rig.row('ha-noi-temperature', at, { type: 'deletion', cause: 'erasure', revision: 1 }),
  ]);
  for (const { id } of [holding, summed]) {
    const answer = await rig.get(`/api/v1/citations/${id}/data`);
    expect([answer.status, await answer.json()]).toMatchObject([410, { code: 'API_ERASED' }]);
    const still = await rig.json(`/api/v1/citations/${id}`);
    expect(still['erasedAt']).toMatch(/^2024-06-01T/);
  }
  expect((await dataOf(rig, other)).length).toBe(other['bytes']);
  expect((await dataOf(rig, earlier)).length).toBe(earlier['bytes']);
  const folder = join(rig.filesFolder, '../citations');
  expect(existsSync(join(folder, `${holding.sha256}.gz`))).toBe(false);
});

test.each([
  ['told by the log', 0],
  ['older than what the log is followed for', 60_000],
])(
  'an erasure while nobody served takes the cited bytes before anyone is given them: %s',
  async (_name, feedHorizonMs) => {
    const rig = await openTestApi({ config: { asOfSettleMs: 0, feedHorizonMs } });
    rig.setNow(at + 3_600_000);
    await rig.publish([rig.row('ha-noi-temperature', at), rig.row('kathmandu-temperature', at)]);
    const holding = await cite(rig, csvUrl);
    const summed = await cite(rig, '/api/v1/aggregates?window=PT1H&datastream=ha-noi-temperature');
    const other = await cite(rig, '/api/v1/observations?datastream=kathmandu-temperature');
    await dataOf(rig, holding);
    rig.setNow(at + 7_200_000);
    await rig.publish([rig.row('kathmandu-temperature', at + 600_000)]);
    const erased = { type: 'deletion', cause: 'erasure', revision: 1 } as const;
    const again = await rig.reopen({
      async whileClosed() {
        rig.setNow(at + 8_000_000);
        await rig.append([rig.row('ha-noi-temperature', at, erased)]);
        rig.setNow(at + 9_000_000);
        await rig.append([rig.row('kathmandu-temperature', at + 1_200_000)]);
        rig.flush();
        rig.setNow(at + 10_000_000);
      },
    });
    for (const { id } of [holding, summed]) {
      expect((await again.get(`/api/v1/citations/${id}/data`)).status).toBe(410);
    }
    expect((await dataOf(again, other)).length).toBe(other['bytes']);
    // What is cited behind the erasure holds nothing of it, whenever the rows are looked at again.
    const later = await cite(
      again,
      '/api/v1/aggregates?window=P1D&datastream=ha-noi-temperature,kathmandu-temperature',
    );
    const third = await again.reopen({
      async whileClosed() {
        again.setNow(at + 20_000_000);
        await again.append([again.row('kathmandu-temperature', at + 1_800_000)]);
        again.flush();
      },
    });
    onTestFinished(() => third.close());
    expect((await dataOf(third, later)).length).toBe(later['bytes']);
  },
);

test('rows at a cursor can be cited, and are those of the cursor', async () => {
  const rig = await open();
  const { cursor } = await rig.json('/api/v1/observations?limit=1');
  const url = `/api/v1/observations.csv?datastream=ha-noi-temperature&at=${encodeURIComponent(String(cursor))}`;
  const before = await (await rig.get(url)).text();
  await rig.publish([
    rig.row('ha-noi-temperature', at, { type: 'correction', revision: 1, result: -3 }),
  ]);
  const cited = await cite(rig, url);
  expect([String(await dataOf(rig, cited)), cited['cursor']]).toEqual([before, cursor]);
});

test.each(['observations.covjson', 'observations.jsonld', 'latest.parquet'])(
  'an erasure takes the bytes of %s, in which no id of a row can be looked for',
  async (path) => {
    const rig = await open();
    const cited = await cite(rig, `/api/v1/${path}?datastream=ha-noi-temperature`);
    await rig.publish([
      rig.row('ha-noi-temperature', at, { type: 'deletion', cause: 'erasure', revision: 1 }),
    ]);
    expect((await rig.get(`/api/v1/citations/${cited.id}/data`)).status).toBe(410);
  },
);

test('a citation is there for whoever may see all that it shows', async () => {
  const rig = await open();
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
  const inside = await cite(rig, '/api/v1/observations?station=hidden', rig.operator);
  for (const path of ['', '.html', '.bib', '/data']) {
    expect((await rig.get(`/api/v1/citations/${inside.id}${path}`)).status).toBe(404);
  }
  expect((await dataOf(rig, inside, bearer(rig.ownerToken))).length).toBe(inside['bytes']);
  const wide = await cite(rig, '/api/v1/observations.csv');
  expect((await dataOf(rig, wide)).toString()).toContain('garden-temperature');
  await rig.api.registryAdmin.importRegistry(
    {
      ...network,
      stations: network.stations.map((station) =>
        (station as { id: string }).id === 'garden'
          ? { ...station, visibility: 'internal' }
          : station,
      ),
    },
    'test',
  );
  expect((await rig.get(`/api/v1/citations/${wide.id}/data`)).status).toBe(404);
  expect((await dataOf(rig, wide, bearer(rig.operator))).toString()).toContain('garden');
});

test('what is no address of rows here, or refused, is told', async () => {
  const rig = await open();
  const codeOf = async (url: string, token?: string) => {
    const answer = await post(rig, url, token);
    return [answer.status, ((await answer.json()) as { code: string }).code];
  };
  const bad = [400, 'API_PARAMETER_INVALID'];
  expect(await codeOf('https://example.org/api/v1/observations')).toEqual(bad);
  expect(await codeOf('//example.org/api/v1/observations')).toEqual(bad);
  expect(await codeOf('/api/v1/admin/registry', rig.operator)).toEqual(bad);
  expect(await codeOf('/api/v1/live')).toEqual(bad);
  expect(await codeOf('/api/v1/observations?colour=red')).toEqual([400, 'API_PARAMETER_UNKNOWN']);
  expect(await codeOf('/api/v1/observations?station=hidden')).toEqual([404, 'API_STATION_UNKNOWN']);
  expect(await codeOf('/api/v1/files/agency~air/2024-05/none.parquet')).toEqual([
    404,
    'API_FILE_UNKNOWN',
  ]);
  expect(await codeOf('/api/v1/observations', 'wrong')).toEqual([401, 'API_TOKEN_INVALID']);
});

test('an answer that is too large is told to be narrowed, and a full folder takes no more', async () => {
  const rig = await open({ config: { citationBytesMax: 1_000, citationsBytesMax: 8_000 } });
  const large = await post(rig, '/api/v1/observations');
  expect([large.status, await large.json()]).toMatchObject([
    422,
    { code: 'API_CITATION_TOO_LARGE', bytesMax: 1_000 },
  ]);
  await cite(rig, '/api/v1/observations?datastream=ha-noi-temperature');
  const full = await post(rig, '/api/v1/observations?datastream=kathmandu-temperature');
  expect([full.status, await full.json()]).toMatchObject([503, { code: 'API_CITATIONS_FULL' }]);
});

test('a cited file is kept when its month is made anew, and goes with an erasure', async () => {
  const rig = await open({ config: { bulkKeepSupersededDays: 0 } });
  rig.setNow(Date.UTC(2024, 6, 2));
  rig.flush();
  const currentUrl = '/api/v1/files/agency~weather/2024-06/agency~weather_2024-06.parquet';
  while ((await rig.get(currentUrl)).status !== 200) await pause();
  const cited = await cite(rig, currentUrl);
  const bytes = await dataOf(rig, cited);
  const versionUrl = new URL(String(cited['url'])).pathname;
  await rig.publish([
    rig.row('ha-noi-temperature', at, { type: 'correction', revision: 1, result: -3 }),
  ]);
  rig.flush();
  while ((await rig.get(versionUrl)).status !== 404) await pause();
  expect(await dataOf(rig, cited)).toEqual(bytes);
  await rig.publish([
    rig.row('ha-noi-temperature', at, { type: 'deletion', cause: 'erasure', revision: 2 }),
  ]);
  expect((await rig.get(`/api/v1/citations/${cited.id}/data`)).status).toBe(410);
});

test.each([
  '/api/v1/latest.jsonld',
  '/api/v1/observations.jsonld',
  '/api/v1/observations.covjson?property=air-temperature',
  '/api/v1/observations.parquet',
  '/api/v1/latest.csv',
])('what %s shows to a key alone is in no citation for everybody', async (url) => {
  const rig = await open();
  const cited = await cite(rig, url, rig.operator);
  const operator = { authorization: `Bearer ${rig.operator}` };
  expect((await dataOf(rig, cited, operator)).toString('latin1')).toContain('hidden-temperature');
  for (const path of ['', '.html', '.bib', '/data']) {
    expect((await rig.get(`/api/v1/citations/${cited.id}${path}`)).status).toBe(404);
  }
});

test('an answer about no series at all cannot be cited', async () => {
  const rig = await open();
  const answer = await post(rig, '/api/v1/observations?province=99');
  expect([answer.status, await answer.json()]).toMatchObject([
    400,
    { code: 'API_PARAMETER_INVALID', parameter: 'url' },
  ]);
});

const coarse = (precisionMetres: number) => ({
  ...network,
  stations: network.stations.map((station) =>
    (station as { id: string }).id === 'garden'
      ? { ...station, publicPrecisionMetres: precisionMetres }
      : station,
  ),
});

test('an owner who cites what is open cites what everybody sees, without exact places', async () => {
  const rig = await open();
  const url = '/api/v1/latest.geojson?station=garden';
  const token = { authorization: `Bearer ${rig.ownerToken}` };
  expect(await (await rig.get(url, token)).text()).toContain('106.660172');
  const cited = await cite(rig, url, rig.ownerToken);
  expect((await dataOf(rig, cited)).toString()).not.toContain('106.660172');
});

test('exact places that are cited are for those who work with the station alone', async () => {
  const rig = await open();
  const shared = rig.registry.createToken({ role: 'reader', owner: 'agency', actor: 'test' });
  const url = '/api/v1/latest.geojson?station=garden,hidden';
  const cited = await cite(rig, url, rig.ownerToken);
  const path = `/api/v1/citations/${cited.id}/data`;
  await rig.api.registryAdmin.importRegistry(
    {
      ...coarse(1_000),
      stations: coarse(1_000).stations.map((each) => ({ ...each, visibility: 'open' })),
    },
    'test',
  );
  expect((await rig.get(path)).status).toBe(404);
  expect((await rig.get(path, { authorization: `Bearer ${shared.secret}` })).status).toBe(404);
  const own = await dataOf(rig, cited, { authorization: `Bearer ${rig.ownerToken}` });
  expect(own.toString()).toContain('106.660172');
});

test('a place that is told less exactly now takes what was cited before from everybody', async () => {
  const rig = await open();
  const cited = await cite(rig, '/api/v1/latest.geojson?station=garden');
  const path = `/api/v1/citations/${cited.id}/data`;
  const statusWith = async (precisionMetres: number) => {
    await rig.api.registryAdmin.importRegistry(coarse(precisionMetres), 'test');
    return (await rig.get(path)).status;
  };
  expect(await statusWith(500)).toBe(200);
  expect(await statusWith(5_000)).toBe(404);
  expect(await statusWith(1)).toBe(200);
});
