/**
 * The two balance laws as metrics (interfaces.md §7), from the totals that travel with each batch of
 * `observations` and the durable end of `readings`. All of one scrape are of one batch.
 */
import type { DurableEnd } from '../ingest/log/log.ts';
import type { BalanceTotals } from '../ingest/observations/batch.ts';

export interface BalanceSource {
  readonly totals: BalanceTotals;
  /** All readings up to here have been settled. */
  readonly consumed: number;
  readonly readingsEnd: Pick<DurableEnd, 'get'>;
}

export interface Balance {
  readonly readingsLogged: number;
  readonly readingsInFlight: number;
  readonly totals: BalanceTotals;
}

export function balanceOf({ totals, consumed, readingsEnd }: BalanceSource): Balance {
  const readingsLogged = Math.max(readingsEnd.get(), consumed);
  return { readingsLogged, readingsInFlight: readingsLogged - consumed, totals };
}

/** In the text format of Prometheus. */
export function balanceText({ readingsLogged, readingsInFlight, totals }: Balance): string {
  return [
    counter('quantrac_readings_logged_total', 'Readings that are durable in the log.', [
      ['', readingsLogged],
    ]),
    counter('quantrac_readings_total', 'Readings settled, by how they ended.', [
      ['{outcome="settled"}', totals.readingsSettled],
      ['{outcome="quarantined"}', totals.readingsQuarantined],
      ['{outcome="control"}', totals.readingsControl],
    ]),
    '# HELP quantrac_readings_in_flight Readings logged and not yet settled.\n' +
      '# TYPE quantrac_readings_in_flight gauge\n' +
      `quantrac_readings_in_flight ${readingsInFlight}\n`,
    counter('quantrac_measurements_decoded_total', 'Measurements found in readings.', [
      ['', totals.measurementsDecoded],
    ]),
    counter('quantrac_measurements_total', 'Measurements, by what became of them.', [
      ['{outcome="stored"}', totals.measurementsStored],
      ['{outcome="duplicate"}', totals.measurementsDuplicate],
      ['{outcome="revision"}', totals.measurementsRevision],
      ['{outcome="quarantined"}', totals.measurementsQuarantined],
    ]),
    counter('quantrac_readings_replayed_total', 'Quarantined readings offered again.', [
      ['', totals.replayed],
    ]),
    counter('quantrac_measurements_reprocessed_total', 'Observations judged anew on request.', [
      ['', totals.reprocessed],
    ]),
  ].join('');
}

function counter(
  name: string,
  help: string,
  samples: readonly (readonly [labels: string, value: number])[],
): string {
  const lines = samples.map(([labels, value]) => `${name}${labels} ${value}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} counter\n${lines.join('')}`;
}
