import type { Telemetry } from '../../devices/telemetry.ts';

/** Everything that happens to files of months, and the only place that logs or counts it. */
export interface BulkEvents {
  made(fields: {
    readonly dataset: string;
    readonly month: string;
    readonly rows: number;
    readonly bytes: number;
    readonly seconds: number;
  }): void;
  /** Making or following failed; it is tried again. */
  failed(error: unknown): void;
  recovered(): void;
  /** Files that nothing names were removed. */
  orphansRemoved(files: number): void;
  /** Files are not there whole, or not of this history. */
  lost(files: number): void;
  /** An observation was erased, and with it the files that held it. */
  erased(dataset: string, month: string, files: number): void;
  /** Batches cannot be read: all files are made anew of what the view holds. */
  damaged(first: number, last: number): void;
  /** Months whose files are to be made. */
  waiting(months: number): void;
}

export function createBulkEvents({ logger, metrics }: Telemetry): BulkEvents {
  const rows = metrics.counter('quantrac_bulk_rows_total', 'Rows written into files of months.');
  const months = metrics.counter('quantrac_bulk_made_total', 'Months whose files were made.');
  const failures = metrics.counter('quantrac_bulk_failed_total', 'Times that files were not made.');
  const problem = metrics.gauge('quantrac_bulk_problem', '1 while files cannot be made, else 0.');
  const waiting = metrics.gauge('quantrac_bulk_waiting_months', 'Closed months to be made.');
  const lost = metrics.counter('quantrac_bulk_lost_total', 'Files that were not there whole.');
  const damaged = metrics.counter(
    'quantrac_bulk_damaged_total',
    'Stretches of observations that could not be read for files; all files were made anew.',
  );
  return {
    made(fields) {
      rows.increase(fields.rows);
      months.increase();
      logger.info(fields, 'The files of a month were made.');
    },
    failed(error) {
      failures.increase();
      problem.set(1);
      logger.error({ err: error }, 'Files of a month cannot be made; trying again.');
    },
    recovered: () => problem.set(0),
    orphansRemoved(files) {
      logger.info({ files }, 'Files that were never finished were removed.');
    },
    lost(files) {
      lost.increase(files);
      logger.warn({ files }, 'Files of months are not there whole or not of this history.');
    },
    erased(dataset, month, files) {
      logger.info({ dataset, month, files }, 'Files with an erased observation were removed.');
    },
    damaged(first, last) {
      damaged.increase();
      logger.error(
        { first, last },
        'Observations cannot be read: all files are made anew of what the view holds.',
      );
    },
    waiting: (count) => waiting.set(count),
  };
}
