/** A list of things in any format: what each item is in JSON, in CSV, and on the map. */

export interface Table<Item> {
  /** Of the CSV header; `columns.ts` says what they mean. */
  readonly columns: readonly string[];
  /** Columns that together name an item, where `id` alone does not. */
  readonly key?: readonly string[];
  /** The item as a JSON object. */
  json(item: Item): string;
  /** The item's values in order of `columns`; null and NaN are empty. */
  cells(item: Item): readonly Cell[];
  /** Of a GeoJSON feature. */
  id(item: Item): string;
  point(item: Item): Point | null;
  /** Address of the terms of the item's data; none where data have none. */
  licence?(item: Item): string | undefined;
  /** Formats that are more than columns; a list offers those that its table has. */
  readonly writers?: { readonly [Name in OwnFormat]?: () => ListWriter<Item> };
}

type OwnFormat = 'jsonld' | 'parquet' | 'covjson' | 'atom';

export type Cell = string | number | boolean | null | undefined;

export interface Point {
  readonly longitude: number;
  readonly latitude: number;
  readonly altitudeMetres?: number | undefined;
}

export interface ListEnd {
  /** Address of the next page, or null when this is all. */
  readonly next: string | null;
  /** Of the feed, at which the list was read. */
  readonly cursor: string;
}

/** Text, or bytes of a binary format. */
export type Chunk = string | Uint8Array;

export interface ListWriter<Item> {
  begin(): Iterable<Chunk>;
  /** Chunks of the items, in order; call again with the next ones. Others may run between chunks. */
  write(items: readonly Item[]): Iterable<Chunk>;
  end(end: ListEnd): Iterable<Chunk>;
}
