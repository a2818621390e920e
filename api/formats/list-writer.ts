/** Lists in every format, from what a table says of each item. */
import { resultText } from '../../ingest/observations/public-row.ts';
import type { Format } from './format.ts';
import { createParquetTable } from './parquet-table.ts';
import type { Cell, ListEnd, ListWriter, Point, Table } from './table.ts';

/** The list is begin + write… + end; without `end` a reader can see that it was cut. */
export function createListWriter<Item>(format: Format, table: Table<Item>): ListWriter<Item> {
  switch (format) {
    case 'json':
      return createJoinedWriter('{"items":[', (item) => table.json(item));
    case 'geojson':
      return createJoinedWriter('{"type":"FeatureCollection","features":[', (item) =>
        featureText(table, item),
      );
    case 'ndjson':
      return createLinesWriter(table);
    case 'csv':
      // RFC 4180: CRLF behind each line. The end is told by the trailer.
      return {
        begin: () => [csvLine(table.columns)],
        write: (items) => textsOf(items, (item) => csvLine(table.cells(item))),
        end: () => [],
      };
    case 'parquet':
      return table.writers?.parquet?.() ?? createParquetTable(table);
    case 'jsonld':
    case 'covjson':
    case 'atom': {
      const open = table.writers?.[format];
      if (open !== undefined) return open();
    }
  }
  throw new Error(`a list was offered as ${format} without a writer for it`);
}

function createLinesWriter<Item>(table: Table<Item>): ListWriter<Item> {
  return {
    begin: () => [],
    write: (items) => textsOf(items, (item) => table.json(item) + '\n'),
    end: ({ next, cursor }) => [
      (next === null
        ? JSON.stringify({ complete: true, cursor })
        : JSON.stringify({ complete: false, next, cursor })) + '\n',
    ],
  };
}

/**
 * Of one chunk, and at most an item more: V8 keeps strings of more than 128 KiB apart, and each costs
 * more to be rid of.
 */
export const chunkCharacters = 32_768;

function* textsOf<Item>(
  items: readonly Item[],
  textOf: (item: Item) => string,
): Generator<string, void> {
  let text = '';
  for (const item of items) {
    text += textOf(item);
    if (text.length < chunkCharacters) continue;
    yield text;
    text = '';
  }
  if (text !== '') yield text;
}

/** One JSON object, whose last members tell that it is whole. */
export function createJoinedWriter<Item>(
  begin: string,
  textOf: (item: Item) => string,
): ListWriter<Item> {
  let isFirst = true;
  return {
    begin: () => [begin],
    write: (items) =>
      textsOf(items, (item) => {
        if (!isFirst) return ',' + textOf(item);
        isFirst = false;
        return textOf(item);
      }),
    end: (end) => [joinedEnd(end)],
  };
}

export function joinedEnd({ next, cursor }: ListEnd): string {
  return `],"next":${JSON.stringify(next)},"complete":${next === null},"cursor":"${cursor}"}`;
}

function featureText<Item>(table: Table<Item>, item: Item): string {
  const point = table.point(item);
  const geometry = point === null ? null : { type: 'Point', coordinates: coordinatesOf(point) };
  return (
    `{"type":"Feature","id":${JSON.stringify(table.id(item))},` +
    `"geometry":${JSON.stringify(geometry)},"properties":${table.json(item)}}`
  );
}

/** RFC 7946 §3.1.1: longitude, latitude, altitude above the ellipsoid where it is known. */
function coordinatesOf({ longitude, latitude, altitudeMetres }: Point): number[] {
  return altitudeMetres === undefined
    ? [longitude, latitude]
    : [longitude, latitude, altitudeMetres];
}

function csvLine(cells: readonly Cell[]): string {
  let line = '';
  for (let index = 0; index < cells.length; index++) {
    if (index > 0) line += ',';
    line += csvCell(cells[index]);
  }
  return line + '\r\n';
}

const needsQuotes = /[",\r\n]/;

/** RFC 4180; null and NaN are empty. */
export function csvCell(cell: Cell): string {
  if (cell === null || cell === undefined) return '';
  if (typeof cell === 'number') return Number.isNaN(cell) ? '' : resultText(cell);
  if (typeof cell === 'boolean') return String(cell);
  return needsQuotes.test(cell) ? '"' + cell.replaceAll('"', '""') + '"' : cell;
}
