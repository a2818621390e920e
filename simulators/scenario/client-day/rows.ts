/** Rows as lists, changes, Parquet and CSV give them, and whether they say the same. */
import { zstdDecompressSync } from 'node:zlib';
import { parquetReadObjects } from 'hyparquet';
import { keep } from './promise.ts';
import type { Wire } from './wire.ts';

export interface Row {
  readonly id: string;
  readonly datastream: string;
  readonly phenomenonTime: string;
  readonly revision: number;
  readonly [name: string]: unknown;
}

export type Rows = ReadonlyMap<string, Row>;

/** All pages of a list. */
export async function readRows(
  wire: Wire,
  url: string,
): Promise<{ readonly rows: Rows; readonly cursor: string }> {
  const rows = new Map<string, Row>();
  let cursor: string | undefined;
  for (let page: string | null = url; page !== null;) {
    const given: { items: Row[]; next: string | null; complete: boolean; cursor: string } =
      await wire.json(page);
    for (const row of given.items) {
      keep('a list has no row twice', !rows.has(row.id), () => [page, row]);
      rows.set(row.id, row);
    }
    const isWhole = given.complete === (given.next === null);
    keep('a list says whether it is complete', isWhole, () => [page, given.complete, given.next]);
    cursor ??= given.cursor;
    keep('all pages of a list are of one cursor', given.cursor === cursor, () => [page, cursor]);
    page = given.next;
  }
  return { rows, cursor: cursor ?? '' };
}

/** The moment of the row's phenomenon time, its end where it is an interval. */
export function endOf({ phenomenonTime }: Row): number {
  return Date.parse(phenomenonTime.split('/').at(-1) ?? '');
}

/** The first few rows that differ, each as both say it. */
export function differences(left: Rows, right: Rows): readonly object[] {
  const ids = new Set([...left.keys(), ...right.keys()]);
  return [...ids]
    .filter((id) => JSON.stringify(left.get(id)) !== JSON.stringify(right.get(id)))
    .slice(0, 3)
    .map((id) => ({ left: left.get(id) ?? null, right: right.get(id) ?? null }));
}

export async function parquetRows(bytes: Buffer): Promise<readonly Record<string, unknown>[]> {
  const { buffer, byteOffset, byteLength } = bytes;
  return parquetReadObjects({
    file: (buffer as ArrayBuffer).slice(byteOffset, byteOffset + byteLength),
    compressors: { ZSTD: (input) => zstdDecompressSync(input) },
  });
}

const instants = new Set(['resultTime', 'receivedAt']);

/** The first row of Parquet that does not say what the list says, or undefined. */
export function differenceOfParquet(
  table: readonly Record<string, unknown>[],
  rows: Rows,
): object | undefined {
  if (table.length !== rows.size) return { parquet: table.length, list: rows.size };
  return table.find((cells) => {
    const row = rows.get(String(cells['id']));
    if (row === undefined || Number(cells['phenomenonTime']) !== endOf(row)) return true;
    return Object.entries(row).some(([name, value]) => {
      if (name === 'phenomenonTime') return false;
      const cell = cells[name];
      if (instants.has(name)) {
        return (cell ?? null) === null
          ? value !== null
          : Number(cell) !== Date.parse(cellOf(value));
      }
      const isNumber = typeof value === 'number';
      if (isNumber && typeof cell !== 'number' && typeof cell !== 'bigint') return true;
      return cellOf(value) !== cellOf(cell ?? null);
    });
  });
}

/** The first line of CSV that does not say what the list says, or undefined. */
export function differenceOfCsv(text: string, rows: Rows): object | undefined {
  const [names = [], ...table] = readCsv(text);
  if (table.length !== rows.size) return { csv: table.length, list: rows.size };
  const wrong = table.find((cells) => {
    const row = rows.get(cells[names.indexOf('id')] ?? '');
    if (row === undefined) return true;
    return Object.entries(row).some(
      ([name, value]) => cells[names.indexOf(name)] !== cellOf(value),
    );
  });
  return wrong;
}

function cellOf(value: unknown): string {
  if (Array.isArray(value)) return value.join(' ');
  return typeof value === 'object' || value === undefined ? '' : `${value as string | number}`;
}

const numbers = new Set(['result', 'flag', 'revision']);
/** Columns that a file has beside those of a list. */
const places = new Set(['latitude', 'longitude', 'heightMetres']);

/** The rows of a CSV file as the list has them. */
export function csvAsRows(text: string): readonly Row[] {
  const [names = [], ...table] = readCsv(text);
  return table.map((cells) => {
    const entries = names.flatMap((name, index) =>
      places.has(name) ? [] : [[name, valueOf(name, cells[index] ?? '')] as const],
    );
    return Object.fromEntries(entries) as unknown as Row;
  });
}

function valueOf(name: string, cell: string): unknown {
  if (name === 'qualifiers') return cell === '' ? [] : cell.split(' ');
  if (cell === '') return null;
  return numbers.has(name) ? Number(cell) : cell;
}

/** RFC 4180. */
function readCsv(text: string): readonly (readonly string[])[] {
  const table: string[][] = [[]];
  for (const [, quoted, bare, end] of text.matchAll(
    /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|$)/g,
  )) {
    if (end === '' && quoted === undefined && bare === '') break;
    table.at(-1)?.push(quoted?.replaceAll('""', '"') ?? bare ?? '');
    if (end === '\r\n') table.push([]);
  }
  return table.filter((cells) => cells.length > 0);
}
