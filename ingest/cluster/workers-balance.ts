/**
 * The balance of the partitions that a worker has, as Prometheus text: sums over the cluster come to
 * the laws of interfaces.md §7, whichever worker has a partition at the moment.
 */
import type { BalanceTotals, SourceMark } from '../observations/batch.ts';
import { strangerNode } from '../sources.ts';
import { registryNode } from './registry/markers.ts';
import type { Workers } from './workers.ts';

type Line = readonly [outcome: string, value: number];

export function balanceText(workers: Workers | undefined): string {
  const lines: string[] = [];
  for (const [partition, { ingest }] of workers?.partitions ?? []) {
    const { totals, sources, readingsInFlight } = ingest.stats;
    const label = `partition="${partition}"`;
    const counted = (name: string, outcomes: readonly Line[]): void => {
      for (const [outcome, value] of outcomes) {
        lines.push(`${name}{outcome="${outcome}",${label}} ${value}`);
      }
    };
    counted('quantrac_readings_total', readingsOf(totals));
    counted('quantrac_measurements_total', measurementsOf(totals));
    lines.push(`quantrac_measurements_decoded_total{${label}} ${totals.measurementsDecoded}`);
    // The markers of the registry, and what strangers wrote, are in no node's own log.
    lines.push(`quantrac_readings_logged_total{${label}} ${ofNoNode(sources)}`);
    lines.push(`quantrac_readings_in_flight{stage="topic",${label}} ${readingsInFlight}`);
  }
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}

function ofNoNode(sources: readonly SourceMark[]): number {
  return sources
    .filter(({ node }) => node === registryNode || node === strangerNode)
    .reduce((sum, { sequence }) => sum + sequence, 0);
}

function readingsOf(totals: BalanceTotals): Line[] {
  return [
    ['settled', totals.readingsSettled],
    ['quarantined', totals.readingsQuarantined],
    ['control', totals.readingsControl],
  ];
}

function measurementsOf(totals: BalanceTotals): Line[] {
  return [
    ['stored', totals.measurementsStored],
    ['duplicate', totals.measurementsDuplicate],
    ['revision', totals.measurementsRevision],
    ['quarantined', totals.measurementsQuarantined],
  ];
}
