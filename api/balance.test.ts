import { expect, test } from 'vitest';

import { balanceOf, balanceText } from './balance.ts';

const totals = {
  readingsSettled: 70,
  readingsQuarantined: 20,
  readingsControl: 10,
  measurementsDecoded: 500,
  measurementsStored: 400,
  measurementsDuplicate: 50,
  measurementsRevision: 30,
  measurementsQuarantined: 20,
  replayed: 3,
  reprocessed: 4,
};

function read(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const [name = '', value] = line.split(' ');
      return [name, Number(value)];
    }),
  );
}

test('both balance laws hold in what is exposed, under the names of the contract', () => {
  const balance = balanceOf({ totals, consumed: 100, readingsEnd: { get: () => 130 } });
  const metrics = read(balanceText(balance));
  const of = (name: string) => metrics.get(name) ?? NaN;
  expect(of('quantrac_readings_logged_total')).toBe(
    of('quantrac_readings_total{outcome="settled"}') +
      of('quantrac_readings_total{outcome="quarantined"}') +
      of('quantrac_readings_total{outcome="control"}') +
      of('quantrac_readings_in_flight'),
  );
  expect(of('quantrac_measurements_decoded_total')).toBe(
    of('quantrac_measurements_total{outcome="stored"}') +
      of('quantrac_measurements_total{outcome="duplicate"}') +
      of('quantrac_measurements_total{outcome="revision"}') +
      of('quantrac_measurements_total{outcome="quarantined"}'),
  );
  expect(of('quantrac_readings_in_flight')).toBe(30);
});

test('a follower that is ahead of its look at the log shows nothing in flight', () => {
  const balance = balanceOf({ totals, consumed: 100, readingsEnd: { get: () => 99 } });
  expect(balance).toMatchObject({ readingsLogged: 100, readingsInFlight: 0 });
});
