/** The rows before a partition's horizon, as InfluxDB holds them once the sink has stored them. */
import type { OldRows } from '../adopt.ts';
import { ingestError } from '../errors.ts';
import type { Position } from '../log/log.ts';
import type { ObservationKey, ObservationRow } from '../observation.ts';
import { endsOfDay } from '../store/directory.ts';
import type { HistoryReader } from '../store/history.ts';

export interface OldRowsOptions {
  readonly history: Pick<HistoryReader, 'kept'>;
  /** Last batch of the partition that is wholly in what `history` asks, as of now. */
  readonly notedPosition: () => Promise<Position>;
  readonly waitMs: number;
}

const pageRows = 10_000;

export function createOldRows({ history, notedPosition, waitMs }: OldRowsOptions): OldRows {
  async function requireAll(floor: Position): Promise<void> {
    const noted = await notedPosition();
    if (noted < floor) throw ingestError('INGEST_HISTORY_BEHIND', { noted, floor });
  }

  return {
    waitMs,
    async rowsOf({ series, firstDay, lastDay }, floor) {
      await requireAll(floor);
      const toAt = endsOfDay(lastDay).toAt;
      const rows: ObservationRow[] = [];
      let after = behindAllBefore(series, firstDay);
      for (;;) {
        const query = { series, toAt, limit: pageRows, ...(after === undefined ? {} : { after }) };
        const page = await history.kept(query);
        rows.push(...page);
        after = page.at(-1);
        if (page.length < pageRows || after === undefined) break;
      }
      // Emptied and filled anew it goes back behind the floor first.
      await requireAll(floor);
      return rows;
    },
  };
}

/** A key behind all that end before the day, and before all others. */
function behindAllBefore(series: number, firstDay: number): ObservationKey | undefined {
  if (firstDay === Number.NEGATIVE_INFINITY) return undefined;
  const { fromAt } = endsOfDay(firstDay);
  return { series, endAt: fromAt - 1, startAt: fromAt, heightMm: Number.NaN };
}
