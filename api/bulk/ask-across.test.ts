/** What docs/open-data.md tells a reader to ask of files and changes together, word for word. */
import { DuckDBInstance } from '@duckdb/node-api';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

import { settleMarker } from '../access/settle-marker.fixture.ts';
import type { TestApi } from '../api.fixture.ts';
import { network } from '../network.fixture.ts';
import { bytesOf, filesWhen, june, july, may, months, open, rowsOf } from './months.fixture.ts';

const minute = 60_000;

/** The statements of the section, as they stand. */
function documented(): readonly string[] {
  const text = readFileSync(join(import.meta.dirname, '../../docs/open-data.md'), 'utf8');
  const [section = ''] = /## Ask across[^]*?(?=\n## )/.exec(text) ?? [];
  return [...section.matchAll(/```sql\n([^]*?)```/g)].map(([, sql = '']) => sql);
}

/** As the shell of the document does, without one: the same paths of the same addresses. */
async function fetchFiles(rig: TestApi, folder: string): Promise<string> {
  const index = await rig.json('/api/v1/files');
  for (const { dataset, month, format, url } of index.items as Record<string, string>[]) {
    if (format !== 'parquet') continue;
    mkdirSync(join(folder, 'months', dataset ?? ''), { recursive: true });
    const path = join(folder, 'months', dataset ?? '', `${month}.parquet`);
    writeFileSync(path, await bytesOf(url ?? ''));
  }
  return String(index['cursor']);
}

async function fetchChanges(rig: TestApi, folder: string, after: string): Promise<void> {
  mkdirSync(join(folder, 'changes'), { recursive: true });
  let next = after;
  for (let page = 100_001; ; page++) {
    const answer = await rig.get(`/api/v1/changes?limit=7&after=${next}`);
    const text = await answer.text();
    writeFileSync(join(folder, `changes/${page}.json`), text);
    const said = JSON.parse(text) as { readonly next: string; readonly atEnd: boolean };
    if (said.atEnd) return;
    next = said.next;
  }
}

async function askedOf(folder: string): Promise<readonly unknown[]> {
  const connection = await (await DuckDBInstance.create()).connect();
  await connection.run(`SET file_search_path = '${folder}'`);
  const [view = '', days = ''] = documented();
  await connection.run(view);
  const means = await connection.runAndReadAll(days.split(';').slice(1).join(';'));
  expect(means.currentRowCount).toBeGreaterThan(0);
  const found = await connection.runAndReadAll(
    `SELECT * REPLACE (epoch_ms(phenomenonTime)::DOUBLE AS phenomenonTime) FROM observations ORDER BY datastream, phenomenonTime`,
  );
  connection.closeSync();
  return found.getRowObjects();
}

async function servedBy(rig: TestApi): Promise<readonly unknown[]> {
  const { items } = await rig.json('/api/v1/observations?limit=10000');
  return items.map((item) => ({
    id: item['id'],
    datastream: item['datastream'],
    station: item['station'],
    property: item['property'],
    phenomenonTime: Date.parse(String(item['phenomenonTime']).split('/').at(-1) ?? ''),
    result: item['result'],
    unit: item['unit'],
    flag: item['flag'],
    revision: item['revision'],
  }));
}

test('files and the changes behind them are, in SQL, the rows that the API gives', async () => {
  const rig = await open();
  const folder = mkdtempSync(join(tmpdir(), 'quantrac-across-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  await rig.publish(
    [0, 1, 2, 3].flatMap((at) => rowsOf(rig, may + at * minute, june + at * minute)),
  );
  rig.flush();
  await filesWhen(rig, (files) => months(files).length === 6);
  const cursor = await fetchFiles(rig, folder);
  const change = (at: number, type: 'correction' | 'deletion' | 'insert', revision: number) =>
    rig.row('ha-noi-temperature', at, { type, revision, result: 7.25 });
  await rig.publish([change(june, 'correction', 1), change(may, 'deletion', 1)]);
  await rig.publish([change(june, 'correction', 2), change(may + minute, 'deletion', 1)]);
  // Late, of a month that has no file yet, a value again, and one that is missing.
  await rig.publish([change(may + minute, 'insert', 2), change(july - minute, 'insert', 0)]);
  await rig.publish([
    rig.row('kathmandu-temperature', may - 40 * 86_400_000, { startAt: may - 40.5 * 86_400_000 }),
    rig.row('kathmandu-temperature', june + 9 * minute, { result: null }),
  ]);
  await fetchChanges(rig, folder, cursor);
  const found = await askedOf(folder);
  expect(found.length).toBeGreaterThan(30);
  expect(found).toEqual(await servedBy(rig));
});

test('a series that was closed behind the files is in no answer of them', async () => {
  const rig = await open();
  const folder = mkdtempSync(join(tmpdir(), 'quantrac-across-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  await rig.publish(rowsOf(rig, june, june + minute));
  rig.flush();
  await filesWhen(rig, (files) => months(files).length === 3);
  const cursor = await fetchFiles(rig, folder);
  const datastreams = network.datastreams.map((each) =>
    (each as { readonly id?: unknown }).id === 'ha-noi-pm25'
      ? { ...each, visibility: 'internal' }
      : each,
  );
  await rig.api.registryAdmin.importRegistry({ ...network, datastreams }, 'test');
  await settleMarker(rig);
  await rig.publish([rig.row('ha-noi-temperature', july - minute)]);
  await fetchChanges(rig, folder, cursor);
  const found = await askedOf(folder);
  expect(found.length).toBeGreaterThan(5);
  expect(JSON.stringify(found)).not.toContain('ha-noi-pm25');
  expect(found).toEqual(await servedBy(rig));
});
