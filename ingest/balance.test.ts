import { describe, expect, it } from 'vitest';
import { assertBalance, openBalance } from './balance.ts';
import { noTotals } from './observations/batch.ts';

describe('the balance', () => {
  it('holds where every reading and every measurement ended once', () => {
    const totals = {
      ...openBalance(noTotals),
      readingsSettled: 5,
      readingsQuarantined: 2,
      readingsControl: 1,
      measurementsDecoded: 20,
      measurementsStored: 15,
      measurementsDuplicate: 3,
      measurementsRevision: 1,
      measurementsQuarantined: 1,
    };
    const before = { consumed: 0, totals: noTotals };
    expect(() => assertBalance(before, { consumed: 8, totals })).not.toThrow();
    expect(() => assertBalance({ consumed: 8, totals }, { consumed: 8, totals })).not.toThrow();
  });

  it.each([
    ['a reading that vanished', { readingsSettled: 1 }, 2],
    ['a reading that ended twice', { readingsSettled: 1, readingsControl: 1 }, 1],
    ['a measurement that vanished', { readingsSettled: 1, measurementsDecoded: 1 }, 1],
    ['a measurement from nowhere', { readingsSettled: 1, measurementsStored: 1 }, 1],
  ])('is broken by %s', (_, changes, consumed) => {
    const after = { consumed, totals: { ...noTotals, ...changes } };
    expect(() => assertBalance({ consumed: 0, totals: noTotals }, after)).toThrow(
      expect.objectContaining({ code: 'INGEST_BALANCE_BROKEN' }),
    );
  });
});
