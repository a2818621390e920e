/**
 * Rows of a file of a month read back from its Parquet, one row group after the other, as objects of
 * its columns: times are milliseconds UTC, numbers are numbers, what is empty is null.
 */
import { zstdDecompressSync } from 'node:zlib';

import {
  parquetMetadataAsync,
  parquetReadObjects,
  type AsyncBuffer,
  type FileMetaData,
} from 'hyparquet';

import { readWhole, type FileSystem } from '../../ingest/log/file-system.ts';

export interface FileRow {
  readonly id: string;
  readonly datastream: string;
  readonly station: string;
  readonly slug: string;
  readonly property: string;
  /** End and start, ms UTC. */
  readonly phenomenonTime: number;
  readonly phenomenonTimeStart: number;
  readonly resultTime: number | null;
  readonly receivedAt: number;
  readonly timeZone: string;
  readonly result: number | null;
  readonly unit: string;
  readonly flag: number;
  readonly tests: string;
  /** Names with spaces between. */
  readonly qualifiers: string;
  readonly reason: string | null;
  readonly revision: number;
  readonly latitude: number | null;
  readonly longitude: number | null;
  readonly heightMetres: number | null;
}

export interface MonthFile {
  readonly rows: number;
  /** Its key-value metadata: `quantrac.cursor` and more. */
  readonly metadata: Readonly<Record<string, string>>;
  groups(): AsyncGenerator<readonly FileRow[]>;
  close(): Promise<void>;
}

const compressors = {
  ZSTD: (input: Uint8Array, length: number): Uint8Array => {
    const output = zstdDecompressSync(input, { maxOutputLength: Math.max(1, length) });
    return new Uint8Array(output.buffer, output.byteOffset, output.length);
  },
};

/** Rejects where it is no Parquet, or not whole. */
export async function openMonthFile(fileSystem: FileSystem, path: string): Promise<MonthFile> {
  const opened = await fileSystem.open(path, 'read');
  try {
    const file: AsyncBuffer = {
      byteLength: await opened.size(),
      async slice(start, end) {
        const from = start < 0 ? file.byteLength + start : start;
        const bytes = Buffer.alloc((end ?? file.byteLength) - from);
        const length = await readWhole(opened, bytes, bytes.length, from);
        return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + length) as ArrayBuffer;
      },
    };
    const metadata = await parquetMetadataAsync(file);
    return {
      rows: Number(metadata.num_rows),
      metadata: metadataOf(metadata),
      groups: () => groupsOf(file, metadata),
      close: () => opened.close(),
    };
  } catch (error) {
    await opened.close();
    throw error;
  }
}

function metadataOf({ key_value_metadata: pairs = [] }: FileMetaData): Record<string, string> {
  return Object.fromEntries(pairs.map(({ key, value }) => [key, value ?? '']));
}

async function* groupsOf(
  file: AsyncBuffer,
  metadata: FileMetaData,
): AsyncGenerator<readonly FileRow[]> {
  let rowStart = 0;
  for (const group of metadata.row_groups) {
    const rowEnd = rowStart + Number(group.num_rows);
    const found = await parquetReadObjects({
      file,
      metadata,
      rowStart,
      rowEnd,
      compressors,
      parsers: plainTimes,
    });
    yield found.map(plainRow);
    rowStart = rowEnd;
  }
}

const milliseconds = (value: bigint): number => Number(value);

/** No `Date` for each time of each row. */
const plainTimes = { timestampFromMilliseconds: milliseconds } as const;

function plainRow(row: Record<string, unknown>): FileRow {
  return { ...row, revision: Number(row['revision']) } as unknown as FileRow;
}
