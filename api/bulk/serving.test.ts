import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openTestApi } from '../api.fixture.ts';
import { openKept } from '../kept/kept.ts';
import {
  may,
  july,
  config,
  open,
  filesOf,
  filesWhen,
  pause,
  months,
  find,
  rowsOf,
  csvOf,
  apiCsv,
  mayQuery,
  type Listed,
} from './months.fixture.ts';

test('a folder that cannot be written is told, and the files are made when it can', async () => {
  const rig = await open();
  const folder = rig.filesFolder;
  writeFileSync(folder, 'in the way');
  await rig.publish(rowsOf(rig, may));
  rig.flush();
  while (rig.telemetry.value('quantrac_bulk_failed_total') === 0) await pause();
  expect(rig.telemetry.value('quantrac_bulk_problem')).toBe(1);
  expect(await filesOf(rig)).toEqual([]);
  rmSync(folder);
  await filesWhen(rig, (found) => months(found).length === 3);
  while (rig.telemetry.value('quantrac_bulk_problem') === 1) await pause();
});

test('what a kill has left is removed at the start, and a file that is not whole is made anew', async () => {
  const rig = await openTestApi({ config });
  rig.setNow(july);
  await rig.publish(rowsOf(rig, may));
  rig.flush();
  const before = await filesWhen(rig, (found) => months(found).length === 3);
  const csv = find(before, 'agency~weather', '2024-05', 'csv.gz');
  const folder = `${rig.filesFolder}/bulk/agency~weather/2024-05`;
  const orphans = ['parquet.new', `agency~weather_2024-05.0000000000000000.parquet`];
  for (const name of orphans) writeFileSync(`${folder}/${name}`, 'half');
  writeFileSync(`${folder}/${String(csv['name'])}`, 'half');
  const again = await rig.reopen();
  onTestFinished(() => again.close());
  const { pathname } = new URL(csv.currentUrl);
  while ((await again.get(pathname)).status !== 200) await pause();
  while (readdirSync(folder).some((name) => orphans.includes(name))) await pause();
  const after = await filesWhen(again, (found) => found.length === 12);
  expect(await csvOf(after, 'agency~weather', '2024-05')).toBe(await apiCsv(again, mayQuery));
  const { currentUrl } = find(after, 'agency~weather', '2024-05', 'parquet');
  const orphan = currentUrl.replace(/[^/]*$/, orphans[1] ?? '');
  expect((await fetch(orphan)).status).toBe(404);
});

test('a server that does not publish sends clients to the one that does, or says that there is one', async () => {
  const silent = await open({ config: { publishing: false } });
  const paths = [
    '/api/v1/files',
    '/api/v1/files/a~air/2024-05/x.parquet',
    '/api/v1/citations/a',
    // What tells which files there are.
    '/api/v1/datasets',
    '/api/v1/datasets/agency~weather/dcat.ttl',
    '/catalog.ttl',
    '/data.json',
    '/api/3/action/package_list',
    '/doc/dataset/agency~weather.vi.html',
  ];
  for (const path of paths) {
    const answer = await silent.get(path);
    expect([answer.status, await answer.json()]).toMatchObject([
      503,
      { code: 'API_PUBLISHED_ELSEWHERE' },
    ]);
  }
  const sending = await open({
    config: { publishing: false, publishingUrl: 'https://data.example.org/' },
  });
  for (const path of paths) {
    const answer = await fetch(sending.url + path, { redirect: 'manual' });
    expect([answer.status, answer.headers.get('location')]).toEqual([
      307,
      `https://data.example.org${path}`,
    ]);
  }
});

test('files are given to so many at once, and whoever does not take one is cut', async () => {
  const bounds = { fileReadsMax: 1, streamStallMs: 300 };
  const before = await openTestApi({ config: { ...config, ...bounds } });
  before.setNow(july);
  await before.publish(rowsOf(before, may));
  before.flush();
  const files = await filesWhen(before, (found) => months(found).length === 3);
  const { pathname } = new URL(find(files, 'agency~weather', '2024-05', 'csv.gz').url);
  const bytes = 20_000_000;
  const rig = await before.reopen({
    async whileClosed() {
      // More than the machine takes for a reader who does not.
      const kept = openKept(join(before.filesFolder, '../feeds.db'), 1_000);
      const { path } = kept
        .prepare("SELECT path FROM bulk_file WHERE ? LIKE '%' || name")
        .get(decodeURIComponent(pathname)) as { readonly path: string };
      kept.prepare('UPDATE bulk_file SET bytes = ? WHERE path = ?').run(bytes, path);
      kept.close();
      truncateSync(join(before.filesFolder, path), bytes);
    },
  });
  onTestFinished(() => rig.close());
  const idle = connect(Number(new URL(rig.url).port), '127.0.0.1');
  onTestFinished(() => void idle.destroy());
  idle.write(`GET ${pathname} HTTP/1.1\r\nHost: here\r\n\r\n`);
  await once(idle, 'readable');
  const refused = await rig.get(pathname);
  expect([refused.status, await refused.json()]).toMatchObject([
    429,
    { code: 'API_TOO_MANY_STREAMS' },
  ]);
  expect(refused.headers.get('content-disposition')).toBeNull();
  expect((await fetch(rig.url + pathname, { method: 'HEAD' })).status).toBe(200);
  let answer = await rig.get(pathname);
  while (answer.status === 429) {
    await pause();
    answer = await rig.get(pathname);
  }
  expect([answer.status, (await answer.arrayBuffer()).byteLength]).toEqual([200, bytes]);
});

test('a file is answered in ranges, on conditions, and with what proves it', async () => {
  const rig = await open();
  await rig.publish(rowsOf(rig, may));
  rig.flush();
  const files = await filesWhen(rig, (found) => months(found).length === 3);
  const { url, currentUrl, sha256 } = find(
    files,
    'agency~weather',
    '2024-05',
    'parquet',
  ) as Listed & Record<string, string>;
  const whole = await fetch(url);
  const bytes = Buffer.from(await whole.arrayBuffer());
  expect(Object.fromEntries(whole.headers)).toMatchObject({
    etag: `"${sha256}"`,
    'accept-ranges': 'bytes',
    // What is erased or closed must not live on in caches, whatever its name.
    'cache-control': expect.stringMatching(/^public, max-age=\d{1,3}, must-revalidate$/) as string,
    'repr-digest': `sha-256=:${createHash('sha256').update(bytes).digest('base64')}:`,
    link: expect.stringContaining('rel="license"') as string,
    'content-length': String(bytes.length),
  });
  const part = await fetch(currentUrl, {
    headers: { range: 'bytes=4-99', 'if-range': `"${sha256}"` },
  });
  expect([part.status, part.headers.get('content-range')]).toEqual([
    206,
    `bytes 4-99/${bytes.length}`,
  ]);
  expect(Buffer.from(await part.arrayBuffer())).toEqual(bytes.subarray(4, 100));
  const outside = await fetch(url, { headers: { range: `bytes=${bytes.length}-` } });
  expect([
    outside.status,
    outside.headers.get('content-range'),
    await outside.json(),
  ]).toMatchObject([416, `bytes */${bytes.length}`, { code: 'API_RANGE_OUTSIDE' }]);
  const csv = find(files, 'agency~weather', '2024-05', 'csv.gz') as Listed & { url: string };
  const { headers } = await fetch(csv.url);
  const [, beside = ''] =
    /<([^>]+)>; rel="describedby"; type="application\/csvm\+json"/.exec(
      headers.get('link') ?? '',
    ) ?? [];
  expect(await (await fetch(new URL(beside, csv.url))).json()).toMatchObject({
    url: csv.url.split('/').at(-1),
  });
  const head = await fetch(url, { method: 'HEAD' });
  expect([head.status, head.headers.get('content-length')]).toEqual([200, String(bytes.length)]);
  const same = await fetch(url, { headers: { 'if-none-match': `"${sha256}"` } });
  expect(same.status).toBe(304);
});
