import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { openRegistryReader } from '../../devices/registry-sqlite-reader.ts';
import { devicesConfigSchema } from '../../devices/config.ts';
import { openStateFile } from '../cluster/forward/state-file.ts';
import { readingPlace } from '../cluster/route.ts';
import { encodeBatch } from '../observations/batch-codec.ts';
import { noTotals, type Batch } from '../observations/batch.ts';
import { openStoreWriter } from '../store/writer.ts';
import type { FolderPaths } from './backup.ts';
import { describeFinding, type Finding } from './findings.ts';
import {
  append,
  batchOf,
  clock,
  createFolder,
  fileSystem,
  openLog,
  storeConfig,
  telemetry,
} from './folder.fixture.ts';
import { verifyFolder } from './verify-folder.ts';
import { verifyPartitions } from './verify-partitions.ts';

/** Of this node; the folder's own log of readings ends at 3. */
const node = 7;
const readingsEnd = 3;

/** The n-th batch of a partition, with what the copy holds of both. */
function placed(partition: 0 | 1, number: number, positions: readonly number[]): Batch {
  const series = partition;
  const [row] = batchOf(partition + 3 * number, number).rows;
  const at = readingPlace(number, partition);
  return {
    ...batchOf(number, at),
    publishedAt: clock.now() + 10 * number,
    totals: {
      ...noTotals,
      readingsSettled: number,
      readingsControl: 1,
      measurementsDecoded: number,
      measurementsStored: number,
    },
    rows: [{ ...row!, series, rank: { klass: 1, at, node, position: number } }],
    sources: [
      { node: 0, position: 1, sequence: 1 },
      { node, position: number, sequence: number },
    ],
    place: { partition, positions },
  };
}

const sound = [
  placed(1, 1, [0, 1]),
  placed(0, 1, [1, 1]),
  placed(0, 2, [2, 1]),
  placed(1, 2, [2, 2]),
  placed(0, 3, [3, 2]),
];

/** A node's folder whose copy holds these. */
async function copyOf(batches: readonly Batch[]): Promise<FolderPaths> {
  const paths = await createFolder(readingsEnd, 0);
  const observations = { ...paths, observations: `${paths.path}/copy` };
  const log = await openLog(observations.observations, 'observations');
  for (const batch of batches) await append(log, encodeBatch(batch));
  await log.close();
  return observations;
}

async function findingsOf(batches: readonly Batch[] | FolderPaths): Promise<string[]> {
  const paths = 'path' in batches ? batches : await copyOf(batches);
  const findings: Finding[] = [];
  await verifyFolder({
    paths,
    fileSystem,
    clock,
    storeId: 'store-1',
    liveEnds: null,
    onFinding: (finding) => findings.push(finding),
    onProgress: () => undefined,
  });
  return findings.map(describeFinding);
}

test('a copy has nothing wrong where each partition is whole, in whatever order they came', async () => {
  expect(await findingsOf(sound)).toEqual([]);
});

test('a copy may begin behind batches that it need not hold, but only where its view says so', async () => {
  const later = [placed(0, 2, [2, 7]), placed(1, 8, [2, 8])].map((batch) => ({
    ...batch,
    sources: batch.sources!.map((mark) => ({ ...mark, position: 1 })),
  }));
  expect(await findingsOf(later)).toEqual([
    'observations: record 1: partition 0: batch 2 stands where batch 1 is expected',
    'observations: record 1: partition 0: it says batch 7 of partition 1, the copy holds 0',
  ]);
  const paths = await copyOf(later);
  rmSync(paths.view);
  expect(await findingsOf(paths)).toEqual([]);
});

test('the last batch of each partition is reported', async () => {
  const report = await verifyFolder({
    paths: await copyOf(sound),
    fileSystem,
    clock,
    storeId: null,
    liveEnds: null,
    onFinding: () => undefined,
    onProgress: () => undefined,
  });
  expect(
    report.lastBatches.map(({ position, batch }) => [position, batch.place?.partition]),
  ).toEqual([
    [4, 1],
    [5, 0],
  ]);
});

function changed(at: number, change: (batch: Batch) => Partial<Batch>): Batch[] {
  return sound.map((batch, place) => (place === at ? { ...batch, ...change(batch) } : batch));
}

const place = (partition: number, positions: readonly number[]): Partial<Batch> => ({
  place: { partition, positions },
});

function withoutPlace(at: number): Batch[] {
  return sound.map((batch, number) => {
    const { place: _place, ...plain } = batch;
    return number === at ? plain : batch;
  });
}

test.each<readonly [string, readonly Batch[], RegExp]>([
  [
    'is left out',
    sound.filter((_, at) => at !== 2),
    /it says batch 2 of partition 0, the copy holds 1/,
  ],
  ['comes twice', [...sound, sound[4]!], /partition 0: batch 3 stands where batch 4 is expected/],
  [
    'is said to be held and is not',
    changed(3, () => place(1, [3, 2])),
    /it says batch 3 of partition 0, the copy holds 2/,
  ],
  ['is of another network', changed(2, () => place(0, [2, 1, 0])), /it is of 3 partitions/],
  ['has no place', withoutPlace(4), /the batch has no place, those before it have one/],
  [
    'is the first with a place',
    withoutPlace(0),
    /the batch has a place, those before it have none/,
  ],
  [
    'forgets a node',
    changed(2, ({ sources }) => ({ sources: sources!.slice(1) })),
    /nothing is said of node 0 any more/,
  ],
  [
    'takes readings back',
    changed(2, ({ sources }) => ({ sources: [sources![0]!, { node, position: 0, sequence: 0 }] })),
    /partition 0: the mark of node 7 goes back/,
  ],
  [
    'loses a reading',
    changed(2, ({ totals }) => ({ totals: { ...totals, readingsSettled: 1 } })),
    /partition 0: 3 readings are consumed, 2 are accounted for/,
  ],
  [
    'shares an instant',
    changed(2, ({ publishedAt }) => ({ publishedAt: publishedAt - 10 })),
    /partition 0: it has the time of publication of the batch before/,
  ],
  [
    'tells a series of another partition',
    changed(2, ({ rows }) => ({ rows: rows.map((row) => ({ ...row, series: 1 })) })),
    /partition 0: series 1 is told by partition 1 too/,
  ],
  [
    'tells of a reading that the network numbers for another partition',
    changed(2, ({ rows }) => ({
      rows: rows.map((row) => ({ ...row, rank: { ...row.rank, node: 0, position: 1_025 } })),
    })),
    /a row of series 0 at \d+ comes from a reading of another partition/,
  ],
  [
    'sets a reading of another partition aside',
    changed(2, () => ({
      control: [{ position: 2_049, receivedAt: 0, device: '', kind: 'registry', text: '{}' }],
    })),
    /an entry is about reading 2049, which is of another partition/,
  ],
  [
    'is judged by a version that the copy of the registry lacks',
    changed(4, () => ({ registryVersion: 9 })),
    /version 9 of the registry is in force, its newest is 1/,
  ],
])('a batch that %s is named', async (_what, batches, finding) => {
  expect((await findingsOf(batches)).join('\n')).toMatch(finding);
});

async function forward(paths: FolderPaths, position: number): Promise<void> {
  const file = await openStateFile({
    fileSystem,
    directory: paths.path,
    node,
    topic: 'readings',
    partitions: 2,
    first: { position, registryVersion: 1, sequences: [0, 0] },
  });
  await file.close();
}

test('what the network has of a node must be in the log of the node', async () => {
  const paths = await copyOf(sound);
  await forward(paths, readingsEnd);
  expect(await findingsOf(paths)).toEqual([]);
  const ahead = await copyOf([...sound, placed(0, 4, [4, 2])]);
  await forward(ahead, 5);
  expect(await findingsOf(ahead)).toEqual([
    'positions: reading 5 is forwarded, the readings end at 3',
    'positions: reading 4 is decided in partition 0, the readings end at 3',
  ]);
  const damaged = await copyOf(sound);
  writeFileSync(`${damaged.path}/forward.state`, 'x'.repeat(1_024));
  expect((await findingsOf(damaged)).join()).toMatch(/^forward\.state: /);
});

test('the view of each partition of a worker is proved, and must be of this network', async () => {
  const { path, registry } = await createFolder(0);
  for (const [partition, storeId] of ['net/0', 'net/9'].entries()) {
    const directory = `${path}/partitions/${partition}`;
    mkdirSync(directory, { recursive: true });
    openStoreWriter({
      path: `${directory}/view.db`,
      config: storeConfig,
      clock,
      telemetry,
      isCircular: () => false,
      storeId,
      logEnd: 0,
    }).close();
  }
  mkdirSync(`${path}/partitions/2`);
  mkdirSync(`${path}/partitions/3`);
  writeFileSync(`${path}/partitions/3/view.db`, 'no database, whatever its length may be');
  const reader = openRegistryReader(registry, { clock, config: devicesConfigSchema.parse({}) });
  const findings: Finding[] = [];
  const options = { fileSystem, storeId: 'net', registry: reader.current() };
  const onFinding = (finding: Finding): void => void findings.push(finding);
  expect(await verifyPartitions({ ...options, directory: path, onFinding })).toEqual([0, 1]);
  expect(await verifyPartitions({ ...options, directory: '/nowhere', onFinding })).toEqual([]);
  reader.close();
  expect(findings.map(describeFinding)).toEqual([
    'partitions/1/view.db: belongs to the log net/9, not to net/1',
    expect.stringMatching(/^partitions\/3\/view\.db: /),
  ]);
});
