/**
 * Reads a series' points a page at a time, in order of their ends, with all rows of an end together:
 * what a page may have cut (its last millisecond) is asked for again with the next one.
 */
import type { Position } from '../../log/log.ts';
import { addRow, clearRows, createRows, type Rows } from '../columns/rows.ts';
import type { InfluxConfig } from './config.ts';
import type { Connection } from './connection.ts';
import { influxError } from './errors.ts';
import type { ToldRow } from './row-text.ts';
import { createPointReader, selectOverflow, selectPoints } from './statements.ts';

export interface PagesQuery {
  readonly series: number;
  /** On the end of phenomenonTime: from inclusive, to exclusive. */
  readonly fromAt: number;
  readonly toAt: number;
  readonly order: 'asc' | 'desc';
  /** Of which measurements, beside the overflow. */
  readonly measurements: readonly string[];
  /** Rows of later batches are left out. */
  readonly pin: Position;
  /** Points to begin with; later pages grow. */
  readonly pageRows: number;
}

export interface PagesOptions {
  readonly connection: Connection;
  readonly config: Pick<InfluxConfig, 'pageRowsMax' | 'overflowRowsMax'>;
  readonly overflow: string;
}

/** The rows are used again: whoever takes a page is done with it before it asks for the next. */
export type Pages = (query: PagesQuery) => AsyncGenerator<Rows>;

/** What was read of one measurement, and up to which end it is whole. */
interface Stretch {
  readonly told: readonly ToldRow[];
  readonly isCut: boolean;
  readonly lastAt: number;
}

const growth = 4;

export function createPages({ connection, config, overflow }: PagesOptions): Pages {
  const reader = createPointReader();

  async function ask(query: PagesQuery, limit: number, withOverflow: boolean) {
    const { series, measurements } = query;
    const statements = measurements.map((measurement) =>
      selectPoints({ ...query, measurement, limit }),
    );
    if (withOverflow) {
      statements.push(selectOverflow(overflow, series, config.overflowRowsMax + 1));
    }
    const answers = await connection.ask(statements);
    const stretches = measurements.map((_, place): Stretch => {
      const told = reader.points(answers[place] ?? [], series);
      const lastAt = told.at(-1)?.row.endAt ?? Number.NaN;
      return { told, isCut: told.length >= limit, lastAt };
    });
    const others = withOverflow ? reader.overflow(answers.at(-1) ?? [], series) : [];
    if (others.length > config.overflowRowsMax) {
      const { overflowRowsMax } = config;
      throw influxError('INFLUX_ANSWER_TOO_LARGE', { series, overflowRowsMax });
    }
    return { stretches, others };
  }

  return async function* pages(query) {
    const rows = createRows(1_024);
    rows.series = query.series;
    const isUp = query.order === 'asc';
    let { fromAt, toAt } = query;
    let limit = Math.min(query.pageRows, config.pageRowsMax);
    let others: readonly ToldRow[] | undefined;
    while (fromAt < toAt) {
      const asked = await ask({ ...query, fromAt, toAt }, limit, others === undefined);
      others ??= asked.others;
      const { stretches } = asked;
      const whole = wholeEnds(stretches, { fromAt, toAt, isUp });
      if (whole.fromAt >= whole.toAt) {
        // One millisecond is longer than the page.
        limit *= growth;
        continue;
      }
      clearRows(rows);
      for (const told of [...stretches.map((stretch) => stretch.told), others]) {
        addTold(rows, told, { ...whole, pin: query.pin });
      }
      if (isUp) fromAt = whole.toAt;
      else toAt = whole.fromAt;
      limit = Math.max(limit, Math.min(limit * growth, config.pageRowsMax));
      if (rows.count > 0) yield rows;
    }
  };
}

interface Ends {
  readonly fromAt: number;
  readonly toAt: number;
}

/** The ends that every stretch holds all points of: the last millisecond of a cut one is not whole. */
function wholeEnds(
  stretches: readonly Stretch[],
  { fromAt, toAt, isUp }: Ends & { readonly isUp: boolean },
): Ends {
  const cuts = stretches.filter(({ isCut }) => isCut).map(({ lastAt }) => lastAt);
  if (isUp) return { fromAt, toAt: Math.min(toAt, ...cuts) };
  return { fromAt: Math.max(fromAt, ...cuts.map((lastAt) => lastAt + 1)), toAt };
}

function addTold(
  rows: Rows,
  told: readonly ToldRow[],
  { fromAt, toAt, pin }: Ends & { readonly pin: Position },
): void {
  for (const { row, batch } of told) {
    if (batch <= pin && row.endAt >= fromAt && row.endAt < toAt) addRow(rows, row, batch);
  }
}
