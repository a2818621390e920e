/**
 * Sums of an hour, from its current rows in order of key: a function of the set of rows. Hours are
 * named by their end; a row belongs to the hour its end lies in, hour end included.
 *
 * Kept hours of a day: a mask of 24 bits (3 bytes, bit 0 the first hour), then for the hours that
 * are there the columns count, sum, min, max, sumSin, sumCos, first, last, coveredMs, instants,
 * suspect, failed, missing. Where no row has a value the doubles are NaN (columns/numbers.ts).
 */
import { flags } from '../quality.ts';
import { createSource, readByte, takeBytes, writeByte, type Sink } from './columns/bytes.ts';
import { readNumbers, writeNumbers } from './columns/numbers.ts';
import type { Rows } from './columns/rows.ts';
import { coverageOf, hourOf } from './coverage.ts';
import { dayMs, hourMs } from './directory.ts';
import type { HourRollup } from './store.ts';

export interface RollupBuilder {
  /** Rows in order of key, deletions left out. */
  add(rows: Rows, at: number): void;
  /** The finished hours, ascending. */
  finish(): HourRollup[];
}

type Building = { -readonly [Field in keyof HourRollup]: HourRollup[Field] };

export function createRollupBuilder(series: number, circular: boolean): RollupBuilder {
  const hours: HourRollup[] = [];
  let hour: Building | null = null;
  let starts: number[] = [];
  let ends: number[] = [];

  function close(): void {
    if (hour === null) return;
    hours.push(Object.assign(hour, coverageOf(starts, ends)));
    starts = [];
    ends = [];
  }

  return {
    add(rows, at) {
      const endAt = rows.endAt[at]!;
      const hourAt = hourOf(endAt);
      if (hour?.hourAt !== hourAt) {
        close();
        hour = emptyHour(series, hourAt);
      }
      if (!addRow(hour, rows, at, circular)) return;
      starts.push(rows.startAt[at]!);
      ends.push(endAt);
    },
    finish() {
      close();
      hour = null;
      return hours;
    },
  };
}

/** `min`, `max`, `first` and `last` of an hour without values are NaN. */
function emptyHour(series: number, hourAt: number): Building {
  return {
    series,
    hourAt,
    count: 0,
    sum: 0,
    min: Number.NaN,
    max: Number.NaN,
    sumSin: 0,
    sumCos: 0,
    first: Number.NaN,
    last: Number.NaN,
    coveredMs: 0,
    instants: 0,
    suspect: 0,
    failed: 0,
    missing: 0,
  };
}

/** True where the row has a value that counts: flag 1, 2 or 3. */
function addRow(hour: Building, rows: Rows, at: number, circular: boolean): boolean {
  const { flag } = rows.verdict[at]!;
  const value = rows.result[at]!;
  if (Number.isNaN(value)) {
    hour.missing++;
    return false;
  }
  if (flag === flags.fail) {
    hour.failed++;
    return false;
  }
  if (flag === flags.suspect) hour.suspect++;
  if (hour.count === 0) {
    hour.first = value;
    hour.min = value;
    hour.max = value;
  }
  hour.count++;
  hour.sum += value;
  hour.last = value;
  hour.min = Math.min(hour.min, value);
  hour.max = Math.max(hour.max, value);
  if (circular) {
    const angle = (value * Math.PI) / 180;
    hour.sumSin += Math.sin(angle);
    hour.sumCos += Math.cos(angle);
  }
  return true;
}

const columns = [
  'count',
  'sum',
  'min',
  'max',
  'sumSin',
  'sumCos',
  'first',
  'last',
  'coveredMs',
  'instants',
  'suspect',
  'failed',
  'missing',
] as const;

export function encodeHours(sink: Sink, day: number, hours: readonly HourRollup[]): Uint8Array {
  let mask = 0;
  for (const hour of hours) mask |= 1 << (hour.hourAt / hourMs - day * 24 - 1);
  sink.length = 0;
  writeByte(sink, mask & 255);
  writeByte(sink, (mask >> 8) & 255);
  writeByte(sink, (mask >> 16) & 255);
  for (const name of columns) {
    writeNumbers(
      sink,
      Float64Array.from(hours, (hour) => hour[name]),
      hours.length,
    );
  }
  return takeBytes(sink);
}

export function decodeHours(bytes: Uint8Array, series: number, day: number): HourRollup[] {
  const source = createSource(bytes);
  const mask = readByte(source) | (readByte(source) << 8) | (readByte(source) << 16);
  const hours: Building[] = [];
  for (let place = 0; place < 24; place++) {
    if ((mask & (1 << place)) === 0) continue;
    hours.push(emptyHour(series, day * dayMs + (place + 1) * hourMs));
  }
  const values = new Float64Array(hours.length);
  for (const name of columns) {
    readNumbers(source, values, 0, hours.length);
    for (const [at, hour] of hours.entries()) hour[name] = values[at]!;
  }
  return hours;
}
