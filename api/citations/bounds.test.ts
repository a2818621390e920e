import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

import { openTestApi } from '../api.fixture.ts';
import { at, cite, csvUrl, dataOf, open, pause, post } from './citing.fixture.ts';

test('rows of citations take room too: the same bytes cannot be cited without end', async () => {
  const config = { citationsBytesMax: 20_000, asOfSettleMs: 0 };
  const rig = await openTestApi({ config });
  rig.setNow(at + 3_600_000);
  await rig.publish([rig.row('ha-noi-temperature', at), rig.row('kathmandu-temperature', at)]);
  const statuses: number[] = [];
  for (let minute = 0; minute < 30; minute++) {
    const asOf = new Date(at + 3_000_000 + minute).toISOString();
    statuses.push((await post(rig, `${csvUrl}&asOf=${asOf}`, rig.operator)).status);
  }
  expect(statuses[0]).toBe(201);
  expect(statuses.at(-1)).toBe(503);
  const again = await rig.reopen({ config });
  onTestFinished(() => again.close());
  expect((await post(again, csvUrl, again.operator)).status).toBe(503);
});

test('the same bytes that many cite at once take room once, and what could not be kept takes none', async () => {
  const rig = await open({ config: { citationsBytesMax: 20_000 } });
  const url = '/api/v1/observations?datastream=ha-noi-temperature';
  const many = await Promise.all([1, 2, 3, 4].map(() => post(rig, url, rig.operator)));
  expect(many.map(({ status }) => status)).toEqual([201, 201, 201, 201]);
  const folder = join(rig.filesFolder, '../citations');
  renameSync(folder, `${folder}-away`);
  writeFileSync(folder, 'no folder');
  for (let time = 0; time < 4; time++) expect((await post(rig, csvUrl)).status).toBe(500);
  rmSync(folder);
  renameSync(`${folder}-away`, folder);
  expect((await post(rig, csvUrl)).status).toBe(201);
});

test('a file that a citation keeps takes room', async () => {
  const rig = await open({ config: { citationsBytesMax: 4_000 } });
  rig.setNow(Date.UTC(2024, 6, 2));
  rig.flush();
  const url = '/api/v1/files/agency~weather/2024-06/agency~weather_2024-06.csv.gz';
  while ((await rig.get(url)).status !== 200) await pause();
  expect((await post(rig, url)).status).toBe(503);
});

test('a client has an allowance for each day, which no one else uses', async () => {
  const rig = await open({ config: { citationUnitsPerDay: 3, trustedProxies: ['127.0.0.1'] } });
  const from = (address: string) =>
    fetch(`${rig.url}/api/v1/citations`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-forwarded-for': address },
      body: JSON.stringify({ url: csvUrl }),
    });
  const first = await from('2001:db8:1:1::1');
  const second = await from('2001:db8:1:1::2');
  const third = await from('2001:db8:1:1::3');
  expect([first.status, second.status, third.status]).toEqual([201, 201, 429]);
  expect((await from('2001:db8:1:200::1')).status).toBe(201);
  expect((await post(rig, csvUrl, rig.operator)).status).toBe(201);
});

test('the question that is cited is counted for the citer, and answered as by the server it asked', async () => {
  const rig = await open({ config: { quotaKeylessUnits: 3, trustedProxies: ['127.0.0.1'] } });
  const url = '/api/v1/observations?datastream=ha-noi-temperature';
  const headers = { 'content-type': 'application/json', 'x-forwarded-for': '192.0.2.7' };
  const from = () =>
    fetch(`${rig.url}/api/v1/citations`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ url }),
    });
  expect((await from()).status).toBe(201);
  const refused = await from();
  expect([refused.status, await refused.json()]).toMatchObject([
    429,
    { code: 'API_QUOTA_EXCEEDED' },
  ]);
  const linked = await cite(rig, '/api/v1/observations.jsonld?datastream=ha-noi-temperature');
  expect((await dataOf(rig, linked)).toString()).toContain(rig.url);
});

test('bytes are given to few at once, and whoever does not take them is cut', async () => {
  const rig = await open({ config: { citationReadsMax: 1, streamStallMs: 300 } });
  const rows = Array.from({ length: 20_000 }, (_, minute) =>
    rig.row('hue-rain', at - minute * 600_000, { result: (minute * 7_919) % 10_007 }),
  );
  await rig.publish(rows);
  const cited = await cite(rig, '/api/v1/observations.ndjson?datastream=hue-rain&limit=10000');
  const path = `/api/v1/citations/${cited.id}/data`;
  const idle = connect(Number(new URL(rig.url).port), '127.0.0.1');
  onTestFinished(() => void idle.destroy());
  idle.write(`GET ${path} HTTP/1.1\r\nHost: here\r\n\r\n`);
  await once(idle, 'readable');
  const refused = await rig.get(path, { range: 'bytes=0-0' });
  expect([refused.status, await refused.json()]).toMatchObject([
    429,
    { code: 'API_TOO_MANY_STREAMS' },
  ]);
  expect(refused.headers.get('repr-digest') ?? refused.headers.get('content-range')).toBeNull();
  // The place of whoever was cut, and of each that was answered, is free a moment later.
  const take = async (headers: Record<string, string> = {}): Promise<Buffer> => {
    for (;;) {
      const answer = await rig.get(path, headers);
      const body = Buffer.from(await answer.arrayBuffer());
      if (answer.status !== 429) return body;
      await pause();
    }
  };
  const last = Number(cited['bytes']) - 1;
  expect(await take({ range: `bytes=${last - 5}-` })).toHaveLength(6);
  expect(
    createHash('sha256')
      .update(await take())
      .digest('hex'),
  ).toBe(cited.sha256);
});
