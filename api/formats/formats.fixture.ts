/** An API with rows of every kind, and what reads its answers back. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { DuckDBInstance } from '@duckdb/node-api';

import { openTestApi, startAt, type TestApi } from '../api.fixture.ts';

export type Item = Record<string, unknown>;

/** Results of `ha-noi-temperature`, in the order of time. */
export const numbers = [
  1e-7,
  0.1 + 0.2,
  -0,
  5,
  26.4,
  1e21,
  -273.15,
  Number.MIN_VALUE,
  123456789.125,
];
export const minuteMs = 60_000;

export interface FormatsRig extends TestApi {
  itemsOf(path: string): Promise<Item[]>;
  /** Rows of a query of DuckDB over the Parquet of a path, which is `$file` in it. */
  duckRows(path: string, sql: string): Promise<unknown[][]>;
}

export async function openFormatsRig(): Promise<FormatsRig> {
  const rig = await openTestApi();
  const folder = mkdtempSync(join(tmpdir(), 'quantrac-formats-'));
  rig.setNow(startAt + 86_400_000);
  await rig.publish([
    ...numbers.map((result, index) =>
      rig.row('ha-noi-temperature', startAt + index * 10 * minuteMs, {
        result,
        resultAt: startAt + index * 10 * minuteMs + 250,
      }),
    ),
    rig.row('ha-noi-direction', startAt, { latitude: 21, longitude: 105, heightMm: 2_000 }),
    rig.row('ha-noi-direction', startAt + minuteMs, {
      verdict: {
        flag: 3,
        tests: '1111111113222222',
        qualifiers: 3,
        reason: null,
        rules: '0badc0de',
      },
    }),
    rig.row('hue-rain', startAt, {
      result: null,
      verdict: {
        flag: 9,
        tests: '9999999999999999',
        qualifiers: 0,
        reason: 'MISSING',
        rules: '0badc0de',
      },
    }),
    rig.row('hidden-temperature', startAt),
  ]);
  return {
    ...rig,
    itemsOf: async (path) => (await rig.json(`/api/v1/${path}`)).items,
    async duckRows(path, sql) {
      const answer = await rig.get(`/api/v1/${path}`);
      const bytes = Buffer.from(await answer.arrayBuffer());
      if (answer.status !== 200) throw new Error(`${path}: ${bytes.toString()}`);
      const file = join(folder, 'answer.parquet');
      writeFileSync(file, bytes);
      const connection = await (await DuckDBInstance.create(':memory:')).connect();
      const reader = await connection.runAndReadAll(sql.replaceAll('$file', `'${file}'`));
      const rows = reader.getRows();
      connection.closeSync();
      return rows;
    },
    async close() {
      await rig.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** RFC 4180, read by its grammar. */
export function readCsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/gy;
  for (let match = cell.exec(text); match !== null; match = cell.exec(text)) {
    row.push(match[1] === undefined ? (match[2] ?? '') : match[1].replaceAll('""', '"'));
    if (match[3] === ',') continue;
    rows.push(row);
    row = [];
  }
  return rows;
}

export const lists = [
  'stations',
  'datastreams',
  'properties',
  'owners',
  'deployments',
  'qualities',
  'terms',
  'latest',
  'observations',
  'aggregates?window=PT1H',
];
/** A list under the name of a format. */
export const named = (list: string, extension: string) => {
  const [path = '', query] = list.split('?');
  return `${path}.${extension}${query === undefined ? '' : `?${query}`}`;
};
