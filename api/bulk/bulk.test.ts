import { createHash } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import { openTestApi, type Json } from '../api.fixture.ts';
import { network } from '../network.fixture.ts';
import {
  may,
  june,
  july,
  config,
  open,
  filesOf,
  filesWhen,
  pause,
  months,
  find,
  bytesOf,
  rowsOf,
  csvOf,
  apiCsv,
  mayQuery,
  type Listed,
} from './months.fixture.ts';

test('closed months are made once they have settled, of what is open alone, as the API gives the rows', async () => {
  const rig = await open();
  await rig.publish(rowsOf(rig, may, may + 600_000, june));
  // Of the month that is still open.
  await rig.publish(rowsOf(rig, july));
  rig.flush();
  const files = await filesWhen(rig, (found) => months(found).length === 6);
  expect(months(files)).toEqual([
    'agency~air 2024-05',
    'agency~air 2024-06',
    'agency~weather 2024-05',
    'agency~weather 2024-06',
    'factory~weather 2024-05',
    'factory~weather 2024-06',
  ]);
  const csv = await csvOf(files, 'agency~weather', '2024-05');
  expect(csv).toBe(await apiCsv(rig, mayQuery));
  expect(csv.split('\r\n')).toHaveLength(6);
  const factory = await csvOf(files, 'factory~weather', '2024-05');
  expect(factory).toContain('garden-temperature');
  expect(factory).not.toContain('hidden');
  expect(factory).not.toContain('shared');
});

test('every file is what the index says, and its package names it', async () => {
  const rig = await open();
  await rig.publish(rowsOf(rig, may));
  rig.flush();
  const files = await filesWhen(rig, (found) => months(found).length === 3);
  expect(files).toHaveLength(12);
  for (const file of files) {
    const bytes = await bytesOf(file.url);
    expect(bytes.length).toBe(file['bytes']);
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(file['sha256']);
    expect(await bytesOf(file.currentUrl)).toEqual(bytes);
  }
  const { url } = find(files, 'agency~weather', '2024-05', 'datapackage');
  const described = JSON.parse((await bytesOf(url)).toString()) as Record<string, unknown> & {
    resources: Record<string, unknown>[];
  };
  expect(described).toMatchObject({
    $schema: 'https://datapackage.org/profiles/2.0/datapackage.json',
    rows: 2,
    licenses: [{ name: 'CC-BY-4.0', path: 'https://creativecommons.org/licenses/by/4.0/' }],
  });
  expect(described['name']).toMatch(/^[a-z0-9._-]+$/);
  for (const { path, bytes, hash, name } of described.resources) {
    const listed = files.find((file) => file['name'] === path);
    expect([bytes, hash]).toEqual([listed?.['bytes'], `sha256:${String(listed?.['sha256'])}`]);
    expect(name).toMatch(/^[a-z0-9._-]+$/);
    expect(await bytesOf(new URL(String(path), url).href)).toHaveLength(Number(bytes));
  }
  const schema = described.resources[1]?.['schema'] as {
    fields: { name: string }[];
    missingValues: string[];
    primaryKey: string[];
  };
  const csv = await csvOf(files, 'agency~weather', '2024-05');
  expect(schema.fields.map((field) => field.name)).toEqual(csv.split('\r\n', 1)[0]?.split(','));
  expect([schema.missingValues, schema.primaryKey]).toEqual([[''], ['id']]);
});

test('a late value makes the files of its month anew, and the version before stays what it was', async () => {
  const rig = await open();
  await rig.publish(rowsOf(rig, may, june));
  rig.flush();
  const before = await filesWhen(rig, (found) => months(found).length === 6);
  const old = find(before, 'agency~weather', '2024-05', 'csv.gz');
  const oldBytes = await bytesOf(old.url);
  await rig.publish([
    rig.row('ha-noi-temperature', may, { type: 'correction', revision: 1, result: 31.5 }),
  ]);
  rig.flush();
  const isNew = (found: readonly Listed[]) =>
    find(found, 'agency~weather', '2024-05', 'csv.gz')['version'] !== old['version'];
  const after = await filesWhen(rig, isNew);
  expect(await csvOf(after, 'agency~weather', '2024-05')).toBe(await apiCsv(rig, mayQuery));
  expect(await csvOf(after, 'agency~weather', '2024-05')).toContain(',31.5,');
  expect(await bytesOf(old.url)).toEqual(oldBytes);
  const others = (files: readonly Listed[]) =>
    files.filter((file) => file['month'] === '2024-06').map((file) => file['sha256']);
  expect(others(after)).toEqual(others(before));
});

test('a late value that came in under a clock that was ahead is in the files once it is mended', async () => {
  const rig = await open({ config: { bulkDebounceMs: 3_600_000 } });
  await rig.publish([rig.row('garden-temperature', may)]);
  rig.flush();
  const [before] = await filesWhen(rig, (found) => found.length === 4);
  rig.setNow(july + 3 * 365 * 86_400_000);
  const late = { type: 'correction', revision: 1, result: 31.5 } as const;
  await rig.publish([rig.row('garden-temperature', may, late)]);
  rig.setNow(july + 60_000);
  rig.flush();
  const after = await filesWhen(rig, ([file]) => file?.['version'] !== before?.['version']);
  expect(after).toHaveLength(4);
});

test('a month whose last row is deleted has no file any more', async () => {
  const rig = await open();
  await rig.publish([rig.row('garden-temperature', may)]);
  rig.flush();
  await filesWhen(rig, (found) => found.length === 4);
  await rig.publish([rig.row('garden-temperature', may, { type: 'deletion', revision: 1 })]);
  rig.flush();
  expect(await filesWhen(rig, (found) => found.length === 0)).toEqual([]);
});

test('files with a series that is closed are gone at once, and come back without it', async () => {
  const rig = await open();
  await rig.publish(rowsOf(rig, may, june));
  rig.flush();
  const before = await filesWhen(rig, (found) => months(found).length === 6);
  const { url, currentUrl } = find(before, 'agency~weather', '2024-05', 'parquet');
  const closed = network.datastreams.map((each) =>
    (each as Json)['id'] === 'kathmandu-temperature' ? { ...each, visibility: 'internal' } : each,
  );
  await rig.api.registryAdmin.importRegistry({ ...network, datastreams: closed }, 'test');
  expect((await fetch(url)).status).toBe(404);
  expect((await fetch(currentUrl)).status).toBe(404);
  expect(months(await filesOf(rig))).not.toContain('agency~weather 2024-05');
  const after = await filesWhen(rig, (found) => months(found).length === 6);
  const csv = await csvOf(after, 'agency~weather', '2024-05');
  expect(csv).toContain('ha-noi-temperature');
  expect(csv).not.toContain('kathmandu');
  expect((await fetch(url)).status).toBe(404);
  // Opened again: its old rows are in the files again.
  await rig.api.registryAdmin.importRegistry(
    {
      ...network,
      datastreams: network.datastreams.map((each) =>
        (each as Json)['id'] === 'kathmandu-temperature' ? { ...each, visibility: 'open' } : each,
      ),
    },
    'test',
  );
  const isBack = async () =>
    (await csvOf(await filesOf(rig), 'agency~weather', '2024-05')).includes('kathmandu');
  while (!(await isBack())) await pause();
});

test('the catalogue lists each file with its dataset, and none with a series that was closed', async () => {
  const rig = await open();
  await rig.publish(rowsOf(rig, may, june));
  rig.flush();
  const files = await filesWhen(rig, (found) => months(found).length === 6);
  const listed = async () => {
    const { distributions } = await rig.json('/api/v1/datasets/agency~weather');
    return (distributions as Record<string, unknown>[]).filter(
      ({ sha256 }) => sha256 !== undefined,
    );
  };
  const weather = files.filter(({ dataset }) => dataset === 'agency~weather');
  const proofs = (of: readonly Record<string, unknown>[]) =>
    of.map(({ url, sha256 }) => `${String(url)} ${String(sha256)}`).toSorted();
  expect(proofs(await listed())).toEqual(proofs(weather));
  expect(weather.length).toBeGreaterThan(0);
  const closed = network.datastreams.map((each) =>
    (each as Json)['id'] === 'kathmandu-temperature' ? { ...each, visibility: 'internal' } : each,
  );
  await rig.api.registryAdmin.importRegistry({ ...network, datastreams: closed }, 'test');
  const now = new Set((await listed()).map(({ sha256 }) => sha256));
  expect(weather.filter(({ sha256 }) => now.has(sha256))).toEqual([]);
});

test('an erased observation takes every version of its month with it', async () => {
  const rig = await open();
  await rig.publish(rowsOf(rig, may, may + 600_000));
  rig.flush();
  const before = await filesWhen(rig, (found) => months(found).length === 3);
  const { url } = find(before, 'agency~weather', '2024-05', 'csv.gz');
  await rig.publish([
    rig.row('ha-noi-temperature', may, {
      type: 'deletion',
      cause: 'erasure',
      revision: 1,
      result: null,
    }),
  ]);
  expect((await fetch(url)).status).toBe(404);
  rig.flush();
  const after = await filesWhen(rig, (found) => months(found).length === 3);
  const csv = await csvOf(after, 'agency~weather', '2024-05');
  expect(csv.split('\r\n')).toHaveLength(5);
});

test('an observation that is erased while its series is closed is in no version that is given when it is open again', async () => {
  const rig = await open();
  await rig.publish(rowsOf(rig, may));
  rig.flush();
  const files = await filesWhen(rig, (found) => months(found).length === 3);
  const before = files.filter((file) => file['dataset'] === 'factory~weather');
  expect(before).toHaveLength(4);
  const setVisibility = (visibility: string) =>
    rig.api.registryAdmin.importRegistry(
      {
        ...network,
        stations: network.stations.map((station) =>
          (station as { id: string }).id === 'garden' ? { ...station, visibility } : station,
        ),
      },
      'test',
    );
  await setVisibility('internal');
  await filesWhen(rig, (found) => months(found).length === 2);
  await rig.publish([
    rig.row('garden-temperature', may, { type: 'deletion', cause: 'erasure', revision: 1 }),
  ]);
  rig.flush();
  await setVisibility('open');
  for (const { url } of before) expect((await fetch(url)).status).toBe(404);
});

test('after a restart the same files are there, and what came before it was written is made up for', async () => {
  const rig = await openTestApi({ config });
  rig.setNow(july);
  await rig.publish(rowsOf(rig, may));
  rig.flush();
  const before = await filesWhen(rig, (found) => months(found).length === 3);
  // Nobody has noted this one when the API ends.
  await rig.append([rig.row('ha-noi-temperature', june)]);
  const again = await rig.reopen();
  onTestFinished(() => again.close());
  again.flush();
  const after = await filesWhen(again, (found) => months(found).length === 4);
  const hashes = (files: readonly Listed[]) => files.map((file) => file['sha256']);
  expect(hashes(after)).toEqual(expect.arrayContaining(hashes(before)));
});

test('a file from whose cursor nothing can be followed any more is kept over a restart', async () => {
  const rig = await openTestApi({ config: { ...config, feedHorizonMs: 864_000_000 } });
  rig.setNow(july);
  await rig.publish([rig.row('ha-noi-temperature', may)]);
  rig.flush();
  const before = await filesWhen(rig, (found) => months(found).length === 1);
  // Behind the files' cursor, and in no file.
  await rig.publish([rig.row('hidden-temperature', may)]);
  rig.setNow(july + 12 * 86_400_000);
  await rig.publish([rig.row('garden-temperature', may)]);
  rig.flush();
  await filesWhen(rig, (found) => months(found).length === 2);
  const [{ url, cursor } = { url: '', cursor: '' }] = before;
  expect((await rig.get(`/api/v1/changes?after=${String(cursor)}`)).status).toBe(410);
  const again = await rig.reopen();
  onTestFinished(() => again.close());
  await again.publish([again.row('garden-temperature', june)]);
  again.flush();
  const after = await filesWhen(again, (found) => months(found).length === 3);
  expect(after).toEqual(
    expect.arrayContaining(before.map(({ name }) => expect.objectContaining({ name }))),
  );
  expect((await again.get(new URL(url).pathname)).status).toBe(200);
  expect(again.telemetry.value('quantrac_bulk_lost_total')).toBe(0);
});

test('what cannot be read of observations stops no file: all are made anew of what the view holds', async () => {
  const rig = await openTestApi({ config });
  rig.setNow(july);
  await rig.publish(rowsOf(rig, may, june));
  rig.flush();
  const before = await filesWhen(rig, (found) => months(found).length === 6);
  const segments = (await rig.fileSystem.list('/observations')).filter((each) =>
    each.endsWith('.segment'),
  );
  const path = `/observations/${segments.toSorted().at(-1) ?? ''}`;
  const change = { type: 'correction', revision: 1, result: -7 } as const;
  const erased = { type: 'deletion', cause: 'erasure', revision: 1, result: null } as const;
  const again = await rig.reopen({
    async whileClosed() {
      const intact = rig.fileSystem.contents(path);
      await rig.append([
        rig.row('ha-noi-temperature', may, change),
        rig.row('garden-temperature', june, erased),
      ]);
      const written = rig.fileSystem.contents(path);
      const begin = written.findIndex((byte, at) => byte !== intact[at]);
      await rig.append([rig.row('kathmandu-temperature', may, change)]);
      rig.flush();
      const damaged = rig.fileSystem.contents(path);
      damaged[begin + 60] = (damaged[begin + 60] ?? 0) ^ 0xff;
      rig.fileSystem.setContents(path, damaged);
    },
  });
  onTestFinished(() => again.close());
  const files = await filesWhen(again, (found) =>
    ['agency~weather', 'factory~weather'].every((dataset) =>
      found.some(
        (file) =>
          file['dataset'] === dataset &&
          file['month'] === '2024-05' &&
          !before.some(({ sha256 }) => sha256 === file['sha256']),
      ),
    ),
  );
  const csv = await csvOf(files, 'agency~weather', '2024-05');
  expect(csv).toBe(await apiCsv(again, mayQuery));
  expect(csv.match(/-7/g)).toHaveLength(2);
  expect(again.telemetry.value('quantrac_bulk_damaged_total')).toBe(1);
  expect(again.telemetry.value('quantrac_bulk_problem')).toBe(0);
});

test('the index states a cursor that can be followed, or says that there is none', async () => {
  const dayMs = 86_400_000;
  const rig = await open({ config: { feedHorizonMs: 30 * dayMs } });
  rig.setNow(july);
  await rig.publish(rowsOf(rig, june));
  await rig.publish(rowsOf(rig, july));
  rig.flush();
  await filesWhen(rig, (found) => months(found).length === 3);
  rig.setNow(july + 29 * dayMs);
  await rig.publish(rowsOf(rig, july + 600_000));
  const stated = await rig.get('/api/v1/files');
  const { cursor } = (await stated.json()) as { readonly cursor: string };
  expect(stated.headers.get('quantrac-cursor')).toBe(cursor);
  const changes = await rig.json(`/api/v1/changes?after=${cursor}`);
  expect(changes.changes.length).toBeGreaterThan(0);
  // The 31st day of the month, which has not ended: its first rows came in before the horizon.
  rig.setNow(july + 30 * dayMs + 3_600_000);
  await rig.publish(rowsOf(rig, july + 1_200_000));
  expect((await rig.get(`/api/v1/changes?after=${cursor}`)).status).toBe(410);
  const tag = stated.headers.get('etag') ?? '';
  const none = await rig.get('/api/v1/files', { 'if-none-match': tag });
  expect([none.status, await none.json()]).toMatchObject([200, { cursor: '', complete: true }]);
  expect((await rig.get('/api/v1/changes?after=')).status).toBe(400);
  expect(none.headers.get('quantrac-cursor')).toBeNull();
  expect(none.headers.get('quantrac-cursor-missing')).toBe('API_CURSOR_EXPIRED');
});
