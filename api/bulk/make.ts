/**
 * Makes the files of one month of one dataset: rows by datastream and time, read at one position, as
 * Parquet and as CSV under gzip in one pass, then what describes them. Each file is put in place
 * whole; the caller alone says, by its record of them, that they exist.
 */
import { createHash } from 'node:crypto';

import type { FileSystem } from '../../ingest/log/file-system.ts';
import type { ObservationRow } from '../../ingest/observation.ts';
import { openPublicRows, type SeriesContext } from '../../ingest/observations/public-row.ts';
import type { RangeQuery } from '../../ingest/store/store.ts';
import { createParquetRows } from '../formats/parquet-rows.ts';
import { createCsvFile } from './csv-file.ts';
import { describeCsv } from './csv-metadata.ts';
import { describePackage, type DescribedFile } from './data-package.ts';
import { spanOf } from './months.ts';
import { openPart, type Part, type WholePart } from './part.ts';
import type { FileFormat, NewFile } from './records.ts';
import { registryOf, type MonthTask } from './task.ts';

export interface MakeSurroundings {
  readonly fileSystem: FileSystem;
  /** Of all files that the API makes; paths of records are relative to it. */
  readonly folder: string;
  /** Rows at the one position that the task's cursor stands for. */
  readonly range: (
    query: RangeQuery,
  ) => readonly ObservationRow[] | Promise<readonly ObservationRow[]>;
}

/** Below the folder of files. */
export const bulkFolder = 'bulk';
const rowsPerRead = 8_192;
/** Rows of a row group of Parquet: about 20 MB of memory while it is filled. */
const rowsPerGroup = 131_072;
const versionCharacters = 16;

/** The files, current from when their records are kept; none where the month has no rows. */
export async function makeMonth(
  task: MonthTask,
  surroundings: MakeSurroundings,
): Promise<readonly NewFile[]> {
  const { fileSystem, folder } = surroundings;
  const place = `${bulkFolder}/${task.dataset}/${task.month}`;
  const directory = `${folder}/${place}`;
  await fileSystem.makeDirectory(directory);
  const parts: Part[] = [];
  const open = async (kind: string): Promise<Part> => {
    const part = await openPart(fileSystem, directory, kind);
    parts.push(part);
    return part;
  };
  try {
    const written = await writeRows(task, surroundings, open);
    if (written.rows === 0) return [];
    const files = await placeAll(task, written, { open, place });
    await fileSystem.syncDirectory(directory);
    return files;
  } finally {
    for (const part of parts) await part.discard();
  }
}

type OpenOne = (kind: string) => Promise<Part>;

interface Written {
  readonly parquet: WholePart;
  readonly csv: WholePart;
  readonly rows: number;
  /** Entries of the series that have rows. */
  readonly content: readonly string[];
  readonly firstAt: number;
  readonly lastAt: number;
}

async function writeRows(
  task: MonthTask,
  surroundings: MakeSurroundings,
  open: OpenOne,
): Promise<Written> {
  const rows = openPublicRows(registryOf(task));
  const parquetPart = await open('parquet');
  const csvPart = await open('csv');
  const parquet = createParquetRows({ rowsPerGroup, order: 'asc' });
  const csv = createCsvFile(csvPart);
  const content: string[] = [];
  let count = 0;
  let firstAt = Infinity;
  let lastAt = -Infinity;
  for (const [index, datastream] of task.datastreams.entries()) {
    const series = rows.context(datastream.series);
    if (series === undefined) continue;
    const before = count;
    for await (const page of pagesOf(task, series, surroundings)) {
      for (const bytes of parquet.write(series, page)) await parquetPart.write(bytes);
      await csv.write(series, page);
      count += page.length;
      firstAt = Math.min(firstAt, page[0]?.endAt ?? Infinity);
      lastAt = Math.max(lastAt, page.at(-1)?.endAt ?? -Infinity);
    }
    if (count > before) content.push(task.entries[index] ?? '');
  }
  for (const bytes of parquet.end(parquetMetadata(task))) await parquetPart.write(bytes);
  await csv.end();
  return {
    parquet: await parquetPart.finish(),
    csv: await csvPart.finish(),
    rows: count,
    content,
    firstAt,
    lastAt,
  };
}

async function* pagesOf(
  { month }: MonthTask,
  { datastream, time }: SeriesContext,
  { range }: MakeSurroundings,
): AsyncGenerator<readonly ObservationRow[]> {
  const { fromAt, toAt } = spanOf(month, time);
  let after: ObservationRow | undefined;
  for (;;) {
    const page = await range({
      series: datastream.series,
      fromAt,
      toAt,
      order: 'asc',
      limit: rowsPerRead,
      ...(after === undefined ? {} : { after }),
    });
    if (page.length > 0) yield page;
    if (page.length < rowsPerRead) return;
    after = page.at(-1);
  }
}

/** Equal content, equal bytes: nothing of when it was made. */
function parquetMetadata(task: MonthTask): Readonly<Record<string, string>> {
  return {
    'quantrac.dataset': task.dataset,
    'quantrac.month': task.month,
    'quantrac.cursor': task.cursor,
    'quantrac.licences': task.licences.map(({ uri }) => uri).join(' '),
    'quantrac.title': task.title.en,
    'quantrac.title.vi': task.title.vi,
  };
}

async function placeAll(
  task: MonthTask,
  written: Written,
  { open, place }: { readonly open: OpenOne; readonly place: string },
): Promise<readonly NewFile[]> {
  const version = versionOf(task, written);
  const names = namesOf(task, version);
  const files: NewFile[] = [];
  const keep = async (format: FileFormat, whole: WholePart): Promise<DescribedFile> => {
    const name = names[format];
    await whole.place(name);
    const { bytes, sha256 } = whole;
    files.push({
      dataset: task.dataset,
      month: task.month,
      version,
      format,
      name,
      path: `${place}/${name}`,
      bytes,
      sha256,
      rows: written.rows,
      cursor: task.cursor,
      madeAt: task.madeAt,
      registryVersion: task.registryVersion,
      licences: task.licences.map(({ uri }) => uri),
      content: written.content,
    });
    return { name, bytes, sha256 };
  };
  const describe = async (format: FileFormat, thing: object): Promise<DescribedFile> => {
    const part = await open(format);
    await part.write(Buffer.from(`${JSON.stringify(thing, null, 2)}\n`));
    return keep(format, await part.finish());
  };
  const parquet = await keep('parquet', written.parquet);
  const csv = await keep('csv.gz', written.csv);
  const csvw = await describe('csvw', describeCsv(task, csv.name));
  const { rows, firstAt, lastAt } = written;
  await describe(
    'datapackage',
    describePackage(task, { version, rows, firstAt, lastAt, files: { parquet, csv, csvw } }),
  );
  return files;
}

/**
 * Of all bytes that are named by it: of the rows, and of what describes them but for their names,
 * which hold it. So what describes the same rows otherwise, or later, has another name.
 */
function versionOf(task: MonthTask, written: Written): string {
  const { rows, firstAt, lastAt, parquet, csv } = written;
  const csvw = { name: '', bytes: 0, sha256: '' };
  const files = { parquet: unnamed(parquet), csv: unnamed(csv), csvw };
  const described = [
    describeCsv(task, ''),
    describePackage(task, { version: '', rows, firstAt, lastAt, files }),
  ];
  return createHash('sha256')
    .update(JSON.stringify(described))
    .digest('hex')
    .slice(0, versionCharacters);
}

function unnamed({ bytes, sha256 }: WholePart): DescribedFile {
  return { name: '', bytes, sha256 };
}

/** With the version: under one name there are never two contents. */
function namesOf(
  { dataset, month }: MonthTask,
  version: string,
): Readonly<Record<FileFormat, string>> {
  const stem = `${dataset}_${month}.${version}`;
  return {
    parquet: `${stem}.parquet`,
    'csv.gz': `${stem}.csv.gz`,
    csvw: `${stem}.csv-metadata.json`,
    datapackage: `datapackage.${version}.json`,
  };
}

/** The same without the version: whatever is current. */
export function currentName(dataset: string, month: string, format: FileFormat): string {
  const stem = `${dataset}_${month}`;
  if (format === 'datapackage') return 'datapackage.json';
  return format === 'csvw' ? `${stem}.csv-metadata.json` : `${stem}.${format}`;
}
