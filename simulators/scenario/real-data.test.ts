import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openSystemClock } from '../../devices/clock-system.ts';
import { sleep } from '../../devices/clock.ts';
import { chooseProfile, type Profile } from '../profile.ts';
import { headerOf, parseRecords } from '../records.ts';
import { readBalance } from '../load/balance.ts';
import { runCommand, startServerProcess, type ServerProcess } from './server-process.ts';

const folder = process.env['QUANTRAC_REAL_DATA'];
const files = ['air-london-2003.csv', 'water-quality-2020.csv', 'water-level-hourly.csv'];

/** µg/m³ for one ppb at 25 °C and 101,325 Pa, by molar mass in g/mol (R = 8.314462618 J/mol/K). */
const perPpb = (molarMass: number) => (molarMass * 101_325) / (8.314_462_618 * 298.15) / 1_000;
const massNo2 = 46.01;

/** What one unit of each column is in the canonical unit of its property. */
const factors: Readonly<Record<string, number>> = {
  nox: perPpb(massNo2),
  no2: perPpb(massNo2),
  o3: perPpb(48),
  so2: perPpb(64.07),
  co: perPpb(28.01),
  stage_cm: 0.01,
};

interface ApiRow {
  readonly slug: string;
  readonly phenomenonTime: string;
  readonly result: number | null;
  readonly flag: number;
  readonly reason: string | null;
  readonly raw: { readonly name: string; readonly value: string | null };
}

async function readRows(api: string, station: string): Promise<Map<string, ApiRow>> {
  const answer = await fetch(
    `${api}/api/v1/observations?station=${station}&include=raw&format=ndjson`,
  );
  const lines = (await answer.text()).trimEnd().split('\n');
  expect(JSON.parse(lines.pop() ?? '{}')).toMatchObject({ complete: true });
  const rows = new Map<string, ApiRow>();
  for (const line of lines) {
    const row = JSON.parse(line) as ApiRow;
    const key = `${row.raw.name} ${Date.parse(row.phenomenonTime.split('/').at(-1) ?? '')}`;
    expect(rows.has(key)).toBe(false);
    rows.set(key, row);
  }
  return rows;
}

/** What is wrong with one cell's row, or undefined. */
function problemOf(cell: string, factor: number, row: ApiRow | undefined): string | undefined {
  if (row === undefined) return 'no row';
  if (row.raw.value !== cell) return `raw.value is ${JSON.stringify(row.raw.value)}`;
  if (cell.trim() === '' || Number(cell) === -9999) {
    return row.result === null && row.flag === 9 && row.reason !== null
      ? undefined
      : 'is not missing with a reason';
  }
  const expected = Number(cell) * factor;
  const isEqual =
    row.result !== null &&
    Math.abs(row.result - expected) <= 1e-9 * Math.max(Math.abs(expected), 1e-300);
  return isEqual ? undefined : `result ${row.result} instead of ${expected}`;
}

describe.skipIf(folder === undefined)('real records, replayed as they are', () => {
  const clock = openSystemClock();
  let dataDir: string;
  let server: ServerProcess;
  let api: string;

  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'quantrac-real-'));
    server = await startServerProcess({ dataDir });
    api = `http://127.0.0.1:${server.ports.httpPort}`;
    const paths = files.map((file) => join(folder ?? '', file));
    const { code, stderr } = await runCommand([
      'replay',
      ...paths,
      '--time',
      'as-is',
      '--data-dir',
      dataDir,
    ]);
    if (code !== 0 || stderr !== '') throw new Error(`replay ended with ${code}: ${stderr}`);
    while ((await readBalance(api)).readingsInFlight > 0) await sleep(clock, 50);
  });

  afterAll(async () => {
    await server?.stop();
    rmSync(dataDir, { recursive: true });
  });

  test.each(files)(
    'every cell of %s is there, its text unaltered, its value in the canonical unit',
    async (file) => {
      const text = readFileSync(join(folder ?? '', file), 'utf8');
      const profile = chooseProfile(headerOf(text)) as Profile;
      const columns = Object.keys(profile.columns);
      const rows = await readRows(api, profile.station.id);
      const problems: string[] = [];
      let cells = 0;
      for (const { at, cells: values } of parseRecords(text, profile)) {
        for (const [place, cell] of values.entries()) {
          const column = columns[place] ?? '';
          const problem = problemOf(cell, factors[column] ?? 1, rows.get(`${column} ${at}`));
          cells += 1;
          if (problem !== undefined)
            problems.push(`${column} ${new Date(at).toISOString()} ${cell}: ${problem}`);
        }
      }
      expect(cells).toBeGreaterThan(7_000);
      expect(rows.size).toBe(cells);
      expect(problems.slice(0, 10)).toEqual([]);
    },
    120_000,
  );

  test('real gaps and faults are flagged', async () => {
    const level = [...(await readRows(api, 'real-sea-level')).values()];
    expect(level.some(({ flag }) => flag === 3 || flag === 4)).toBe(true);
    const water = [...(await readRows(api, 'real-river-sonde')).values()];
    expect(water.filter(({ reason }) => reason === 'SENTINEL').length).toBeGreaterThan(0);
    const air = [...(await readRows(api, 'real-london-kerbside')).values()];
    expect(air.filter(({ reason }) => reason === 'MISSING').length).toBeGreaterThan(1_000);
  });

  test('both balance laws hold', async () => {
    expect(await readBalance(api)).toMatchObject({ exact: true, readingsInFlight: 0 });
  });
});
