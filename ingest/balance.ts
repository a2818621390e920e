import { ingestError } from './errors.ts';
import type { BalanceTotals } from './observations/batch.ts';

/** Running totals of the two balance laws, counted where each term happens (interfaces.md §7). */
export type Balance = { -readonly [Term in keyof BalanceTotals]: number };

export function openBalance(totals: BalanceTotals): Balance {
  return { ...totals };
}

/**
 * Both laws, asserted before each batch is written. What a batch adds to the readings is what it
 * consumed, so a log whose first positions were never counted does not hide a reading that is lost.
 *
 *   readings up to the consumed position = settled + quarantined whole + control
 *     (of a partition: readings that its nodes sent up to there)
 *   measurements decoded = stored + duplicate + revision + quarantined
 */
export function assertBalance(before: Ledger, after: Ledger): void {
  const consumed = after.consumed - before.consumed;
  const ended = readingsEnded(after.totals) - readingsEnded(before.totals);
  const decoded = after.totals.measurementsDecoded - before.totals.measurementsDecoded;
  const kept = measurementsEnded(after.totals) - measurementsEnded(before.totals);
  if (consumed === ended && decoded === kept) return;
  throw ingestError('INGEST_BALANCE_BROKEN', { consumed, ended, decoded, kept });
}

export interface Ledger {
  readonly consumed: number;
  readonly totals: BalanceTotals;
}

function readingsEnded(totals: BalanceTotals): number {
  return totals.readingsSettled + totals.readingsQuarantined + totals.readingsControl;
}

export type MeasurementTotals = Pick<
  BalanceTotals,
  | 'measurementsStored'
  | 'measurementsDuplicate'
  | 'measurementsRevision'
  | 'measurementsQuarantined'
>;

/** Right side of the second law. */
export function measurementsEnded(totals: MeasurementTotals): number {
  return (
    totals.measurementsStored +
    totals.measurementsDuplicate +
    totals.measurementsRevision +
    totals.measurementsQuarantined
  );
}
