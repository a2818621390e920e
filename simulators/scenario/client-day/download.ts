/** Files of a dataset's month: found in its list, proved by their hashes, read, and held against rows. */
import { gunzipSync } from 'node:zlib';
import { sleep, type Clock } from '../../../devices/clock.ts';
import type { Beginning } from './follower.ts';
import { spanOf, type Month } from './months.ts';
import { BrokenPromise, keep } from './promise.ts';
import {
  differenceOfCsv,
  differenceOfParquet,
  csvAsRows,
  parquetRows,
  readRows,
  type Row,
  type Rows,
} from './rows.ts';
import { sha256Of, type Wire } from './wire.ts';

export interface ListedFile {
  readonly month: string;
  readonly format: string;
  readonly url: string;
  readonly sha256: string;
  readonly bytes: number;
  readonly rows: number;
  readonly cursor: string;
  readonly version: string;
  readonly licences: readonly string[];
}

export interface FileList {
  readonly items: readonly ListedFile[];
  /** All files and the changes from here on are all rows. */
  readonly cursor: string;
}

export interface Dataset {
  readonly wire: Wire;
  readonly clock: Clock;
  readonly filesUrl: string;
  readonly observations: string;
}

export interface MonthDownload {
  readonly parquet: ListedFile;
  readonly csv: ListedFile;
  /** As the list of rows has them, with which both files agree. */
  readonly rows: Rows;
}

/** The bytes that a hash is of, fetched in two halves as after a break. */
export async function download(
  wire: Wire,
  file: Pick<ListedFile, 'url' | 'sha256' | 'bytes'>,
): Promise<Buffer> {
  const { url, sha256 } = file;
  const half = file.bytes >> 1;
  const first = await wire.ask(url, { headers: { range: `bytes=0-${half - 1}` } });
  const etag = first.headers.get('etag') ?? '';
  const second = await wire.ask(url, { headers: { range: `bytes=${half}-`, 'if-range': etag } });
  const statuses = [first.status, second.status];
  keep('files are given in ranges', String(statuses) === '206,206', () => [url, statuses]);
  const bytes = Buffer.concat([first.bytes, second.bytes]);
  const found = sha256Of(bytes);
  keep('a file has the SHA-256 of the index', found === sha256, () => ({ ...file, found }));
  return bytes;
}

export function listFiles({ wire, filesUrl }: Dataset, month?: Month): Promise<FileList> {
  return wire.json(month === undefined ? filesUrl : `${filesUrl}?month=${month.name}`);
}

const madeWithinMs = 60_000;
const lookAgainMs = 250;

/**
 * Both files of the month, once they hold all of its rows: a month is made anew a little after a late
 * change. Whatever they hold by then, each must have its hash, or be gone when it is asked for.
 */
export async function downloadMonth(dataset: Dataset, month: Month): Promise<MonthDownload> {
  const { wire, clock, observations } = dataset;
  const untilMs = clock.monotonicMs() + madeWithinMs;
  let last: unknown;
  while (clock.monotonicMs() < untilMs) {
    const { items } = await listFiles(dataset, month);
    const parquet = items.find(({ format }) => format === 'parquet');
    const csv = items.find(({ format }) => format === 'csv.gz');
    if (parquet !== undefined && csv !== undefined) {
      const { rows } = await readRows(wire, `${observations}&${spanOf(month)}`);
      const table = await parquetRows(await download(wire, parquet));
      const text = gunzipSync(await download(wire, csv)).toString();
      const differs = differenceOfParquet(table, rows) ?? differenceOfCsv(text, rows);
      if (differs === undefined) return { parquet, csv, rows };
      last = differs;
    }
    await sleep(clock, lookAgainMs);
  }
  throw new BrokenPromise('the files of a month come to say what its rows say', last);
}

/** The Data Package of the month names both files by the hashes that the list gives them. */
export async function requirePackage(dataset: Dataset, month: Month): Promise<void> {
  const { items } = await listFiles(dataset, month);
  const file = items.find(({ format }) => format === 'datapackage');
  keep('a month has its Data Package', file !== undefined, () => items);
  const { resources } = JSON.parse((await download(dataset.wire, file)).toString()) as {
    readonly resources: readonly { readonly hash: string; readonly bytes: number }[];
  };
  for (const { format, sha256, bytes } of items.slice(0, 2)) {
    const isNamed = resources.some(
      (each) => each.hash === `sha256:${sha256}` && each.bytes === bytes,
    );
    keep('a Data Package names its files by their hashes', isNamed, () => [format, resources]);
  }
}

/** Every file of the dataset, and where changes go on from; as one who has nothing begins. */
export async function beginWithFiles(dataset: Dataset): Promise<Beginning> {
  const { wire } = dataset;
  for (;;) {
    const list = await listFiles(dataset);
    const rows = new Map<string, Row>();
    let isGone = false;
    for (const { url, format } of list.items) {
      if (format !== 'csv.gz') continue;
      const { status, bytes } = await wire.ask(url);
      isGone = status === 404;
      if (isGone) break;
      keep('a listed file can be had', status === 200, () => [url, status, bytes.toString()]);
      for (const row of csvAsRows(gunzipSync(bytes).toString())) rows.set(row.id, row);
    }
    // Closed to us in between: the list is another by now.
    if (!isGone) return { rows, cursor: list.cursor };
  }
}
