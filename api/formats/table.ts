/** A list of things in any format: what each item is in JSON, in CSV, and on the map. */
import type { Format } from './format.ts';

export interface Table<Item> {
  /** Of the CSV header. */
  readonly columns: readonly string[];
  /** The item as a JSON object. */
  json(item: Item): string;
  /** The item's values in order of `columns`; null and NaN are empty. */
  cells(item: Item): readonly Cell[];
  /** Of a GeoJSON feature. */
  id(item: Item): string;
  point(item: Item): Point | null;
}

export type Cell = string | number | boolean | null | undefined;

export interface Point {
  readonly longitude: number;
  readonly latitude: number;
  readonly altitudeMetres?: number | undefined;
}

interface ListEnd {
  /** Address of the next page, or null when this is all. */
  readonly next: string | null;
  /** Of the feed, at which the list was read. */
  readonly cursor: string;
}

export interface ListWriter<Item> {
  begin(): string;
  /** Text of the items, in order; call again with the next ones. */
  write(items: readonly Item[]): string;
  end(end: ListEnd): string;
}

/** The list's text is begin + write… + end; without `end` a reader can see that it was cut. */
export function createListWriter<Item>(format: Format, table: Table<Item>): ListWriter<Item> {
  switch (format) {
    case 'json':
      return createJoinedWriter('{"items":[', (item) => table.json(item));
    case 'geojson':
      return createJoinedWriter('{"type":"FeatureCollection","features":[', (item) =>
        featureText(table, item),
      );
    case 'ndjson':
      return {
        begin: () => '',
        write: (items) => items.map((item) => table.json(item) + '\n').join(''),
        end: ({ next, cursor }) =>
          (next === null
            ? JSON.stringify({ complete: true, cursor })
            : JSON.stringify({ complete: false, next, cursor })) + '\n',
      };
    case 'csv':
      // RFC 4180: CRLF behind each line. The end is told by the trailer.
      return {
        begin: () => csvLine(table.columns),
        write: (items) => items.map((item) => csvLine(table.cells(item))).join(''),
        end: () => '',
      };
  }
}

function createJoinedWriter<Item>(begin: string, textOf: (item: Item) => string): ListWriter<Item> {
  let isFirst = true;
  return {
    begin: () => begin,
    write(items) {
      if (items.length === 0) return '';
      const text = items.map(textOf).join(',');
      if (!isFirst) return ',' + text;
      isFirst = false;
      return text;
    },
    end: ({ next, cursor }) =>
      `],"next":${JSON.stringify(next)},"complete":${next === null},"cursor":"${cursor}"}`,
  };
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

function csvCell(cell: Cell): string {
  if (cell === null || cell === undefined) return '';
  if (typeof cell !== 'string') return Number.isNaN(cell) ? '' : String(cell);
  return needsQuotes.test(cell) ? '"' + cell.replaceAll('"', '""') + '"' : cell;
}
