/** One month made over a disk that loses power, fills up or is killed at any point. */
import fc from 'fast-check';
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';

import { createSeededRandom } from '../../devices/random.ts';
import { createMemoryFileSystem } from '../../ingest/log/file-system-memory.ts';
import { readFile, type FileSystem } from '../../ingest/log/file-system.ts';
import type { ObservationRow } from '../../ingest/observation.ts';
import { bulkFolder, makeMonth } from './make.ts';
import type { NewFile } from './records.ts';
import type { MonthTask } from './task.ts';

const beginAt = Date.parse('2024-05-01T00:00:00+07:00');
const station = {
  id: 'ha-noi',
  name: { vi: 'Hà Nội', en: 'Ha Noi' },
  owner: 'agency',
  latitude: 21,
  longitude: 105,
  timeZone: 'Asia/Ho_Chi_Minh',
  class: 'reference',
} as const;
const datastream = {
  id: 'ha-noi-temperature',
  series: 0,
  station: 'ha-noi',
  property: 'air-temperature',
  slug: 'air-temperature',
  aggregation: 'mean',
  intervalMs: 600_000,
} as const;
const name = { vi: 'Thời tiết', en: 'Weather' };
const task: MonthTask = {
  dataset: 'agency~weather',
  month: '2024-05',
  title: name,
  description: name,
  owner: name,
  attribution: null,
  licences: [],
  baseUrl: null,
  cursor: 'cursor',
  madeAt: beginAt,
  registryVersion: 1,
  datastreams: [datastream],
  stations: [station],
  properties: [],
  entries: ['["ha-noi-temperature","Asia/Ho_Chi_Minh",null]'],
};
const rows = Array.from({ length: 3_000 }, (_, index): ObservationRow => {
  const endAt = beginAt + index * 600_000;
  return {
    series: 0,
    endAt,
    startAt: endAt - 600_000,
    heightMm: NaN,
    revision: 0,
    current: true,
    type: 'insert',
    cause: 'value',
    result: (index % 70) / 2,
    verdict: {
      flag: 1,
      tests: '1111111111222222',
      qualifiers: 0,
      reason: null,
      rules: '0badc0de',
    },
    resultAt: NaN,
    receivedAt: endAt + 1_000,
    publishedAt: endAt + 1_000,
    rank: { klass: 1, at: endAt + 1_000, node: 0, position: 1 },
    device: 'logger',
    raw: { name: 'T', value: '20.0', unit: null, time: null },
    payloadHash: -1,
    latitude: NaN,
    longitude: NaN,
  };
});

const make = (fileSystem: FileSystem, of: Partial<MonthTask> = {}) =>
  makeMonth(
    { ...task, ...of },
    {
      fileSystem,
      folder: '/files',
      range: ({ after, limit }) => {
        const from = after === undefined ? 0 : rows.findIndex((row) => row.endAt > after.endAt);
        return from < 0 ? [] : rows.slice(from, from + limit);
      },
    },
  );

async function requireWhole(fileSystem: FileSystem, files: readonly NewFile[]): Promise<void> {
  for (const { path, bytes, sha256 } of files) {
    const content = await readFile(fileSystem, `/files/${path}`);
    expect([path, content.length]).toEqual([path, bytes]);
    expect(createHash('sha256').update(content).digest('hex')).toBe(sha256);
  }
}

/** Stops as a kill would: from the nth call on nothing of the program happens any more. */
function stoppedAt(fileSystem: FileSystem, nth: number): FileSystem {
  let left = nth;
  const count = (): void => {
    left -= 1;
    if (left < 0) throw new Error('killed');
  };
  return {
    ...fileSystem,
    async open(path, mode) {
      count();
      const file = await fileSystem.open(path, mode);
      return {
        ...file,
        async write(...given) {
          count();
          return file.write(...given);
        },
        async sync() {
          count();
          return file.sync();
        },
      };
    },
    async rename(from, to) {
      count();
      return fileSystem.rename(from, to);
    },
    async unlink(path) {
      count();
      return fileSystem.unlink(path);
    },
    async syncDirectory(path) {
      count();
      return fileSystem.syncDirectory(path);
    },
  };
}

test('what is answered is on the disk after a loss of power', async () => {
  const fileSystem = createMemoryFileSystem();
  const files = await make(fileSystem);
  fileSystem.powerCut(createSeededRandom(1));
  expect(files.map(({ format }) => format)).toEqual(['parquet', 'csv.gz', 'csvw', 'datapackage']);
  await requireWhole(fileSystem, files);
});

test('equal rows give equal files', async () => {
  const [one, other] = [createMemoryFileSystem(), createMemoryFileSystem()];
  expect(await make(one)).toEqual(await make(other));
});

test('killed at any point and with any loss of power, no file stands under a name that is not its own, and the next try makes all', async () => {
  const whole = createMemoryFileSystem();
  const expected = new Map((await make(whole)).map(({ path, sha256 }) => [path, sha256]));
  await fc.assert(
    fc.asyncProperty(fc.nat(60), fc.nat(), async (nth, seed) => {
      const fileSystem = createMemoryFileSystem();
      const [outcome] = await Promise.allSettled([make(stoppedAt(fileSystem, nth))]);
      const reason: unknown = outcome.status === 'rejected' ? outcome.reason : new Error('killed');
      expect(reason).toMatchObject({ message: 'killed' });
      fileSystem.powerCut(createSeededRandom(seed));
      for (const path of fileSystem.paths().filter((each) => !each.endsWith('.new'))) {
        const relative = path.slice('/files/'.length);
        const found = createHash('sha256').update(fileSystem.contents(path)).digest('hex');
        expect([relative, found]).toEqual([relative, expected.get(relative)]);
      }
      const files = await make(fileSystem);
      await requireWhole(fileSystem, files);
      expect(files).toHaveLength(4);
    }),
    { numRuns: 40 },
  );
});

test('a full disk rejects, and leaves nothing under way', async () => {
  const fileSystem = createMemoryFileSystem();
  fileSystem.capacityBytes = 20_000;
  await expect(make(fileSystem)).rejects.toMatchObject({ code: 'ENOSPC' });
  expect(fileSystem.paths()).toEqual([]);
  fileSystem.capacityBytes = Infinity;
  await requireWhole(fileSystem, await make(fileSystem));
});

test('a month without rows has no files', async () => {
  const fileSystem = createMemoryFileSystem();
  const empty = { fileSystem, folder: '/files', range: () => [] };
  expect(await makeMonth(task, empty)).toEqual([]);
  expect(fileSystem.paths().filter((path) => path.startsWith(`/files/${bulkFolder}`))).toEqual([]);
});

test('one name has one content: what describes equal rows otherwise has a name of its own', async () => {
  const changes: readonly Partial<MonthTask>[] = [
    {},
    { madeAt: beginAt + 1 },
    { registryVersion: 2 },
    { owner: { vi: 'Cơ quan khác', en: 'Another agency' } },
    { description: { vi: 'Khác', en: 'Other' } },
    { baseUrl: 'https://quantrac.test' },
  ];
  const contents = new Map<string, string>();
  const fileSystem = createMemoryFileSystem();
  const files: NewFile[] = [];
  for (const change of changes) files.push(...(await make(fileSystem, change)));
  for (const { path, sha256 } of files) {
    expect([path, contents.get(path) ?? sha256]).toEqual([path, sha256]);
    contents.set(path, sha256);
  }
  expect(contents.size).toBe(4 * changes.length);
  await requireWhole(fileSystem, files);
});
