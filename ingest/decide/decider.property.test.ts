import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { observedProperties } from '../../devices/properties/catalogue.ts';
import type { ChannelBinding } from '../../devices/registry.ts';
import { checksConfig } from '../checks/config.ts';
import type { SeriesRules } from '../checks/check.ts';
import { testsOf, withGiven } from '../checks/digits.ts';
import { duplicateDigit } from '../checks/duplicate.ts';
import { flagOfTests } from '../checks/flag-of.ts';
import { judgePoint, soundness } from '../checks/judge.ts';
import { compileRules } from '../checks/rules.ts';
import type { Candidate } from '../normalise/measurement.ts';
import type { ObservationRow } from '../observation.ts';
import { judgeAlone } from './alone.ts';
import { bindingOf, candidateOf, minuteMs, senderOf, startAt } from './candidate.fixture.ts';
import { createDecider } from './decider.ts';
import { compareKeys, createPlainStore, type PlainStore } from './kept-store.fixture.ts';

const checks = checksConfig.parse({});
const property = (id: string) => {
  const found = observedProperties.find((each) => each.id === id);
  if (found === undefined) throw new Error(id);
  return found;
};
const bindings: readonly ChannelBinding[] = [
  bindingOf(0, property('air-temperature')),
  bindingOf(1, property('relative-humidity')),
  bindingOf(2, property('wind-direction')),
  bindingOf(3, property('pm2.5'), { aggregation: 'mean' }),
  // Neither spike nor rate of change: only the gap looks at what comes before.
  bindingOf(4, property('rainfall'), { aggregation: 'sum' }),
];

/** What the flags of a set must be, from the whole set at once and without the decider. */
function expectedOf(set: readonly Candidate[]): string[] {
  const byPlace = Map.groupBy(set, (each) => `${each.series} ${each.heightMm}`);
  return [...byPlace.values()].flatMap((each) => expectedOfPlace(each)).sort();
}

function expectedOfPlace(set: readonly Candidate[]): string[] {
  const [first] = set;
  if (first === undefined) return [];
  const { datastream, property: observed, station } = first.binding;
  const rules = compileRules(datastream, observed, station, checks);
  const keys = Map.groupBy(set, (each) => `${each.endAt} ${each.startAt}`);
  const winners = [...keys.values()].map((values) => {
    const distinct = values.filter(
      (value, index) =>
        values.findIndex(
          (other) => other.result === value.result && Object.is(other.resultAt, value.resultAt),
        ) === index,
    );
    const byRank = distinct.sort((a, b) => rankOf(b) - rankOf(a));
    const winner = byRank[0] as Candidate;
    const digit = duplicateDigit(winner.resultAt, byRank.slice(1));
    return { winner, given: withGiven(winner.given, 'duplicate', digit) };
  });
  winners.sort((a, b) => compareKeys(a.winner, b.winner));
  const points = winners.filter(
    ({ winner }, index) => winners[index + 1]?.winner.endAt !== winner.endAt,
  );
  const columns = columnsOf(points, rules);
  return winners.map(({ winner, given }) => {
    const at = points.findIndex((point) => point.winner === winner);
    const code =
      at >= 0
        ? judgePoint(columns, at, rules, given)
        : judgeAlone(winner.result ?? Number.NaN, winner.endAt, rules, given);
    const tests = testsOf(code);
    return lineOf(winner, { tests, flag: flagOfTests(tests, rules.counting, winner.result) });
  });
}

function rankOf(candidate: Candidate): number {
  if (!Number.isNaN(candidate.resultAt)) return candidate.resultAt;
  return candidate.result === null ? -1 : 0;
}

function columnsOf(points: readonly { winner: Candidate; given: number }[], rules: SeriesRules) {
  const values = points.map(({ winner }) => winner.result ?? Number.NaN);
  return {
    endAt: Float64Array.from(points, ({ winner }) => winner.endAt),
    value: Float64Array.from(values),
    sound: Uint8Array.from(points, ({ given }, at) =>
      soundness(values[at] ?? Number.NaN, rules, given),
    ),
    from: 0,
    to: points.length,
  };
}

function lineOf(
  key: Pick<ObservationRow, 'series' | 'endAt' | 'startAt' | 'heightMm' | 'result' | 'resultAt'>,
  verdict: { readonly tests: string; readonly flag: number },
): string {
  const { series, endAt, startAt: from, heightMm, result, resultAt } = key;
  const settled = verdict.tests.replaceAll('2', '1');
  return `${series} ${heightMm} ${endAt} ${from} ${result} ${resultAt} ${settled} ${verdict.flag}`;
}

function linesOf(store: PlainStore): string[] {
  return store
    .current()
    .map((row) => lineOf(row, row.verdict))
    .sort();
}

interface Delivery {
  readonly order: readonly Candidate[];
  /** After so many values each a stretch ends; and how many stretches wait for the store. */
  readonly stretch: number;
  readonly waiting: number;
  readonly windowsBytesMax: number;
  readonly windowPoints: number;
  readonly lookBackPointsMax: number;
}

function deliver(delivery: Delivery): PlainStore {
  const store = createPlainStore();
  const { windowsBytesMax, windowPoints, lookBackPointsMax } = delivery;
  const limits = { windowsBytesMax, windowPoints, lookBackPointsMax };
  const open = () => createDecider({ store, checks, ...limits });
  let decider = open();
  const waiting: (readonly ObservationRow[])[] = [];
  const settle = (atMost: number): void => {
    while (waiting.length > atMost) {
      store.apply(waiting.shift() ?? []);
      decider.pending.applied();
    }
  };
  for (const [index, candidate] of delivery.order.entries()) {
    const sender = senderOf(index + 1, startAt + 40 * 86_400_000 + index);
    decider.decide(candidate, sender);
    if ((index + 1) % delivery.stretch !== 0) continue;
    waiting.push(decider.pending.begin().rows);
    settle(delivery.waiting);
    // A start: everything durable, nothing in memory.
    if (waiting.length === 0 && (index + 1) % 50 === 0) decider = open();
  }
  waiting.push(decider.pending.begin().rows);
  settle(0);
  return store;
}

const noisy = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 200, max: 260 }).map((n) => n / 10) },
  { weight: 3, arbitrary: fc.constantFrom(21, 21, 21, 97.5, 0, 360) },
  { weight: 1, arbitrary: fc.constantFrom(null, -40, 55, 9_999, -9_000) },
);
const stuck = fc.oneof({ weight: 30, arbitrary: fc.constant(21) }, noisy);
const onlyPlain = fc.constant({ heightMm: Number.NaN, spanMs: 0 });
const someOdd = fc.record({
  heightMm: fc.oneof(
    { weight: 8, arbitrary: fc.constant(Number.NaN) },
    fc.constantFrom(-500, 2_000),
  ),
  spanMs: fc.constantFrom(0, 0, 0, 0, 10 * minuteMs, 60 * minuteMs),
});

interface Served {
  readonly bindings: readonly ChannelBinding[];
  /** Between two places of a value in time. */
  readonly stepMinutes: number;
}

/**
 * A day of a few series with all that goes wrong in the field, or of one sensor that is stuck, or of
 * one that sends far faster than its interval.
 */
function dayOf(result: typeof noisy, key: typeof someOdd, served: Served) {
  const { stepMinutes } = served;
  return fc.record({
    steps: fc.array(
      fc.record({
        binding: fc.constantFrom(...served.bindings),
        minutes: fc
          .integer({ min: 0, max: 200 })
          .map((n) => n * stepMinutes + (n % 17 === 0 ? 0.3 * stepMinutes : 0)),
        result,
        key,
        correctedTo: fc.oneof(
          { weight: 6, arbitrary: fc.constant(undefined) },
          fc.constantFrom(20, 21.5, 300),
        ),
      }),
      { minLength: 1, maxLength: 200, size: 'max' },
    ),
    repeats: fc.array(fc.nat(), { maxLength: 30 }),
  });
}
const day = fc.oneof(
  dayOf(noisy, someOdd, { bindings, stepMinutes: 10 }),
  dayOf(stuck, someOdd, { bindings: bindings.slice(0, 1), stepMinutes: 10 }),
  dayOf(stuck, onlyPlain, { bindings: bindings.slice(1, 2), stepMinutes: 10 }),
  dayOf(noisy, onlyPlain, { bindings: bindings.slice(0, 1), stepMinutes: 0.5 }),
  dayOf(stuck, onlyPlain, { bindings: bindings.slice(0, 1), stepMinutes: 1 }),
  dayOf(noisy, onlyPlain, { bindings: bindings.slice(4), stepMinutes: 10 }),
);

function candidatesOf(
  given: typeof day extends fc.Arbitrary<infer Day> ? Day : never,
): Candidate[] {
  const seen = new Set<string>();
  const originals: Candidate[] = [];
  const corrections: Candidate[] = [];
  for (const step of given.steps) {
    const endAt = startAt + step.minutes * minuteMs;
    const key = `${step.binding.datastream.series} ${endAt} ${step.key.spanMs} ${step.key.heightMm}`;
    if (seen.has(key)) continue;
    seen.add(key);
    const { heightMm, spanMs } = step.key;
    const changes = { startAt: endAt - spanMs, heightMm };
    originals.push(candidateOf(step.binding, endAt, step.result, changes));
    if (step.correctedTo === undefined || step.correctedTo === step.result) continue;
    const resultAt = startAt + 50 * 86_400_000;
    corrections.push(candidateOf(step.binding, endAt, step.correctedTo, { ...changes, resultAt }));
  }
  const set = [...originals, ...corrections];
  return [...set, ...given.repeats.map((index) => set[index % set.length] as Candidate)];
}

describe('the flags of a set of observations', () => {
  it('are those of the whole set judged at once, whatever order and repeats it arrives in', () => {
    fc.assert(
      fc.property(
        day.chain((given) => {
          const set = candidatesOf(given);
          return fc.record({
            set: fc.constant(set),
            order: fc.shuffledSubarray(set, { minLength: set.length, maxLength: set.length }),
          });
        }),
        fc.constantFrom(1, 3, 40),
        fc.constantFrom(0, 1, 2),
        fc.constantFrom([1_000_000, 64, 65_536], [300_000, 16, 24], [1, 16, 16]),
        ({ set, order }, stretch, waiting, [windowsBytesMax, windowPoints, lookBackPointsMax]) => {
          const store = deliver({
            order,
            stretch,
            waiting,
            windowsBytesMax: windowsBytesMax as number,
            windowPoints: windowPoints as number,
            lookBackPointsMax: lookBackPointsMax as number,
          });
          expect(linesOf(store)).toEqual(expectedOf(set));
        },
      ),
      { numRuns: 600 },
    );
  });
});
