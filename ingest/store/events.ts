import type { Counter, Gauge, Telemetry } from '../../devices/telemetry.ts';
import type { Position } from '../log/log.ts';

/** What happens to a view, said once: line and counter together. */
export interface StoreEvents {
  viewOpened(fields: { readonly path: string; readonly position: Position }): void;
  viewRebuilt(fields: { readonly path: string; readonly version: number }): void;
  sliceWritten(rows: number, tookMs: number): void;
  flushEnded(fields: { readonly position: Position; readonly tailBytes: number }): void;
  sliceFailed(error: unknown): void;
}

export function openStoreEvents({ logger, metrics }: Telemetry): StoreEvents {
  const rowsWritten: Counter = metrics.counter(
    'quantrac_store_rows_written_total',
    'Rows of observations written to the view',
  );
  const slices = metrics.histogram(
    'quantrac_store_slice_seconds',
    'Time of one slice of a flush of the view',
    [0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5],
  );
  const failures: Counter = metrics.counter(
    'quantrac_store_slice_failures_total',
    'Slices of a flush that failed and are tried again',
  );
  const position: Gauge = metrics.gauge(
    'quantrac_store_view_position',
    'Position of observations up to which the view is whole',
  );
  const tail: Gauge = metrics.gauge(
    'quantrac_store_tail_bytes',
    'Memory of rows that the view does not hold yet, after the last flush',
  );
  return {
    viewOpened(fields) {
      logger.info(fields, 'view opened');
      position.set(fields.position);
    },
    viewRebuilt(fields) {
      logger.warn(fields, 'view emptied, it is built again from the log');
    },
    sliceWritten(rows, tookMs) {
      rowsWritten.increase(rows);
      slices.observe(tookMs / 1_000);
    },
    flushEnded(fields) {
      logger.debug(fields, 'view flushed');
      position.set(fields.position);
      tail.set(fields.tailBytes);
    },
    sliceFailed(error) {
      logger.error({ error }, 'a slice of the view could not be written');
      failures.increase();
    },
  };
}
