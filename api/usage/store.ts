/** The table of usage, in `feeds.db`: `kept/tables.ts` makes it. */
import { transaction, type Database } from '../../devices/database.ts';
import type { Sums } from './tally.ts';

/** What one may be told of: a dataset on one day, for one resource in one format. */
export interface Cell {
  readonly day: string;
  readonly dataset: string;
  readonly resource: string;
  readonly format: string;
}

export interface UsageFigure extends Cell, Readonly<Sums> {}

export interface UsageRange {
  /** Both inclusive. */
  readonly fromDay: string;
  readonly toDay: string;
  readonly dataset: string | undefined;
  /** Figures of fewer requests are left out. */
  readonly requestsMin: number;
  /** Begin behind this one. */
  readonly after: Cell | undefined;
}

export interface UsageStore {
  /** In one transaction. */
  add(figures: readonly UsageFigure[]): void;
  /** A page at a time, by day, dataset, resource and format. */
  readonly read: (range: UsageRange) => Generator<readonly UsageFigure[], void>;
  deleteBefore(day: string): void;
}

const pageRows = 1_000;

export function createUsageStore(database: Database): UsageStore {
  const insert = database.prepare(
    `INSERT INTO usage_day VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET requests = requests + excluded.requests,
     rows = rows + excluded.rows, bytes = bytes + excluded.bytes`,
  );
  const select = database.prepare(
    `SELECT day, dataset, resource, format, requests, rows, bytes FROM usage_day
     WHERE (day, dataset, resource, format) > (?, ?, ?, ?) AND day <= ?
     AND (? IS NULL OR dataset = ?) AND requests >= ?
     ORDER BY day, dataset, resource, format LIMIT ${pageRows}`,
  );
  const forget = database.prepare('DELETE FROM usage_day WHERE day < ?');
  return {
    add: (figures) =>
      transaction(database, () => {
        for (const { day, dataset, resource, format, requests, rows, bytes } of figures) {
          insert.run(day, dataset, resource, format, requests, rows, bytes);
        }
      }),
    *read({ fromDay, toDay, dataset = null, requestsMin, after }) {
      let place: Cell = after ?? { day: fromDay, dataset: '', resource: '', format: '' };
      for (;;) {
        const behind = [place.day, place.dataset, place.resource, place.format];
        const found = select.all(...behind, toDay, dataset, dataset, requestsMin);
        const page = found as unknown as UsageFigure[];
        if (page.length > 0) yield page;
        const last = page.at(-1);
        if (page.length < pageRows || last === undefined) return;
        place = last;
      }
    },
    deleteBefore: (day) => void forget.run(day),
  };
}
