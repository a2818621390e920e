/**
 * Any list as Parquet, typed by what its columns mean. A period becomes two columns: its end under
 * its own name, by which things are named and sorted, and its start under `…Start`.
 */
import { meaningOf, type ColumnType } from './columns.ts';
import {
  createBooleanColumn,
  createNumberColumn,
  createTextColumn,
  type ParquetColumn,
} from './parquet-columns.ts';
import { createParquetFile, type ParquetFile } from './parquet-file.ts';
import type { Cell, Chunk, ListEnd, ListWriter, Table } from './table.ts';

/** Rows of a row group of an answer: a few megabytes in memory, a few milliseconds to encode. */
export const rowsPerGroup = 16_384;

interface CellColumn {
  readonly columns: readonly ParquetColumn[];
  push(cell: Cell): void;
}

export function createParquetTable<Item>(table: Table<Item>): ListWriter<Item> {
  const cellColumns = table.columns.map(createCellColumn);
  const columns = cellColumns.flatMap((each) => each.columns);
  const file = createParquetFile({ fields: columns.map(({ field }) => field), sortedBy: [] });
  const licences = new Set<string>();
  let held = 0;

  function* write(items: readonly Item[]): Generator<Chunk> {
    for (const item of items) {
      const licence = table.licence?.(item);
      if (licence !== undefined) licences.add(licence);
      for (const [at, cell] of table.cells(item).entries()) cellColumns[at]?.push(cell);
      held += 1;
      if (held < rowsPerGroup) continue;
      yield* groupOf(file, columns);
      held = 0;
    }
  }

  function* end(listEnd: ListEnd): Generator<Chunk> {
    if (held > 0) yield* groupOf(file, columns);
    yield file.end(metadataOf(listEnd, licences));
  }

  return { begin: () => [file.begin()], write, end };
}

/** Key-value metadata of every Parquet file: what the end of a JSON list says, and the terms. */
export function metadataOf(
  { next, cursor }: ListEnd,
  licences: ReadonlySet<string>,
): Record<string, string> {
  return {
    cursor,
    complete: String(next === null),
    ...(next === null ? {} : { next }),
    ...(licences.size === 0 ? {} : { licence: [...licences].sort().join(' ') }),
  };
}

function* groupOf(file: ParquetFile, columns: readonly ParquetColumn[]): Generator<Uint8Array> {
  for (const column of columns) yield file.column(column.encode());
  file.endGroup();
}

function createCellColumn(name: string): CellColumn {
  const type: ColumnType = meaningOf(name).type;
  switch (type) {
    case 'text': {
      const column = createTextColumn(name, true);
      return { columns: [column], push: (cell) => column.push(textOf(cell), 1) };
    }
    case 'boolean': {
      const column = createBooleanColumn(name, true);
      return {
        columns: [column],
        push: (cell) => column.push(typeof cell === 'boolean' ? cell : null),
      };
    }
    case 'instant':
    case 'period':
      return createTimeCells(name, type === 'period');
    case 'integer':
    case 'number': {
      const column = createNumberColumn(name, type, true);
      return {
        columns: [column],
        push: (cell) => column.push(typeof cell === 'number' ? cell : NaN),
      };
    }
  }
}

function createTimeCells(name: string, isPeriod: boolean): CellColumn {
  const end = createNumberColumn(name, 'instant', true);
  const start = isPeriod ? createNumberColumn(`${name}Start`, 'instant', true) : undefined;
  return {
    columns: start === undefined ? [end] : [end, start],
    push(cell) {
      const [begin = '', until = begin] = typeof cell === 'string' ? cell.split('/') : [];
      end.push(Date.parse(until));
      start?.push(Date.parse(begin));
    },
  };
}

function textOf(cell: Cell): string | null {
  return cell === null || cell === undefined || Number.isNaN(cell) ? null : String(cell);
}
