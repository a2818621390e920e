/** What tests of files have in common: a server that makes them at once, and how they are found. */
import { setTimeout as wait } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { expect, onTestFinished } from 'vitest';
import { openTestApi, type TestApi, type TestApiOptions } from '../api.fixture.ts';

export const may = Date.parse('2024-05-10T00:00:00+07:00');
export const june = Date.parse('2024-06-10T00:00:00+07:00');
export const july = Date.parse('2024-07-02T00:00:00+07:00');
export const config = { bulkSettleHours: 0, bulkDebounceMs: 0, bulkRetryMs: 1 };

export async function open(options: TestApiOptions = {}): Promise<TestApi> {
  const rig = await openTestApi({ ...options, config: { ...config, ...options.config } });
  onTestFinished(() => rig.close());
  rig.setNow(july);
  return rig;
}

export type Listed = Record<string, unknown> & {
  readonly currentUrl: string;
  readonly url: string;
};

export async function filesOf(rig: TestApi, query = ''): Promise<readonly Listed[]> {
  return (await rig.json(`/api/v1/files${query}`)).items as Listed[];
}

/** The files, once they are as they are to be. */
export async function filesWhen(
  rig: TestApi,
  isRight: (files: readonly Listed[]) => boolean,
): Promise<readonly Listed[]> {
  for (;;) {
    const files = await filesOf(rig);
    if (isRight(files)) return files;
    await pause();
  }
}

export const pause = () => wait(20);

export const months = (files: readonly Listed[]) => [
  ...new Set(files.map((file) => `${String(file['dataset'])} ${String(file['month'])}`)),
];

export function find(
  files: readonly Listed[],
  dataset: string,
  month: string,
  format: string,
): Listed {
  const found = files.find(
    (file) => file['dataset'] === dataset && file['month'] === month && file['format'] === format,
  );
  if (found === undefined) throw new Error(`no ${format} of ${dataset} in ${month}`);
  return found;
}

export async function bytesOf(url: string): Promise<Buffer> {
  const answer = await fetch(url);
  expect(answer.status).toBe(200);
  return Buffer.from(await answer.arrayBuffer());
}

export const rowsOf = (rig: TestApi, ...ends: readonly number[]) =>
  ends.flatMap((end) => [
    rig.row('ha-noi-temperature', end),
    rig.row('kathmandu-temperature', end),
    rig.row('garden-temperature', end),
    rig.row('ha-noi-pm25', end),
    rig.row('hidden-temperature', end),
    rig.row('shared-temperature', end),
  ]);

export async function csvOf(
  files: readonly Listed[],
  dataset: string,
  month: string,
): Promise<string> {
  const { currentUrl } = find(files, dataset, month, 'csv.gz');
  return gunzipSync(await bytesOf(currentUrl)).toString();
}

export async function apiCsv(rig: TestApi, query: string): Promise<string> {
  const answer = await rig.get(`/api/v1/observations.csv?include=position&${query}`);
  expect(answer.status).toBe(200);
  return answer.text();
}

export const mayQuery =
  'property=air-temperature&owner=agency&from=2024-05-01T00:00:00%2B07:00&to=2024-06-01T00:00:00%2B07:00';
