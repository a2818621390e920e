/** The questions about observations, answered from the points in InfluxDB (`schema.ts`). */
import type { ObservationKey, ObservationRow } from '../../observation.ts';
import type { Position } from '../../log/log.ts';
import { compareKeyTo, isDeletion, rowOf, type Rows } from '../columns/rows.ts';
import { hourMs } from '../directory.ts';
import { storeError } from '../errors.ts';
import type { HistoryReader } from '../history.ts';
import { addKeys } from '../kept.ts';
import { canBeLatest, currentRows, dropRepeats, kept, orderOf } from '../merge.ts';
import { createRollupBuilder } from '../rollup.ts';
import type { HourRollup, KeptQuery, RangeQuery } from '../store.ts';
import type { InfluxConfig } from './config.ts';
import type { Connection } from './connection.ts';
import { newestRows } from './newest.ts';
import { createPages, type Pages } from './pages.ts';
import { measurementsOf } from './schema.ts';
import { seriesOf, showSeries } from './statements.ts';

export interface HistoryOptions {
  readonly connection: Connection;
  readonly config: InfluxConfig;
  /**
   * Last batch of the series' partition that is wholly in InfluxDB (`notedPositions` of `sink.ts`):
   * answers hold no later one, and `asOf` behind it is STORE_POSITION_AHEAD.
   */
  readonly positionOf: (series: number) => Position;
  /** Whether the series' values are angles, which are also summed on the circle. */
  readonly isCircular: (series: number) => boolean;
}

interface Asking {
  readonly pages: Pages;
  readonly options: HistoryOptions;
  /** Measurements of the rows that are or were current, and of all. */
  readonly shown: readonly string[];
  readonly all: readonly string[];
}

/** Rejects as `Connection.ask` does, and INFLUX_ROW, INFLUX_ANSWER_TOO_LARGE. */
export function openHistoryReader(options: HistoryOptions): HistoryReader {
  const { connection, config } = options;
  const measurements = measurementsOf(config.measurement);
  const { shown, superseded, overflow } = measurements;
  const pages = createPages({ connection, config, overflow });
  const asking = { pages, options, shown: [shown], all: [shown, superseded] };
  return {
    range: (query) => range(asking, query),
    revisions: (key) => revisions(asking, key),
    kept: (query) => keptRows(asking, query),
    hours: (series, fromAt, toAt) => hours(asking, series, { fromAt, toAt }),
    async series() {
      const answers = await connection.ask([shown, superseded, overflow].map(showSeries));
      return [...new Set(answers.flatMap(seriesOf))].toSorted((a, b) => a - b);
    },
    newest: (series) =>
      newestRows({ ...options, measurements, latest: (one) => latest(asking, one) }, series),
  };
}

function pinOf({ options }: Asking, series: number, asOf: Position | undefined): Position {
  const position = options.positionOf(series);
  if (asOf === undefined) return position;
  if (asOf <= position) return asOf;
  throw storeError('STORE_POSITION_AHEAD', { asked: asOf, position });
}

async function range(asking: Asking, query: RangeQuery): Promise<ObservationRow[]> {
  const { series, order, after, limit } = query;
  const pin = pinOf(asking, series, query.asOf);
  const found: ObservationRow[] = [];
  if (limit <= 0) return found;
  const isUp = order === 'asc';
  const fromAt = isUp && after !== undefined ? Math.max(query.fromAt, after.endAt) : query.fromAt;
  const toAt = isUp || after === undefined ? query.toAt : Math.min(query.toAt, after.endAt + 1);
  const span = { series, fromAt, toAt, order, pin, measurements: asking.shown };
  const sign = isUp ? 1 : -1;
  for await (const rows of asking.pages({ ...span, pageRows: pageRowsOf(limit) })) {
    for (const at of currentInOrder(rows, order)) {
      if (after !== undefined && sign * compareKeyTo(rows, at, after) <= 0) continue;
      found.push(rowOf(rows, at));
      if (found.length >= limit) return found;
    }
  }
  return found;
}

async function keptRows(asking: Asking, query: KeptQuery): Promise<ObservationRow[]> {
  const { series, after, toAt = Number.POSITIVE_INFINITY, limit } = query;
  const pin = pinOf(asking, series, query.asOf);
  const found: ObservationRow[] = [];
  if (limit <= 0) return found;
  const fromAt = after?.endAt ?? Number.NEGATIVE_INFINITY;
  const span = { series, fromAt, toAt, order: 'asc', pin, measurements: asking.all } as const;
  for await (const rows of asking.pages({ ...span, pageRows: pageRowsOf(limit) })) {
    addKeys({ rows, order: withoutRepeats(rows), after, toAt, limit }, found);
    if (found.length >= limit) return found;
  }
  return found;
}

async function revisions(asking: Asking, key: ObservationKey): Promise<ObservationRow[]> {
  const { series, endAt } = key;
  const span = { series, fromAt: endAt, toAt: endAt + 1, order: 'asc' } as const;
  const pin = pinOf(asking, series, undefined);
  const query = { ...span, pin, measurements: asking.all, pageRows: keyRows };
  const found: ObservationRow[] = [];
  for await (const rows of asking.pages(query)) {
    const order = withoutRepeats(rows).filter((at) => compareKeyTo(rows, at, key) === 0);
    found.push(...kept(rows, order));
  }
  return found;
}

async function hours(
  asking: Asking,
  series: number,
  ends: { readonly fromAt: number; readonly toAt: number },
): Promise<HourRollup[]> {
  const { config, isCircular } = asking.options;
  const builder = createRollupBuilder(series, isCircular(series));
  const fromAt = Math.floor(ends.fromAt / hourMs) * hourMs + 1;
  const toAt = Math.floor(ends.toAt / hourMs) * hourMs + 1;
  const span = { series, fromAt, toAt, order: 'asc', measurements: asking.shown } as const;
  const pin = pinOf(asking, series, undefined);
  for await (const rows of asking.pages({ ...span, pin, pageRows: config.pageRowsMax })) {
    for (const at of currentInOrder(rows, 'asc')) builder.add(rows, at);
  }
  return builder.finish();
}

async function latest(asking: Asking, series: number): Promise<ObservationRow | undefined> {
  const all = { fromAt: Number.NEGATIVE_INFINITY, toAt: Number.POSITIVE_INFINITY };
  const pin = pinOf(asking, series, undefined);
  const query = { series, ...all, order: 'desc', pin, measurements: asking.shown } as const;
  for await (const rows of asking.pages({ ...query, pageRows: keyRows })) {
    for (const at of currentInOrder(rows, 'desc')) {
      if (canBeLatest(rows, at)) return rowOf(rows, at);
    }
  }
  return undefined;
}

/** Most keys have one row. */
const keyRows = 16;

/** Points that a page of so many keys is likely to need: some have more rows than one. */
function pageRowsOf(limit: number): number {
  return Math.ceil(Math.min(limit, Number.MAX_SAFE_INTEGER) * 1.1) + keyRows;
}

/** Places of the current rows that were not deleted. */
function currentInOrder(rows: Rows, order: 'asc' | 'desc'): Int32Array {
  const current = currentRows(rows, 0, Number.POSITIVE_INFINITY).filter(
    (at) => !isDeletion(rows, at),
  );
  return order === 'asc' ? current : current.reverse();
}

function withoutRepeats(rows: Rows): Int32Array {
  const order = orderOf(rows, 0, rows.count);
  return order.subarray(0, dropRepeats(rows, order));
}
