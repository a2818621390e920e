import { describe, expect, test } from 'vitest';
import { createSeededRandom } from '../devices/random.ts';
import {
  createFaults,
  faultNames,
  shuffle,
  type Draft,
  type Emission,
  type FaultName,
} from './faults.ts';

const draftAt = (index: number): Draft => ({
  at: 1_700_000_000_000 + index * 60_000,
  values: { temp: 20 + index * 0.1, rh: 60 },
});

function run(
  names: readonly FaultName[],
  rate: number,
  count = 400,
): { drafts: Draft[]; emissions: Emission[] } {
  const faults = createFaults(createSeededRandom(11), { names, rate, heldMessagesMax: 24 });
  const emissions = Array.from({ length: count }, (_, index) => faults(draftAt(index)));
  return { drafts: emissions.flatMap(({ drafts }) => drafts), emissions };
}

test('without faults every message goes out once, in order, unaltered', () => {
  expect(run([], 1).drafts).toEqual(Array.from({ length: 400 }, (_, index) => draftAt(index)));
});

test('the same seed gives the same faults', () => {
  expect(run(faultNames, 0.2)).toEqual(run(faultNames, 0.2));
});

describe('each fault does what it is named for', () => {
  const times = (drafts: readonly Draft[]) => drafts.map(({ at }) => at);

  test('duplicate sends the same message again', () => {
    const { drafts } = run(['duplicate'], 0.2);
    expect(drafts.length).toBeGreaterThan(400);
    expect(new Set(times(drafts)).size).toBe(400);
  });

  test('late and shuffled hold messages back but lose none that are released', () => {
    for (const name of ['late', 'shuffled'] as const) {
      const { drafts, emissions } = run([name], 0.2);
      expect(emissions.some((emission) => emission.drafts.length === 0)).toBe(true);
      expect(new Set(times(drafts)).size).toBeGreaterThan(370);
    }
    const { drafts } = run(['shuffled'], 0.5);
    expect(times(drafts)).not.toEqual(times(drafts).toSorted((a, b) => a - b));
  });

  test('spike, sentinel and stuck change values, clock changes the time', () => {
    expect(
      run(['spike'], 0.3).drafts.some(({ values }) =>
        Object.values(values).some((value) => value > 130),
      ),
    ).toBe(true);
    expect(
      run(['sentinel'], 0.3).drafts.some(({ values }) => Object.values(values).includes(-9999)),
    ).toBe(true);
    const stuck = run(['stuck'], 0.3).drafts;
    expect(
      stuck.some(
        ({ values }, index) => index > 0 && values['temp'] === stuck[index - 1]?.values['temp'],
      ),
    ).toBe(true);
    expect(run(['clock'], 0.3).drafts.some(({ at }) => at < 86_400_000)).toBe(true);
    expect(
      run(['drift'], 0.3).drafts.some(
        ({ at, values }) => (values['temp'] ?? 0) > 20.2 + (at - 1_700_000_000_000) / 600_000,
      ),
    ).toBe(true);
  });

  test('half marks one message of the emission', () => {
    expect(run(['half'], 0.3).emissions.some(({ half }) => half)).toBe(true);
  });
});

test('a shuffle keeps every item', () => {
  const items = Array.from({ length: 50 }, (_, index) => index);
  const shuffled = shuffle(items, createSeededRandom(1));
  expect(shuffled).not.toEqual(items);
  expect(shuffled.toSorted((a, b) => a - b)).toEqual(items);
});
