import { expect, test } from 'vitest';
import type { ObservationRow } from '../observation.ts';
import { publicCause, valuesInForce } from './withdrawn.ts';

type Told = Pick<ObservationRow, 'revision' | 'cause' | 'type' | 'result' | 'current'> & {
  readonly at: number;
};

function row({ at, ...told }: Told): ObservationRow {
  return { ...told, rank: { klass: 1, at, node: 0, position: at } } as ObservationRow;
}

const said = (revision: number, at: number, result: number): ObservationRow =>
  row({ revision, at, result, cause: 'value', type: 'correction', current: revision >= 0 });
const retold = (revision: number, at: number, result: number): ObservationRow =>
  row({ revision, at, result, cause: 'reprocess', type: 'correction', current: true });
const withdrawn = (revision: number, at: number): ObservationRow =>
  row({ revision, at, result: 0, cause: 'reprocess', type: 'deletion', current: true });

const results = (rows: readonly ObservationRow[]) => valuesInForce(rows).map((one) => one.result);

test('without a reprocess every row of a key is a value of it', () => {
  const rows = [said(1, 2, 21), said(0, 1, 20), said(-1, 0, 19)];
  expect(valuesInForce(rows)).toBe(rows);
});

test('a value told again takes back what was told of its rank, current or not, and no other', () => {
  expect(results([retold(2, 2, 7), said(1, 2, 21), said(0, 1, 20), said(-1, 2, 22)])).toEqual([
    7, 20,
  ]);
});

test('two values of one message stand beside each other: only the first told takes back', () => {
  expect(results([said(3, 1, 8), retold(2, 1, 7), said(1, 1, 21), said(0, 1, 20)])).toEqual([8, 7]);
});

test('a deletion leaves no value of its rank, and what comes after it counts', () => {
  expect(results([withdrawn(1, 1), said(0, 1, 20)])).toEqual([]);
  expect(results([said(2, 3, 30), withdrawn(1, 1), said(0, 1, 20)])).toEqual([30]);
  expect(results([retold(2, 1, 9), withdrawn(1, 1), said(0, 1, 20)])).toEqual([9]);
});

test('the feed names it as a rule, and other causes as they are', () => {
  expect([publicCause('reprocess'), publicCause('value'), publicCause('erasure')]).toEqual([
    'rule',
    'value',
    'erasure',
  ]);
});
