import { describe, expect, test } from 'vitest';
import { noTotals } from '../observations/batch.ts';
import { strangerNode } from '../sources.ts';
import { balanceText, loggedText } from './workers-balance.ts';
import type { Workers } from './workers.ts';

function workersOf(partitions: readonly (readonly [number, object])[]): Workers {
  return {
    partitions: new Map(partitions.map(([partition, stats]) => [partition, { ingest: { stats } }])),
  } as unknown as Workers;
}

const totals = {
  ...noTotals,
  readingsSettled: 5,
  readingsQuarantined: 2,
  readingsControl: 1,
  measurementsDecoded: 12,
  measurementsStored: 9,
  measurementsDuplicate: 3,
};
const sources = [
  { node: 0, position: 1, sequence: 1 },
  { node: 7, position: 90, sequence: 6 },
  { node: strangerNode, position: 4_096, sequence: 1 },
];

function valuesOf(text: string, name: string): Record<string, number> {
  const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`));
  return Object.fromEntries(
    lines.map((line) => [line.slice(name.length, line.indexOf(' ')), Number(line.split(' ')[1])]),
  );
}
const sum = (values: Record<string, number>) => Object.values(values).reduce((a, b) => a + b, 0);

describe('the balance of a worker', () => {
  const text = balanceText(workersOf([[3, { totals, sources, readingsInFlight: 4 }]]));

  test('says of each partition how many readings of which node came, and what became of them', () => {
    expect(valuesOf(text, 'quantrac_readings_consumed_total')).toEqual({
      '{node="0",partition="3"}': 1,
      '{node="7",partition="3"}': 6,
      '{node="65536",partition="3"}': 1,
    });
    expect(sum(valuesOf(text, 'quantrac_readings_total'))).toBe(8);
    expect(sum(valuesOf(text, 'quantrac_measurements_total'))).toBe(12);
    expect(valuesOf(text, 'quantrac_readings_in_flight')).toEqual({
      '{stage="topic",partition="3"}': 4,
    });
  });

  test('counts what is in the log of no node as logged here, so that the sums agree', () => {
    expect(valuesOf(text, 'quantrac_readings_logged_total')).toEqual({ '{partition="3"}': 2 });
    const node = loggedText(7, 10, 4);
    expect(sum(valuesOf(node, 'quantrac_readings_logged_total'))).toBe(10);
    expect(sum(valuesOf(node, 'quantrac_readings_in_flight'))).toBe(4);
  });

  test('is a text without samples while there is no partition', () => {
    expect(balanceText(undefined)).not.toMatch(/^[^#]/m);
  });
});
