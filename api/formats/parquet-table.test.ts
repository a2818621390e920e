import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { lists, named, openFormatsRig, type FormatsRig } from './formats.fixture.ts';

let rig: FormatsRig;

beforeAll(async () => {
  rig = await openFormatsRig();
});
afterAll(() => rig.close());

describe('Parquet', () => {
  test.each(lists)('of %s is read by DuckDB, with the items of JSON', async (list) => {
    const items = await rig.itemsOf(list);
    const key = list.startsWith('aggregates') ? 'datastream' : 'id';
    const rows = await rig.duckRows(named(list, 'parquet'), `SELECT ${key} FROM $file`);
    expect(rows.flat()).toEqual(items.map((item) => item[key]));
    const metadata = await rig.duckRows(
      named(list, 'parquet'),
      'SELECT key::VARCHAR, value::VARCHAR FROM parquet_kv_metadata($file)',
    );
    expect(Object.fromEntries(metadata as [string, string][])).toMatchObject({ complete: 'true' });
  });

  test('of rows is typed, and says what JSON says', async () => {
    const items = await rig.itemsOf('observations');
    const rows = await rig.duckRows(
      'observations.parquet',
      `SELECT id, datastream, epoch_ms(phenomenonTimeStart)::DOUBLE, epoch_ms(phenomenonTime)::DOUBLE,
         epoch_ms(resultTime)::DOUBLE, epoch_ms(receivedAt)::DOUBLE, result, unit, flag, tests,
         qualifiers, reason, revision, latitude, longitude, heightMetres FROM $file`,
    );
    const instant = (value: unknown) => (typeof value === 'string' ? Date.parse(value) : null);
    expect(rows).toStrictEqual(
      items.map((item) => {
        const [start, end = start] = String(item['phenomenonTime']).split('/');
        return [
          item['id'],
          item['datastream'],
          instant(start),
          instant(end),
          instant(item['resultTime']),
          instant(item['receivedAt']),
          item['result'],
          item['unit'],
          item['flag'],
          item['tests'],
          (item['qualifiers'] as string[]).join(' '),
          item['reason'],
          item['revision'],
          item['latitude'] ?? null,
          item['longitude'] ?? null,
          item['heightMetres'] ?? null,
        ];
      }),
    );
  });

  test('says when a limit has left rows out, where to go on, and the licences', async () => {
    const metadata = async (path: string) => {
      const rows = await rig.duckRows(
        path,
        'SELECT key::VARCHAR, value::VARCHAR FROM parquet_kv_metadata($file)',
      );
      return Object.fromEntries(rows as [string, string][]);
    };
    const first = await metadata('observations.parquet?limit=2');
    expect(first).toMatchObject({
      complete: 'false',
      licence: 'https://creativecommons.org/licenses/by/4.0/',
    });
    const next = new URL(first['next'] ?? '');
    const ids = await rig.duckRows(
      `${next.pathname.replace('/api/v1/', '')}${next.search}`,
      'SELECT id FROM $file',
    );
    const items = await rig.itemsOf('observations');
    expect(ids.flat()).toEqual(items.slice(2, 4).map(({ id }) => id));
  });
});
