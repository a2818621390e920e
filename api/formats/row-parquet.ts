import type { ObservationRow } from '../../ingest/observation.ts';
import type { SeriesContext } from '../../ingest/observations/public-row.ts';
import { createParquetRows, type ParquetRowsOptions } from './parquet-rows.ts';
import { metadataOf, rowsPerGroup } from './parquet-table.ts';
import type { Chunk, ListEnd, ListWriter } from './table.ts';

export interface RowParquetOptions extends Omit<ParquetRowsOptions, 'rowsPerGroup'> {
  readonly contextOf: (row: ObservationRow) => SeriesContext;
  readonly licenceOf: (row: ObservationRow) => string | undefined;
}

/** Rows as they come, series by series. */
export function createRowParquet(options: RowParquetOptions): ListWriter<ObservationRow> {
  const { contextOf, licenceOf } = options;
  const file = createParquetRows({ ...options, rowsPerGroup });
  const licences = new Set<string>();
  let lastSeries = -1;

  function note(row: ObservationRow): void {
    if (row.series === lastSeries) return;
    lastSeries = row.series;
    const licence = licenceOf(row);
    if (licence !== undefined) licences.add(licence);
  }

  function* write(rows: readonly ObservationRow[]): Generator<Chunk> {
    for (let begin = 0; begin < rows.length;) {
      const first = rows[begin];
      if (first === undefined) return;
      let end = begin + 1;
      while (rows[end]?.series === first.series) end += 1;
      note(first);
      const some = begin === 0 && end === rows.length ? rows : rows.slice(begin, end);
      yield* file.write(contextOf(first), some);
      begin = end;
    }
  }

  return {
    begin: () => [],
    write,
    end: (end: ListEnd) => file.end(metadataOf(end, licences)),
  };
}
