/**
 * How observations stand in InfluxDB. One row of `observations` is one point, and a point never
 * changes: written again by whoever it may be, however late, it is the same point. So a sink may
 * repeat and stall as it likes, and a reader takes the greatest revision up to its position.
 *
 *   <name>             rows that are or were current
 *   <name>_superseded  rows that were superseded on arrival
 *   <name>_overflow    the few rows that a rule below keeps out of the two
 *   <name>_view        `format`, a version of this schema, at as many nanoseconds
 *
 * A point of the first two:
 *   time    end of the phenomenon time in ms; the digits below the millisecond are the row's ordinal:
 *           its revision, of superseded rows −1 − revision. Bound: 1,000,000 of a key
 *   tags    what names the series and never changes (the registry refuses such a change), and what
 *           else tells keys of one end apart:
 *             datastream, property, station, series   one set for each datastream
 *             span     length of the interval in ms, 0 for an instant
 *             height   own height in mm; none where it has none
 *   fields  row      the whole row as text (`row-text.ts`): the one field that we read ourselves
 *           result   float, for dashboards; none where the result is null
 *           flag     integer, for dashboards
 *
 * One field holds the row because each field is a column of its own for every series: thirty would
 * be thirty times the index entries and writes (InfluxData advise one node up to 750,000 field writes
 * a second), and reading one row back would join thirty columns.
 *
 * Cardinality. Series of a measurement = Σ over datastreams of their distinct (span, height). A device
 * may send any interval and any height, so a datastream is given at most `shapesMax` pairs by one
 * process; a row of another pair, of an ordinal beyond the bound, or with an end that InfluxDB's clock
 * cannot tell, is a point of the overflow:
 *   time    64 ms for each batch of the partition; below it, the row's number in the batch
 *   tags    datastream, property, station, series
 *   fields  row      as above, with the end before it
 * Which of the two a row becomes may differ between two writings of it; a reader asks both and knows
 * repeats by key and revision. Nothing is left out and no point is written over.
 *
 * A dashboard takes for each millisecond the last point of `<name>`; one without `result` is a null or
 * was deleted.
 */
import type { ObservationRow } from '../../observation.ts';
import { influxError } from './errors.ts';

export const formatVersion = 1;

export interface Measurements {
  readonly shown: string;
  readonly superseded: string;
  readonly overflow: string;
  readonly view: string;
}

export function measurementsOf(name: string): Measurements {
  return {
    shown: name,
    superseded: `${name}_superseded`,
    overflow: `${name}_overflow`,
    view: `${name}_view`,
  };
}

/** What names a series in tags: ids of the registry, which need no escaping. */
export interface SeriesTags {
  readonly station: string;
  readonly datastream: string;
  readonly property: string;
}

/** Points of one millisecond and tag set. */
export const ordinalsMax = 1_000_000;
const ordinalDigits = 6;
const nanosecondsOfMs = 1_000_000;
/** InfluxDB keeps nanoseconds in 64 bits: these milliseconds lie wholly inside. */
export const endAtMax = 9_223_372_036_853;

/** Place of the row among those of its key in its measurement. */
export function ordinalOf({ revision }: Pick<ObservationRow, 'revision'>): number {
  return revision >= 0 ? revision : -1 - revision;
}

/** Whether time and ordinal can tell the row. */
export function fitsTime(row: Pick<ObservationRow, 'revision' | 'endAt'>): boolean {
  return (
    ordinalOf(row) < ordinalsMax && Math.abs(row.endAt) <= endAtMax && Number.isInteger(row.endAt)
  );
}

const noOrdinal = '0'.repeat(ordinalDigits);

/** Nanoseconds as line protocol and InfluxQL write them; doubles would round them. */
export function timeText(ms: number, ordinal: number): string {
  if (ordinal === 0) return ms === 0 ? '0' : `${ms}${noOrdinal}`;
  if (ms > 0) return `${ms}${String(ordinal).padStart(ordinalDigits, '0')}`;
  return String(BigInt(ms) * BigInt(nanosecondsOfMs) + BigInt(ordinal));
}

/** The milliseconds of a time that JSON rounded to a double: off by less than 0.001 ms. */
export function millisecondsOf(nanoseconds: number, ordinal: number): number {
  return Math.round((nanoseconds - ordinal) / nanosecondsOfMs) + 0;
}

const tagPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/** Tags in the order that InfluxDB sorts by; INFLUX_TAG for what is no id. */
export function seriesTagsText(
  series: number,
  tags: SeriesTags,
  shape: { readonly spanMs: number; readonly heightMm: number } | null,
): string {
  for (const [tag, value] of Object.entries(tags)) {
    if (!tagPattern.test(String(value))) throw influxError('INFLUX_TAG', { series, tag, value });
  }
  const height = shape === null || Number.isNaN(shape.heightMm) ? '' : `,height=${shape.heightMm}`;
  const span = shape === null ? '' : `,span=${shape.spanMs}`;
  const { datastream, property, station } = tags;
  return `datastream=${datastream}${height},property=${property},series=${series}${span},station=${station}`;
}
