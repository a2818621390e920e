/** Sums up the days of a series as they are at a moment, a page of rows at a time. */
import type { Datastream } from '../../devices/model.ts';
import type { ObservationRow } from '../../ingest/observation.ts';
import type { SeriesContext } from '../../ingest/observations/public-row.ts';
import { namesOf } from '../../ingest/quality.ts';
import { dayOf } from '../../proof/day.ts';
import { lineOf } from '../../proof/row.ts';
import { sumDay, type Branch, type Sum } from '../../proof/tree.ts';
import type { ApiContext } from '../context.ts';
import type { Moment } from '../../ingest/feed/places/places.ts';
import { isUnchanged } from '../routes/unchanged.ts';

export interface SumDaysOptions {
  readonly context: ApiContext;
  readonly moment: Moment;
  readonly datastream: Datastream;
  readonly series: SeriesContext;
  /** On the end of phenomenonTime: from inclusive, to exclusive. */
  readonly fromAt: number;
  readonly toAt: number;
  readonly turn: () => Promise<void>;
}

/** Days with rows, in order. */
export async function sumDays(options: SumDaysOptions): Promise<readonly Branch[]> {
  const days: Branch[] = [];
  let day = '';
  let sum: Sum | undefined;
  const end = (): void => {
    if (sum !== undefined) days.push({ name: day, ...sum.end() });
  };
  for await (const rows of pagesOf(options)) {
    for (const row of rows) {
      const of = dayOf(row.endAt);
      if (of !== day) {
        end();
        day = of;
        sum = sumDay();
      }
      sum?.add(observationLine(row, options.series));
    }
    await options.turn();
  }
  end();
  return days;
}

/** The canonical line of a row (`proof/row.ts`). */
export function observationLine(row: ObservationRow, series: Pick<SeriesContext, 'id'>): string {
  const { flag, tests, qualifiers, reason } = row.verdict;
  const orNull = (value: number): number | null => (Number.isNaN(value) ? null : value);
  return lineOf({
    id: series.id(row),
    startAt: row.startAt,
    endAt: row.endAt,
    heightMm: orNull(row.heightMm),
    result: row.result,
    flag,
    tests,
    qualifiers: namesOf(qualifiers),
    reason,
    revision: row.revision,
    resultAt: orNull(row.resultAt),
    receivedAt: row.receivedAt,
  });
}

async function* pagesOf({
  context,
  moment,
  datastream: { series },
  fromAt,
  toAt,
}: SumDaysOptions): AsyncGenerator<readonly ObservationRow[]> {
  const limit = context.config.rowsPerReadMax;
  let after: ObservationRow | undefined;
  for (;;) {
    const asOf = isUnchanged(context, series, moment) ? {} : { asOf: moment.pinOf(series) };
    const behind = after === undefined ? {} : { after };
    const query = { series, fromAt, toAt, order: 'asc', limit, ...asOf, ...behind } as const;
    const rows = await context.questions.range(query, moment);
    if (rows.length > 0) yield rows;
    if (rows.length < limit) return;
    after = rows.at(-1);
  }
}
