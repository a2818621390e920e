/** Files of months, the changes behind them and the store say the same, whatever has happened. */
import { DuckDBInstance } from '@duckdb/node-api';
import fc from 'fast-check';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

import { openNodeFileSystem } from '../../ingest/log/file-system-node.ts';
import type { ObservationRow } from '../../ingest/observation.ts';
import { openTestApi, type Json, type TestApi } from '../api.fixture.ts';
import { network } from '../network.fixture.ts';
import { openMonthFile, type FileRow } from './read.ts';

const july = Date.parse('2024-07-03T00:00:00+07:00');
const config = { bulkSettleHours: 0, bulkDebounceMs: 0, asOfSettleMs: 0 };
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'quantrac-files-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

interface Row {
  readonly id: string;
  readonly revision: number;
  readonly result: number | null;
  readonly flag: number;
}
type Copy = Map<string, string>;

const put = (copy: Copy, { id, revision, result, flag }: Row) =>
  copy.set(id, JSON.stringify([revision, result, flag]));

async function rowsOfFile(path: string): Promise<readonly FileRow[]> {
  const file = await openMonthFile(openNodeFileSystem(), path);
  const rows: FileRow[] = [];
  for await (const group of file.groups()) rows.push(...group);
  await file.close();
  expect(rows).toHaveLength(file.rows);
  return rows;
}

/** As a client does: every file of the index, then the changes from its cursor on. */
async function copyOf(rig: TestApi, place: string): Promise<Copy> {
  const copy: Copy = new Map();
  const index = await rig.json('/api/v1/files');
  for (const { url, format, name } of index.items as Record<string, string>[]) {
    if (format !== 'parquet') continue;
    const answer = await fetch(url ?? '');
    expect(answer.status).toBe(200);
    const path = join(place, name ?? '');
    writeFileSync(path, Buffer.from(await answer.arrayBuffer()));
    for (const row of await rowsOfFile(path)) put(copy, row);
  }
  let after = String(index['cursor']);
  for (;;) {
    const page = await rig.json(`/api/v1/changes?after=${after}`);
    for (const { type, observation } of page.changes) {
      if (observation === undefined) continue;
      if (type === 'deletion') copy.delete((observation as Row).id);
      else put(copy, observation as Row);
    }
    after = String(page['next']);
    if (page['atEnd'] === true) return copy;
  }
}

async function storeOf(rig: TestApi): Promise<Copy> {
  const copy: Copy = new Map();
  const lines = (await (await rig.get('/api/v1/observations.ndjson')).text()).trim().split('\n');
  for (const line of lines.slice(0, -1)) put(copy, JSON.parse(line) as Row);
  return copy;
}

async function requireEqual(rig: TestApi, place: string): Promise<void> {
  expect(await copyOf(rig, place)).toEqual(await storeOf(rig));
}

const series = ['ha-noi-temperature', 'kathmandu-temperature', 'garden-temperature'];
const slots = [
  '2024-04-30T23:50:00+07:00',
  '2024-05-01T00:00:00+07:00',
  '2024-05-31T23:59:00+07:00',
  '2024-06-01T00:00:00+07:00',
  '2024-06-15T00:00:00+07:00',
  '2024-07-02T00:00:00+07:00',
].map((text) => Date.parse(text));

interface Step {
  readonly of: number;
  readonly slot: number;
  readonly result: number;
  readonly isDeletion: boolean;
}

/** The next row of its key: an insert, a correction, a deletion, or a value again after one. */
function rowOf(rig: TestApi, held: Map<string, ObservationRow>, step: Step): ObservationRow | null {
  const name = series[step.of] ?? '';
  const before = held.get(`${step.of} ${step.slot}`);
  const isThere = before !== undefined && before.type !== 'deletion';
  if (step.isDeletion && !isThere) return null;
  const row = rig.row(name, slots[step.slot] ?? 0, {
    type: step.isDeletion ? 'deletion' : isThere ? 'correction' : 'insert',
    revision: before === undefined ? 0 : before.revision + 1,
    result: step.result / 2,
  });
  held.set(`${step.of} ${step.slot}`, row);
  return row;
}

test('files and the changes since their cursor are the rows of the store, after any history', async () => {
  const steps = fc.record({
    of: fc.nat(series.length - 1),
    slot: fc.nat(slots.length - 1),
    result: fc.nat(100),
    isDeletion: fc.boolean(),
  });
  const acts = fc.array(
    fc.oneof(
      { weight: 6, arbitrary: fc.array(steps, { minLength: 1, maxLength: 6 }) },
      { weight: 3, arbitrary: fc.constantFrom('flush', 'wait', 'restart', 'look' as const) },
    ),
    { minLength: 6, maxLength: 14 },
  );
  await fc.assert(
    fc.asyncProperty(acts, async (history) => {
      let rig = await openTestApi({ config });
      const place = mkdtempSync(join(tmpdir(), 'quantrac-join-'));
      const held = new Map<string, ObservationRow>();
      try {
        rig.setNow(july);
        for (const act of [...history, 'flush', 'wait', 'look']) {
          if (act === 'flush') rig.flush();
          else if (act === 'wait') await pause(1_100);
          else if (act === 'restart') rig = await rig.reopen();
          else if (act === 'look') await requireEqual(rig, place);
          else if (typeof act !== 'string') {
            const rows = act.map((step) => rowOf(rig, held, step)).filter((row) => row !== null);
            // One row of a key in a batch, as ingest decides them.
            const keyed = new Map(rows.map((row) => [`${row.series} ${row.endAt}`, row]));
            if (keyed.size === rows.length && rows.length > 0) await rig.publish(rows);
            else for (const row of rows) await rig.publish([row]);
          }
        }
      } finally {
        await rig.close();
        rmSync(place, { recursive: true });
      }
    }),
    { numRuns: 4 },
  );
});

test('what opens a series is behind the cursor of the index until its rows are in the files', async () => {
  const rig = await openTestApi({ config });
  onTestFinished(() => rig.close());
  rig.setNow(july);
  const show = async (visibility: string) => {
    const datastreams = network.datastreams.map((each) =>
      (each as Json)['id'] === 'kathmandu-temperature' ? { ...each, visibility } : each,
    );
    await rig.api.registryAdmin.importRegistry({ ...network, datastreams }, 'test');
    const { version } = rig.registry.current();
    const text = `{"type":"registry","version":${version}}`;
    const marker = { position: 1, receivedAt: july, device: '', kind: 'registry', text } as const;
    await rig.publish([], { control: [marker] });
    rig.flush();
  };
  await show('internal');
  const at = slots[2] ?? 0;
  await rig.publish([rig.row('ha-noi-temperature', at), rig.row('kathmandu-temperature', at)]);
  rig.flush();
  const filesNow = () => rig.json('/api/v1/files?format=json');
  while ((await filesNow()).items.length === 0) await pause(20);
  await show('open');
  for (let look = 0; ; look++) {
    const index = await filesNow();
    const isInFiles = index.items.some(({ rows }) => rows === 2);
    const page = await rig.json(`/api/v1/changes?after=${String(index['cursor'])}`);
    const isTold = page.changes.some(
      (change) => change['datastream'] === 'kathmandu-temperature' && change['visible'] === true,
    );
    expect([look, isInFiles || isTold]).toEqual([look, true]);
    if (isInFiles) return;
    await pause(20);
  }
});

test('DuckDB reads both forms, and both are the rows of the API', async () => {
  const rig = await openTestApi({ config });
  onTestFinished(() => rig.close());
  rig.setNow(july);
  const at = slots[4] ?? 0;
  await rig.publish([
    ...Array.from({ length: 500 }, (_, index) =>
      rig.row('ha-noi-temperature', at + index * 600_000, { result: index / 8 }),
    ),
    rig.row('hue-rain', at, {
      result: null,
      verdict: { flag: 9, tests: '9999999999999999', qualifiers: 3, reason: 'MISSING', rules: 'a' },
    }),
    rig.row('ha-noi-direction', at + 1, { latitude: 21.5, longitude: 105, heightMm: -2_500 }),
    rig.row('kathmandu-temperature', at, { resultAt: at + 30_000 }),
  ]);
  rig.flush();
  const place = folder();
  const url = `/api/v1/files/agency~weather/2024-06/agency~weather_2024-06`;
  while ((await rig.get(`${url}.parquet`)).status !== 200) await pause(20);
  for (const extension of ['parquet', 'csv.gz']) {
    const bytes = Buffer.from(await (await rig.get(`${url}.${extension}`)).arrayBuffer());
    writeFileSync(join(place, `month.${extension}`), bytes);
  }
  const { items } = await rig.json(
    '/api/v1/observations?owner=agency&property=air-temperature,rainfall,wind-direction&limit=10000',
  );
  expect(items).toHaveLength(503);
  const connection = await (await DuckDBInstance.create()).connect();
  const query = async (from: string, times: string) => {
    const found = await connection.runAndReadAll(
      `SELECT id, station, ${times}, epoch_ms(receivedAt::TIMESTAMPTZ)::DOUBLE AS received,
         epoch_ms(resultTime::TIMESTAMPTZ)::DOUBLE AS resulted, result::DOUBLE AS result, unit,
         flag::INTEGER AS flag, qualifiers, reason, revision::INTEGER AS revision,
         latitude::DOUBLE AS latitude, "heightMetres"::DOUBLE AS height FROM ${from}`,
    );
    return found.getRowObjects();
  };
  const expected = items.map((item) => {
    const [start, end = start] = String(item['phenomenonTime']).split('/');
    const time = (value: unknown) => (typeof value === 'string' ? Date.parse(value) : null);
    return {
      id: item['id'],
      station: item['station'],
      ended: time(end),
      received: time(item['receivedAt']),
      resulted: time(item['resultTime']),
      result: item['result'],
      unit: item['unit'],
      flag: item['flag'],
      qualifiers: (item['qualifiers'] as string[]).join(' ') || null,
      reason: item['reason'],
      revision: item['revision'],
      latitude: item['latitude'] ?? null,
      height: item['heightMetres'] ?? null,
    };
  });
  const emptyAsNull = (rows: Record<string, unknown>[]) =>
    rows.map((row) => ({
      ...row,
      qualifiers: row['qualifiers'] === '' ? null : row['qualifiers'],
    }));
  const parquet = await query(
    `read_parquet('${join(place, 'month.parquet')}')`,
    'epoch_ms(phenomenonTime::TIMESTAMPTZ)::DOUBLE AS ended',
  );
  expect(emptyAsNull(parquet)).toEqual(expected);
  const csv = await query(
    `read_csv('${join(place, 'month.csv.gz')}', header = true, all_varchar = true)`,
    `epoch_ms(split_part(phenomenonTime, '/', -1)::TIMESTAMPTZ)::DOUBLE AS ended`,
  );
  expect(emptyAsNull(csv)).toEqual(expected);
  const read = await rowsOfFile(join(place, 'month.parquet'));
  expect(read.map(({ id, result, revision }) => [id, result, revision])).toEqual(
    items.map(({ id, result, revision }) => [id, result, revision]),
  );
});
