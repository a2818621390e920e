import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';

import { DuckDBInstance } from '@duckdb/node-api';
import fc from 'fast-check';
import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { afterAll, beforeAll, expect, test } from 'vitest';

import type { ObservationRow } from '../../ingest/observation.ts';
import { openPublicRows, phenomenonTimeOf } from '../../ingest/observations/public-row.ts';
import { flags, namesOf } from '../../ingest/quality.ts';
import { openTestApi, startAt, type TestApi } from '../api.fixture.ts';
import { encodeDeltas, encodeHybrid } from './parquet-encodings.ts';
import { createParquetRows, type ParquetRowsOptions } from './parquet-rows.ts';

let rig: TestApi;
let folder: string;

beforeAll(async () => {
  rig = await openTestApi();
  folder = mkdtempSync(join(tmpdir(), 'quantrac-parquet-'));
});

afterAll(async () => {
  await rig.close();
  rmSync(folder, { recursive: true, force: true });
});

const numbers = fc.oneof(
  fc.constantFrom(1e-7, 0.1 + 0.2, -0, 5, 1e21, -273.15, Number.MIN_VALUE, Number.MAX_VALUE),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);

/** A row that says anything a row can say. */
const anyRow = fc.record({
  stepMs: fc.oneof(fc.constant(600_000), fc.integer({ min: 1, max: 10_000_000_000 })),
  lengthMs: fc.constantFrom(0, 600_000),
  result: fc.option(numbers, { nil: null }),
  flag: fc.constantFrom(...Object.values(flags)),
  qualifiers: fc.integer({ min: 0, max: 32_767 }),
  resultAgo: fc.option(fc.integer({ min: 0, max: 5_000 }), { nil: undefined }),
  heightMm: fc.constantFrom(NaN, 0, -1_250),
  place: fc.option(fc.constantFrom([10.123456, 106.654321] as const), { nil: undefined }),
  revision: fc.nat(3),
  rawValue: fc.option(fc.string(), { nil: null }),
});

type Draft = typeof anyRow extends fc.Arbitrary<infer Value> ? Value : never;

function rowsOf(datastream: string, drafts: readonly Draft[]): ObservationRow[] {
  let endAt = startAt;
  return drafts.map((draft) => {
    endAt += draft.stepMs;
    const [latitude, longitude] = draft.place ?? [NaN, NaN];
    return rig.row(datastream, endAt, {
      startAt: endAt - draft.lengthMs,
      result: draft.result,
      verdict: {
        flag: draft.result === null ? 9 : draft.flag,
        tests: draft.flag === 4 ? '1114111111222222' : '1111111111222222',
        qualifiers: draft.qualifiers,
        reason: draft.result === null ? 'MISSING' : null,
        rules: '0badc0de',
      },
      resultAt: draft.resultAgo === undefined ? NaN : endAt + draft.resultAgo,
      heightMm: draft.heightMm,
      latitude,
      longitude,
      revision: draft.revision,
      raw: { name: 'T', value: draft.rawValue, unit: null, time: null },
    });
  });
}

function write(
  series: readonly (readonly ObservationRow[])[],
  options: Partial<ParquetRowsOptions> = {},
): Buffer {
  const rows = openPublicRows(rig.registry.current());
  const file = createParquetRows({ rowsPerGroup: 7, order: 'asc', ...options });
  const parts: Uint8Array[] = [];
  for (const some of series) {
    const context = rows.context(some[0]?.series ?? -1);
    if (context !== undefined) parts.push(...file.write(context, some));
  }
  parts.push(...file.end({ cursor: 'c-1', licence: 'CC-BY-4.0', complete: 'true' }));
  return Buffer.concat(parts);
}

/** What the contract's row says, by the columns of the file. */
function expected(row: ObservationRow): Record<string, unknown> {
  const context = openPublicRows(rig.registry.current()).context(row.series);
  const text = JSON.parse(openPublicRows(rig.registry.current()).text(row) ?? '{}') as Record<
    string,
    unknown
  >;
  if (context === undefined) throw new Error('no such series');
  expect(text['phenomenonTime']).toBe(phenomenonTimeOf(row, context.time));
  return {
    ...text,
    phenomenonTime: row.endAt,
    phenomenonTimeStart: row.startAt,
    resultTime: Number.isNaN(row.resultAt) ? null : row.resultAt,
    receivedAt: row.receivedAt,
    timeZone: context.station.timeZone,
    qualifiers: namesOf(row.verdict.qualifiers).join(' '),
    result: row.result,
    latitude: text['latitude'] ?? null,
    longitude: text['longitude'] ?? null,
    heightMetres: text['heightMetres'] ?? null,
  };
}

const compressors = {
  ZSTD: (bytes: Uint8Array) => new Uint8Array(zstdDecompressSync(bytes)),
};

async function readByHyparquet(bytes: Buffer): Promise<Record<string, unknown>[]> {
  const file = new Uint8Array(bytes).buffer;
  const found = await parquetReadObjects({ file, compressors });
  return found.map((row) =>
    Object.fromEntries(
      Object.entries(row).map(([name, value]) => [
        name,
        value instanceof Date ? value.getTime() : (value ?? null),
      ]),
    ),
  );
}

test('every row that can be is read back equal, by series and time, over any number of row groups', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyRow, { maxLength: 40 }),
      fc.array(anyRow, { maxLength: 40 }),
      fc.integer({ min: 1, max: 50 }),
      async (first, second, rowsPerGroup) => {
        const series = [rowsOf('garden-temperature', first), rowsOf('ha-noi-temperature', second)];
        const bytes = write(series, { rowsPerGroup });
        const found = await readByHyparquet(bytes);
        expect(found).toStrictEqual(series.flat().map(expected));
      },
    ),
    { numRuns: 60 },
  );
});

test('DuckDB reads the types, the values, the bounds and the key-value metadata', async () => {
  const series = [
    rowsOf('garden-temperature', fc.sample(anyRow, { numRuns: 300, seed: 4 })),
    rowsOf('ha-noi-temperature', fc.sample(anyRow, { numRuns: 300, seed: 5 })),
  ];
  const path = join(folder, 'rows.parquet');
  writeFileSync(path, write(series, { rowsPerGroup: 64, withRaw: true, latestAt: startAt }));
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  const ask = async (sql: string) => (await connection.runAndReadAll(sql)).getRows();
  const types = await ask(
    `SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM '${path}')`,
  );
  expect(Object.fromEntries(types as [string, string][])).toMatchObject({
    id: 'VARCHAR',
    phenomenonTime: 'TIMESTAMP WITH TIME ZONE',
    receivedAt: 'TIMESTAMP WITH TIME ZONE',
    result: 'DOUBLE',
    flag: 'INTEGER',
    revision: 'INTEGER',
    stale: 'BOOLEAN',
    ageSeconds: 'BIGINT',
  });
  const rows = await ask(
    `SELECT id, epoch_ms(phenomenonTime)::DOUBLE, epoch_ms(resultTime)::DOUBLE, result, flag, tests,
       qualifiers, reason, revision, heightMetres, rawValue FROM '${path}'`,
  );
  expect(rows).toStrictEqual(
    series.flat().map((row) => {
      const text = expected(row);
      return [
        text['id'],
        row.endAt,
        text['resultTime'],
        row.result,
        row.verdict.flag,
        row.verdict.tests,
        text['qualifiers'],
        row.verdict.reason,
        row.revision,
        text['heightMetres'],
        row.raw.value,
      ];
    }),
  );
  // A filter by the bounds of the row groups finds the same rows.
  const [, last] = series;
  const one = last?.at(-1);
  const found = await ask(
    `SELECT count(*)::INTEGER FROM '${path}' WHERE datastream = 'ha-noi-temperature'
       AND phenomenonTime = make_timestamptz(${(one?.endAt ?? 0) * 1000})`,
  );
  expect(found).toStrictEqual([[1]]);
  const metadata = await ask(
    `SELECT key::VARCHAR, value::VARCHAR FROM parquet_kv_metadata('${path}')`,
  );
  expect(metadata).toContainEqual(['cursor', 'c-1']);
  connection.closeSync();
});

test('a file that was cut anywhere is opened by no reader, and an empty one is whole', async () => {
  const bytes = write([rowsOf('garden-temperature', fc.sample(anyRow, { numRuns: 50, seed: 6 }))]);
  for (const end of [4, 100, bytes.length - 9, bytes.length - 1]) {
    expect(() => parquetMetadata(new Uint8Array(bytes.subarray(0, end)).buffer)).toThrow(/parquet/);
  }
  expect(await readByHyparquet(write([]))).toStrictEqual([]);
});

test('the sorting of the rows is told', () => {
  const rows = [rowsOf('garden-temperature', fc.sample(anyRow, { numRuns: 5, seed: 6 }))];
  const sortedBy = (order: 'asc' | 'desc' | null) =>
    parquetMetadata(new Uint8Array(write(rows, { order })).buffer).row_groups[0]?.sorting_columns;
  expect(sortedBy('desc')).toMatchObject([{ descending: false }, { descending: true }]);
  expect(sortedBy(null)).toHaveLength(1);
});

test('DELTA_BINARY_PACKED and the RLE hybrid are as the examples of the format say', () => {
  // Encodings.md: 1, 2, 3, 4, 5 and 7, 5, 3, 1, 2, 3, 4, 5 (blocks of 128 in 4 parts here).
  const deltas = (values: readonly number[]) => [
    ...encodeDeltas(Float64Array.from(values), values.length),
  ];
  expect(deltas([1, 2, 3, 4, 5])).toStrictEqual([128, 1, 4, 5, 2, 2, 0, 0, 0, 0]);
  expect(deltas([7, 5, 3, 1, 2, 3, 4, 5])).toStrictEqual([
    128, 1, 4, 8, 14, 3, 2, 0, 0, 0, 0b11000000, 0b00111111, 0, 0, 0, 0, 0, 0,
  ]);
  // Encodings.md: the numbers 0 to 7, bit width 3.
  expect([...encodeHybrid(Uint8Array.from([0, 1, 2, 3, 4, 5, 6, 7]), 8, 3)]).toStrictEqual([
    3, 0b10001000, 0b11000110, 0b11111010,
  ]);
});
