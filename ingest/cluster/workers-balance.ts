/**
 * The two balance laws of a cluster, as Prometheus text: what a node's own log took in, and what became
 * of it in the partitions that a worker has. Sums over all nodes come to the laws of interfaces.md §7,
 * whichever worker has a partition at the moment.
 */
import type { BalanceTotals, SourceMark } from '../observations/batch.ts';
import { strangerNode } from '../sources.ts';
import { registryNode } from './registry/markers.ts';
import type { Workers } from './workers.ts';

type Line = readonly [outcome: string, value: number];

const readingsLaw = [
  '# HELP quantrac_readings_logged_total Readings that are durable in the logs of nodes.',
  '# TYPE quantrac_readings_logged_total counter',
  '# HELP quantrac_readings_in_flight Readings logged and not yet settled, by where they wait.',
  '# TYPE quantrac_readings_in_flight gauge',
];
const settledLaw = [
  '# HELP quantrac_readings_consumed_total Readings of the log of each node that a partition settled.',
  '# TYPE quantrac_readings_consumed_total counter',
  '# HELP quantrac_readings_total Readings settled, by how they ended.',
  '# TYPE quantrac_readings_total counter',
  '# HELP quantrac_measurements_total Measurements, by what became of them.',
  '# TYPE quantrac_measurements_total counter',
  '# HELP quantrac_measurements_decoded_total Measurements found in readings.',
  '# TYPE quantrac_measurements_decoded_total counter',
];

/** A node's share of the law of readings: what its log took in, and what Kafka has not got yet. */
export function loggedText(node: number, logged: number, waiting: number): string {
  return [
    ...readingsLaw,
    `quantrac_readings_logged_total{node="${node}"} ${logged}`,
    `quantrac_readings_in_flight{node="${node}",stage="node"} ${waiting}`,
    '',
  ].join('\n');
}

export function balanceText(workers: Workers | undefined): string {
  const lines: string[] = [...readingsLaw, ...settledLaw];
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
    for (const { node, sequence } of sources) {
      lines.push(`quantrac_readings_consumed_total{node="${node}",${label}} ${sequence}`);
    }
    // The markers of the registry, and what strangers wrote, are in no node's own log.
    lines.push(`quantrac_readings_logged_total{${label}} ${ofNoNode(sources)}`);
    lines.push(`quantrac_readings_in_flight{stage="topic",${label}} ${readingsInFlight}`);
  }
  return `${lines.join('\n')}\n`;
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
