import { expect, test } from 'vitest';
import { propertyCatalogue } from '../../devices/properties/catalogue.ts';
import { checksConfig } from '../checks/config.ts';
import type { ObservationRow } from '../observation.ts';
import { bindingOf, candidateOf, minuteMs, senderOf, startAt } from './candidate.fixture.ts';
import { createDecider, type Decider } from './decider.ts';
import { createPlainStore, type PlainStore } from './kept-store.fixture.ts';

const temperature = propertyCatalogue().get('air-temperature');
if (temperature === undefined) throw new Error('air-temperature is in the catalogue');
const binding = bindingOf(1, temperature);
const at = (slot: number): number => startAt + slot * 10 * minuteMs;

interface Scene {
  readonly store: PlainStore;
  readonly decider: Decider;
  /** What was decided becomes durable. */
  readonly settle: () => readonly ObservationRow[];
}

function open(): Scene {
  const store = createPlainStore();
  const decider = createDecider({
    store,
    checks: checksConfig.parse({}),
    windowsBytesMax: 1_000_000,
    windowPoints: 16,
    lookBackPointsMax: 65_536,
  });
  return {
    store,
    decider,
    settle() {
      const { rows } = decider.pending.begin();
      store.apply(rows);
      decider.pending.applied();
      return rows;
    },
  };
}

let position = 0;
function say(decider: Decider, slot: number, value: number, device = 'd') {
  position += 1;
  const sender = { ...senderOf(position, at(slot) + 1_000), device };
  return decider.decide(candidateOf(binding, at(slot), value), sender);
}

const whole = {
  device: 'd',
  fromAt: at(0),
  toAt: at(100),
  receivedAt: at(100),
  position: 1_000,
  upTo: 999,
};

/** A digit that settles from 2 to 1, or back, makes no row. */
const verdicts = (store: PlainStore): string[] =>
  store
    .current()
    .filter(({ type }) => type !== 'deletion')
    .map(
      ({ endAt, result, verdict }) =>
        `${(endAt - startAt) / minuteMs} ${result} ${verdict.tests.replaceAll('2', '1')}`,
    );

test('each current value of the stretch is followed by a deletion that says why', () => {
  const { decider, store, settle } = open();
  for (let slot = 0; slot < 5; slot++) say(decider, slot, 20 + slot / 10);
  settle();
  expect(decider.erase(binding, { ...whole, fromAt: at(1), toAt: at(3) })).toBe(2);
  const deleted = settle().filter(({ type }) => type === 'deletion');
  expect(deleted).toMatchObject([
    { endAt: at(1), cause: 'erasure', result: null, verdict: { flag: 9, reason: 'ERASED' } },
    { endAt: at(2), cause: 'erasure', current: true, raw: { name: '', value: null } },
  ]);
  expect(store.current().filter(({ type }) => type !== 'deletion')).toHaveLength(3);
});

test('what is not durable yet is deleted too, and a second time there is nothing left', () => {
  const { decider, settle } = open();
  say(decider, 0, 20);
  expect(decider.erase(binding, whole)).toBe(1);
  expect(decider.erase(binding, whole)).toBe(0);
  settle();
  expect(decider.erase(binding, whole)).toBe(0);
});

test('values of another device stay, and neighbours are judged as if the erased had never been', () => {
  const values = [20, 20.1, 35, 20.2, 20.3, 20.4, 20.4];
  const erased = open();
  values.forEach((value, slot) => say(erased.decider, slot, value, slot === 2 ? 'd' : 'other'));
  erased.settle();
  const before = verdicts(erased.store);
  expect(erased.decider.erase(binding, whole)).toBe(1);
  erased.settle();
  const never = open();
  values.forEach((value, slot) => {
    if (slot !== 2) say(never.decider, slot, value, 'other');
  });
  never.settle();
  expect(verdicts(erased.store)).toEqual(verdicts(never.store));
  expect(before.filter((line) => !line.startsWith('20 '))).not.toEqual(verdicts(never.store));
});

test('what came after the order is not taken', () => {
  const { decider, settle } = open();
  say(decider, 0, 20);
  say(decider, 0, 30);
  settle();
  expect(decider.erase(binding, { ...whole, upTo: position - 1 })).toBe(0);
  expect(decider.erase(binding, { ...whole, upTo: position })).toBe(1);
});

test('a re-send of what was erased is a duplicate, durable or not', () => {
  const { decider, store, settle } = open();
  say(decider, 0, 20);
  say(decider, 1, 21);
  settle();
  decider.erase(binding, whole);
  expect(say(decider, 0, 20)).toBe('duplicate');
  settle();
  expect(say(decider, 1, 99)).toBe('duplicate');
  expect(say(decider, 2, 22)).toBe('stored');
  settle();
  expect(verdicts(store)).toHaveLength(1);
});
