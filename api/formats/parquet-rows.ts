/**
 * Rows of observations as a Parquet file, series by series. It needs nothing but the rows and what
 * the registry says of their series, so it runs in any thread.
 *
 *   id, datastream, station, slug, property   text
 *   phenomenonTime, phenomenonTimeStart       TIMESTAMP ms UTC: the end, by which rows are named and
 *                                             sorted, and the start, equal to it for an instant
 *   resultTime (null: none), receivedAt       TIMESTAMP ms UTC
 *   timeZone                                  of the station
 *   result                                    DOUBLE, null with flag 9 and a reason
 *   unit, flag (INT32), tests, qualifiers (names with spaces between), reason, revision (INT32)
 *   latitude, longitude, heightMetres         the row's own place, null where it has none
 *   ageSeconds, stale                         of the newest rows
 *   rawName, rawValue, rawUnit, rawTime       on request
 */
import { ageSecondsOf, isStale, type SeriesContext } from '../../ingest/observations/public-row.ts';
import { publicPlace } from '../../ingest/observations/public-place.ts';
import type { ObservationRow, Verdict } from '../../ingest/observation.ts';
import { namesOf } from '../../ingest/quality.ts';
import {
  createBooleanColumn,
  createFlagColumn,
  createIdColumn,
  createNumberColumn,
  createTextColumn,
  type ParquetColumn,
} from './parquet-columns.ts';
import { createParquetFile } from './parquet-file.ts';

export interface ParquetRowsOptions {
  /** Rows of a row group: held in memory, about 150 bytes each, until it is full. */
  readonly rowsPerGroup: number;
  /** Order of the rows within a datastream; null: by datastream alone. */
  readonly order: 'asc' | 'desc' | null;
  /** Age and staleness at this moment, in ms UTC. */
  readonly latestAt?: number | undefined;
  readonly withRaw?: boolean | undefined;
}

/** Every generator gives bytes of the file; its caller may pause between any two. */
export interface ParquetRows {
  /** Rows of one series. Takes them all before it gives its last bytes. */
  write(
    series: SeriesContext,
    rows: readonly ObservationRow[],
  ): Generator<Uint8Array, void, undefined>;
  /** The rest, and what makes the file whole; `metadata` becomes its key-value metadata. */
  end(metadata: Readonly<Record<string, string>>): Generator<Uint8Array, void, undefined>;
}

export function createParquetRows(options: ParquetRowsOptions): ParquetRows {
  const filler = createFiller(options);
  const names = filler.columns.map((column) => column.field.name);
  const file = createParquetFile({
    fields: filler.columns.map((column) => column.field),
    sortedBy: [
      { field: names.indexOf('datastream'), isDescending: false },
      ...(options.order === null
        ? []
        : [{ field: names.indexOf('phenomenonTime'), isDescending: options.order === 'desc' }]),
    ],
  });
  let held = 0;
  let hasBegun = false;

  function* begin(): Generator<Uint8Array, void, undefined> {
    if (!hasBegun) yield file.begin();
    hasBegun = true;
  }

  function* group(): Generator<Uint8Array, void, undefined> {
    if (held === 0) return;
    for (const column of filler.columns) yield file.column(column.encode());
    file.endGroup();
    held = 0;
  }

  return {
    *write(series, rows) {
      yield* begin();
      for (let at = 0; at < rows.length;) {
        const end = Math.min(rows.length, at + options.rowsPerGroup - held);
        filler.fill(series, at === 0 && end === rows.length ? rows : rows.slice(at, end));
        held += end - at;
        at = end;
        if (held === options.rowsPerGroup) yield* group();
      }
    },
    *end(metadata) {
      yield* begin();
      yield* group();
      yield file.end(metadata);
    },
  };
}

interface Filler {
  readonly columns: readonly ParquetColumn[];
  fill(series: SeriesContext, rows: readonly ObservationRow[]): void;
}

function createFiller({ latestAt, withRaw = false }: ParquetRowsOptions): Filler {
  const id = createIdColumn('id');
  const constant = createConstantColumns();
  const judged = createJudgedColumns();
  const time = createTimeColumns();
  const result = createNumberColumn('result', 'number', true);
  const revision = createFlagColumn('revision');
  const place = createPlaceColumns();
  const latest = latestAt === undefined ? null : createLatestColumns(latestAt);
  const raw = withRaw ? createRawColumns() : null;
  return {
    columns: [
      id,
      ...constant.first,
      ...time.columns,
      ...constant.zone,
      result,
      ...constant.unit,
      ...judged.columns,
      revision,
      ...place.columns,
      ...(latest?.columns ?? []),
      ...(raw?.columns ?? []),
    ],
    fill(series, rows) {
      constant.fill(series, rows.length);
      judged.fill(rows);
      for (const row of rows) {
        id.push(series.id(row));
        time.fill(row);
        result.push(row.result ?? NaN);
        revision.push(row.revision, 1);
        place.fill(row, series);
      }
      if (latest !== null) for (const row of rows) latest.fill(row, series);
      if (raw !== null) for (const row of rows) raw.fill(row);
    },
  };
}

/** What all rows of a series have in common. */
function createConstantColumns() {
  const datastream = createTextColumn('datastream');
  const station = createTextColumn('station');
  const slug = createTextColumn('slug');
  const property = createTextColumn('property');
  const timeZone = createTextColumn('timeZone');
  const unit = createTextColumn('unit');
  return {
    first: [datastream, station, slug, property],
    zone: [timeZone],
    unit: [unit],
    fill(series: SeriesContext, rows: number): void {
      datastream.push(series.datastream.id, rows);
      station.push(series.station.id, rows);
      slug.push(series.datastream.slug, rows);
      property.push(series.datastream.property, rows);
      timeZone.push(series.station.timeZone, rows);
      unit.push(series.unit, rows);
    },
  };
}

/** What comes of the verdict, of which many rows in a row have the same one. */
function createJudgedColumns() {
  const flag = createFlagColumn('flag');
  const tests = createTextColumn('tests');
  const qualifiers = createTextColumn('qualifiers');
  const reason = createTextColumn('reason', true);
  const names = new Map<number, string>();
  const push = (verdict: Verdict, rows: number) => {
    let qualified = names.get(verdict.qualifiers);
    if (qualified === undefined) {
      qualified = namesOf(verdict.qualifiers).join(' ');
      names.set(verdict.qualifiers, qualified);
    }
    flag.push(verdict.flag, rows);
    tests.push(verdict.tests, rows);
    qualifiers.push(qualified, rows);
    reason.push(verdict.reason, rows);
  };
  return {
    columns: [flag, tests, qualifiers, reason],
    fill(rows: readonly ObservationRow[]): void {
      let begin = 0;
      for (let at = 1; at <= rows.length; at++) {
        const verdict = rows[begin]?.verdict;
        if (verdict === undefined || rows[at]?.verdict === verdict) continue;
        push(verdict, at - begin);
        begin = at;
      }
    },
  };
}

function createTimeColumns() {
  const end = createNumberColumn('phenomenonTime', 'instant');
  const start = createNumberColumn('phenomenonTimeStart', 'instant');
  const result = createNumberColumn('resultTime', 'instant', true);
  const received = createNumberColumn('receivedAt', 'instant');
  return {
    columns: [end, start, result, received],
    fill(row: ObservationRow): void {
      end.push(row.endAt);
      start.push(row.startAt);
      result.push(row.resultAt);
      received.push(row.receivedAt);
    },
  };
}

function createPlaceColumns() {
  const latitude = createNumberColumn('latitude', 'number', true);
  const longitude = createNumberColumn('longitude', 'number', true);
  const height = createNumberColumn('heightMetres', 'number', true);
  return {
    columns: [latitude, longitude, height],
    fill(row: ObservationRow, { station }: SeriesContext): void {
      const hasPlace = row.latitude === row.latitude && row.longitude === row.longitude;
      const place = hasPlace
        ? publicPlace(row.latitude, row.longitude, station.publicPrecisionMetres)
        : undefined;
      latitude.push(place?.latitude ?? NaN);
      longitude.push(place?.longitude ?? NaN);
      height.push(row.heightMm / 1000);
    },
  };
}

function createLatestColumns(latestAt: number) {
  const age = createNumberColumn('ageSeconds', 'integer');
  const stale = createBooleanColumn('stale');
  return {
    columns: [age, stale],
    fill(row: ObservationRow, { datastream }: SeriesContext): void {
      age.push(ageSecondsOf(row, latestAt));
      stale.push(isStale(row, datastream, latestAt));
    },
  };
}

function createRawColumns() {
  const name = createTextColumn('rawName');
  const value = createTextColumn('rawValue', true);
  const unit = createTextColumn('rawUnit', true);
  const time = createTextColumn('rawTime', true);
  return {
    columns: [name, value, unit, time],
    fill({ raw }: ObservationRow): void {
      name.push(raw.name, 1);
      value.push(raw.value, 1);
      unit.push(raw.unit, 1);
      time.push(raw.time, 1);
    },
  };
}
