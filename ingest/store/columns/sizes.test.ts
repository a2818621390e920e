import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createManualClock } from '../../../devices/clock-manual.ts';
import { openDatabase } from '../../../devices/database.ts';
import { createSeededRandom } from '../../../devices/random.ts';
import { createRecordedTelemetry } from '../../../devices/telemetry-silent.ts';
import { storeConfigSchema } from '../config.ts';
import { batchesOf, madeStation, type SentColumn, type Station } from './sizes.fixture.ts';
import { openStoreWriter } from '../writer.ts';

const pointsBytesMax = 4;
const detailsBytesMax = 5;

interface Sizes {
  readonly points: number;
  readonly details: number;
}

/** Bytes an observation in both blocks, after one flush, every cell's text found unaltered. */
function sizesOf(station: Station): Sizes {
  const folder = mkdtempSync(join(tmpdir(), 'quantrac-sizes-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'view.db');
  const writer = openStoreWriter({
    path,
    logEnd: 0,
    storeId: 'sizes',
    config: storeConfigSchema.parse({}),
    clock: createManualClock(0),
    telemetry: createRecordedTelemetry(),
    isCircular: () => false,
  });
  let rows = 0;
  for (const [position, batch] of batchesOf(station, createSeededRandom(5))) {
    writer.apply(position, batch);
    rows += batch.rows.length;
  }
  expect(writer.flushSlice(1)).toBe(true);
  for (const at of station.columns.keys()) {
    const query = { fromAt: 0, toAt: 4e12, order: 'asc', limit: 1e6 } as const;
    const found = writer.range({ ...query, series: station.firstSeries + at });
    expect(found.map((row) => row.raw.value)).toEqual(
      station.records.map((record) => record.texts[at]),
    );
    expect(found.map((row) => row.raw.time)).toEqual(
      station.records.map((record) => record.timeText),
    );
  }
  writer.close();
  const database = openDatabase(path, { readOnly: true });
  const sums = database
    .prepare('SELECT sum(length(points)) AS points, sum(length(details)) AS details FROM blocks')
    .get() as { points: number; details: number };
  database.close();
  return { points: sums.points / rows, details: sums.details / rows };
}

describe('sizes of blocks', () => {
  it.each([
    ['every minute', 3, 60_000],
    ['every five minutes', 6, 300_000],
    ['every hour', 40, 3_600_000],
  ])('stay below 4 and 5 bytes an observation for a noisy station %s', (_, days, intervalMs) => {
    const sizes = sizesOf(madeStation(createSeededRandom(3), days, intervalMs));
    expect(sizes.points).toBeLessThan(pointsBytesMax);
    expect(sizes.details).toBeLessThan(detailsBytesMax);
  });
});

function column(name: string, scale = 1): SentColumn {
  return { name, unit: scale === 1 ? null : 'other', scale, shift: 0 };
}

interface RealFile {
  readonly file: string;
  readonly columns: readonly SentColumn[];
  readonly timeOf: (text: string) => number;
}

/** Factors of the unit conversions at 20 degrees Celsius, as the registry would have them. */
const realFiles: readonly RealFile[] = [
  {
    file: 'air-london-2003.csv',
    columns: [
      column('ws'),
      column('wd'),
      column('nox', 1.9125),
      column('no2', 1.9125),
      column('o3', 1.9957),
      column('pm10'),
      column('so2', 2.6609),
      column('co', 1.1642),
      column('pm25'),
    ],
    timeOf: (text) => Date.parse(text),
  },
  {
    file: 'water-level-hourly.csv',
    columns: [column('level')],
    timeOf: (text) => Date.parse(text),
  },
  {
    file: 'water-quality-2020.csv',
    columns: [
      column('temp_c'),
      column('cond_us_cm'),
      column('ph'),
      column('do_mg_l'),
      column('turb_ntu'),
      column('stage_cm', 0.01),
    ],
    timeOf: (text) => Date.parse(`${text}:00Z`) + 7 * 3_600_000,
  },
];

const realFolder = process.env['QUANTRAC_REAL_DATA'] ?? '';
const hasReal = realFolder !== '' && existsSync(realFolder);

describe.runIf(hasReal)('sizes of blocks of real records', () => {
  it.each(realFiles)('stay below 4 and 5 bytes an observation in $file', (real) => {
    const lines = readFileSync(join(realFolder, real.file), 'utf8').trim().split('\n').slice(1);
    const records = lines.map((line) => {
      const [timeText, ...texts] = line.trimEnd().split(',');
      return { timeText: timeText!, endAt: real.timeOf(timeText!), texts };
    });
    const station = { device: 'real-1', columns: real.columns, records, firstSeries: 0 };
    const sizes = sizesOf(station);
    expect(sizes.points).toBeLessThan(pointsBytesMax);
    expect(sizes.details).toBeLessThan(detailsBytesMax);
  });
});
