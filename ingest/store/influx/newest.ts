/**
 * The newest rows of many series at once: the last point of each tag set decides for its series, where
 * nothing stands in the way of it. The few others are walked along by themselves.
 */
import type { ObservationRow } from '../../observation.ts';
import type { Position } from '../../log/log.ts';
import { compareKeys } from '../columns/rows.ts';
import { rowCanBeLatest } from '../merge.ts';
import type { Connection } from './connection.ts';
import type { Measurements } from './schema.ts';
import { countOverflow, createPointReader, selectLast, seriesOfTables } from './statements.ts';

export interface NewestOptions {
  readonly connection: Connection;
  readonly measurements: Measurements;
  readonly positionOf: (series: number) => Position;
  /** The answer for one series, from all its rows. */
  readonly latest: (series: number) => Promise<ObservationRow | undefined>;
}

/** Series of one request. */
const seriesAtOnce = 200;
/** Requests under way for series that are walked along. */
const walksAtOnce = 8;

export async function newestRows(
  options: NewestOptions,
  series: readonly number[],
): Promise<Map<number, ObservationRow>> {
  const found = new Map<number, ObservationRow>();
  for (let from = 0; from < series.length; from += seriesAtOnce) {
    const some = series.slice(from, from + seriesAtOnce);
    const { decided, open } = await askLast(options, some);
    for (const row of decided) found.set(row.series, row);
    for (let at = 0; at < open.length; at += walksAtOnce) {
      const walked = await Promise.all(open.slice(at, at + walksAtOnce).map(options.latest));
      for (const row of walked) if (row !== undefined) found.set(row.series, row);
    }
  }
  return found;
}

interface Lasts {
  readonly decided: readonly ObservationRow[];
  /** Series whose last points do not say it. */
  readonly open: readonly number[];
}

async function askLast(
  { connection, measurements, positionOf }: NewestOptions,
  series: readonly number[],
): Promise<Lasts> {
  const [tables = [], counted = []] = await connection.ask([
    selectLast(measurements.shown, series),
    countOverflow(measurements.overflow, series),
  ]);
  const open = new Set(seriesOfTables(counted));
  const best = new Map<number, ObservationRow>();
  for (const { row, batch } of createPointReader().lasts(tables)) {
    if (batch > positionOf(row.series) || !rowCanBeLatest(row)) open.add(row.series);
    const known = best.get(row.series);
    if (known === undefined || compareKeys(row, known) > 0) best.set(row.series, row);
  }
  return { decided: [...best.values()].filter((row) => !open.has(row.series)), open: [...open] };
}
