/** What is asked of InfluxDB, as InfluxQL: 1.8 and 2.x answer it alike, and end a read at its limit. */
import { influxError } from './errors.ts';
import type { Table } from './connection.ts';
import { splitOverflow } from './lines.ts';
import { createRowReader, type ToldRow } from './row-text.ts';
import { endAtMax, millisecondsOf, ordinalOf, timeText } from './schema.ts';

export interface PointQuery {
  readonly measurement: string;
  readonly series: number;
  /** On the end of phenomenonTime: from inclusive, to exclusive. */
  readonly fromAt: number;
  readonly toAt: number;
  readonly order: 'asc' | 'desc';
  readonly limit: number;
}

export function selectPoints(query: PointQuery): string {
  const from = timeText(inside(query.fromAt), 0);
  const to = timeText(inside(query.toAt), 0);
  return `${selectSeries(query.measurement, query.series)} AND time >= ${from} AND time < ${to} ORDER BY time ${query.order} LIMIT ${query.limit}`;
}

export function selectOverflow(measurement: string, series: number, limit: number): string {
  return `${selectSeries(measurement, series)} LIMIT ${limit}`;
}

/** The last point of each tag set: of each (interval, height) of each series. */
export function selectLast(measurement: string, series: readonly number[]): string {
  return `SELECT last("row") AS "row" FROM "${measurement}" WHERE ${anyOf(series)} GROUP BY *`;
}

/** One table for each series that has rows in the overflow. */
export function countOverflow(measurement: string, series: readonly number[]): string {
  return `SELECT count("row") FROM "${measurement}" WHERE ${anyOf(series)} GROUP BY "series"`;
}

function anyOf(series: readonly number[]): string {
  const from = timeText(-endAtMax, 0);
  const to = timeText(endAtMax, 0);
  const named = series.map((one) => `"series" = '${one}'`).join(' OR ');
  return `(${named}) AND time >= ${from} AND time < ${to}`;
}

function selectSeries(measurement: string, series: number): string {
  return `SELECT "row" FROM "${measurement}" WHERE "series" = '${series}'`;
}

function inside(ms: number): number {
  return Math.ceil(Math.max(-endAtMax, Math.min(endAtMax + 1, ms)));
}

export function showSeries(measurement: string): string {
  return `SHOW TAG VALUES FROM "${measurement}" WITH KEY = "series"`;
}

export function seriesOf(tables: readonly Table[]): number[] {
  return tables.flatMap(({ columns, values }) => {
    const place = columns.indexOf('value');
    return values.map((row) => Number(row[place]));
  });
}

/** Of tables that are grouped by it. */
export function seriesOfTables(tables: readonly Table[]): number[] {
  return tables.map(({ tags }) => Number(tags['series']));
}

/** Points become rows again. */
export interface PointReader {
  /** Rows of a measurement other than the overflow, in the order of the points. */
  points(tables: readonly Table[], series: number): ToldRow[];
  overflow(tables: readonly Table[], series: number): ToldRow[];
  /** Rows of tables that are grouped by series. */
  lasts(tables: readonly Table[]): ToldRow[];
}

export function createPointReader(): PointReader {
  const reader = createRowReader();

  function pointOf(nanoseconds: unknown, text: string, series: number): ToldRow {
    // The revision in the text tells the ordinal, and that the end.
    const revision = Number(text.split('|', 3)[2]);
    const endAt = millisecondsOf(Number(nanoseconds), ordinalOf({ revision }));
    return reader.read(text, { series, endAt });
  }

  function points(tables: readonly Table[], series: number): ToldRow[] {
    return textsOf(tables).map(([time, text]) => pointOf(time, text, series));
  }

  return {
    points,
    lasts: (tables) => tables.flatMap((table) => points([table], Number(table.tags['series']))),
    overflow: (tables, series) =>
      textsOf(tables).map(([, whole]) => {
        const { endAt, text } = splitOverflow(whole);
        return reader.read(text, { series, endAt });
      }),
  };
}

function textsOf(tables: readonly Table[]): (readonly [time: unknown, text: string])[] {
  return tables.flatMap(({ columns, values }) => {
    const time = columns.indexOf('time');
    const text = columns.indexOf('row');
    return values.map((row) => {
      const found = row[text];
      if (typeof found !== 'string') throw influxError('INFLUX_ROW', { columns });
      return [row[time], found] as const;
    });
  });
}
