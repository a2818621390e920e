import {
  openSync,
  closeSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openDatabase } from '../../devices/database.ts';
import { encodeBatch } from '../observations/batch-codec.ts';
import type { FolderPaths } from './backup.ts';
import { describeFinding, type Finding } from './findings.ts';
import {
  append,
  batchOf,
  clock,
  createFolder,
  fileSystem,
  keep,
  openLog,
  readingOf,
} from './folder.fixture.ts';
import { verifyFolder, type LogPositions } from './verify-folder.ts';

async function findingsOf(
  paths: FolderPaths,
  options: { readonly ends?: LogPositions; readonly storeId?: string } = {},
): Promise<Finding[]> {
  const findings: Finding[] = [];
  const { ends } = options;
  await verifyFolder({
    paths,
    fileSystem,
    clock,
    storeId: options.storeId ?? 'store-1',
    liveEnds: ends === undefined ? null : async () => ends,
    onFinding: (finding) => findings.push(finding),
    onProgress: () => undefined,
  });
  return findings;
}

/** Changes one byte of a file in place. */
function flip(path: string, at: number): void {
  const bytes = readFileSync(path);
  const file = openSync(path, 'r+');
  writeSync(file, Uint8Array.of((bytes[at] ?? 0) ^ 0x40), 0, 1, at);
  closeSync(file);
}

test('a folder as the server left it has nothing wrong', async () => {
  const paths = await createFolder(120);
  expect(await findingsOf(paths)).toEqual([]);
  expect(
    readdirSync(paths.readings).filter((name) => name.endsWith('.seal')).length,
  ).toBeGreaterThan(0);
});

test('a folder that has a registry and no data yet has nothing wrong', async () => {
  const paths = await createFolder(1);
  rmSync(paths.readings, { recursive: true });
  rmSync(paths.observations, { recursive: true });
  rmSync(paths.view);
  expect(await findingsOf(paths)).toEqual([]);
});

test('a changed byte is named by file, record and place', async () => {
  const paths = await createFolder(120);
  const [segment = ''] = readdirSync(paths.readings).filter((name) => name.endsWith('.segment'));
  flip(join(paths.readings, segment), 300);
  const [finding, ...others] = await findingsOf(paths);
  expect(others).toEqual([]);
  expect(finding).toMatchObject({
    part: 'readings',
    file: `readings/${segment}`,
    first: 1,
    last: 1,
  });
  expect(describeFinding(finding as Finding)).toBe(
    `readings/${segment}: record 1, byte 256: The bytes are not what was written.`,
  );
});

test('records that are sound and no readings or batches are named by position', async () => {
  const paths = await createFolder(3);
  const readings = await openLog(paths.readings, 'readings');
  await append(readings, Uint8Array.of(255, 255));
  await readings.close();
  const observations = await openLog(paths.observations, 'observations');
  await append(observations, Uint8Array.of(99, 1, 2));
  await observations.close();
  expect(await findingsOf(paths)).toMatchObject([
    { part: 'readings', first: 4 },
    { part: 'observations', first: 4 },
  ]);
});

test('batches that break a law, go back or invent are named', async () => {
  const paths = await createFolder(3);
  const observations = await openLog(paths.observations, 'observations');
  const good = batchOf(3, 3);
  const [row] = good.rows;
  if (row === undefined) throw new Error('a batch has a row');
  const wrong = [
    { ...good, totals: { ...good.totals, readingsSettled: 2 } },
    { ...good, publishedAt: 5 },
    { ...good, totals: { ...good.totals, measurementsDecoded: 4 } },
    { ...good, rows: [{ ...row, result: null }] },
    { ...good, rows: [{ ...row, rank: { ...row.rank, position: 9 } }] },
  ];
  for (const batch of wrong) await append(observations, encodeBatch(batch));
  await observations.close();
  const said = (await findingsOf(paths)).map(({ first, what }) => `${first}: ${what}`);
  expect(said).toContain('4: 3 readings are consumed, 2 are accounted for');
  expect(said).toContain('5: the time of publication goes back');
  expect(said).toContain('6: 4 measurements are decoded, 3 are accounted for');
  expect(said).toContain(`7: the null of series 0 at ${row.endAt} has no flag 9 or no reason`);
  expect(said).toContain('8: a row of series 0 comes from reading 9, which is not consumed');
});

test('a follower that knows more than its source is named', async () => {
  const paths = await createFolder(6);
  const observations = await openLog(paths.observations, 'observations');
  await append(observations, encodeBatch(batchOf(9, 9)));
  await observations.close();
  const view = openDatabase(paths.view);
  view.exec('UPDATE state SET position = 8, target = 8');
  view.close();
  expect((await findingsOf(paths)).map(({ what }) => what)).toEqual([
    'the view holds batch 8, the observations end at 7',
    'reading 9 is consumed, the readings end at 6',
  ]);
});

test('a view of another log and a file that is none are named', async () => {
  const paths = await createFolder(3);
  expect(await findingsOf(paths, { storeId: 'store-2' })).toMatchObject([
    { part: 'view', what: 'belongs to the log store-1, not to store-2' },
  ]);
  writeFileSync(paths.view, 'not a database, whatever its length may be');
  expect(await findingsOf(paths)).toMatchObject([{ part: 'view', file: 'view.db' }]);
  rmSync(paths.registry);
  expect(await findingsOf(paths)).toMatchObject([{ part: 'view' }, { part: 'registry' }]);
});

test('while a server writes, only what was durable at the beginning is looked at', async () => {
  const paths = await createFolder(60);
  const ends = { readings: 60, observations: 60 };
  const readings = await openLog(paths.readings, 'readings');
  const writing = Array.from({ length: 200 }, (_, number) => keep(readings, readingOf(number)));
  expect(await findingsOf(paths, { ends })).toEqual([]);
  await Promise.all(writing);
  await readings.close();
  expect(await findingsOf(paths, { ends })).toEqual([]);
});
