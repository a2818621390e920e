import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Points, SeriesRules } from './check.ts';
import { givenOf } from './digits.ts';
import { createSequence, judgeAhead, judgePoint } from './judge.ts';
import { judgeArrivals, judgeSet, plainRules, pointsOf, type Told } from './reference-driver.ts';
import { windowOf } from './windows.ts';

const minute = 60_000;

const ruleSets: Readonly<Record<string, SeriesRules>> = {
  plain: plainRules({
    sensorRange: { min: -5, max: 5 },
    spike: { suspect: 1, fail: 3, method: 'average' },
    rateOfChange: { suspect: 0.03, fail: 0.06, changeMin: 1 },
    flatLine: {
      tolerance: 1,
      suspectMs: 4 * minute,
      failMs: 9 * minute,
      naturalAtMost: -3,
      naturalAtLeast: null,
    },
  }),
  exact: plainRules({
    sensorRange: { min: 0, max: 3 },
    spike: { suspect: 1, fail: null, method: 'differential' },
    flatLine: {
      tolerance: 0,
      suspectMs: 3 * minute,
      failMs: null,
      naturalAtMost: null,
      naturalAtLeast: null,
    },
  }),
  steps: plainRules({
    sensorRange: { min: 0, max: 3 },
    rateOfChange: { suspect: 0.02, fail: null, changeMin: 0 },
  }),
  circular: plainRules({
    circular: true,
    rateOfChange: { suspect: 1, fail: null, changeMin: 0 },
    flatLine: {
      tolerance: 120,
      suspectMs: 3 * minute,
      failMs: 6 * minute,
      naturalAtMost: null,
      naturalAtLeast: null,
    },
  }),
};

/** Values that repeat, stand out, fail and are missing, at times with gaps and odd distances. */
const value = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0, max: 3 }) },
  { weight: 2, arbitrary: fc.integer({ min: -8, max: 8 }) },
  { weight: 1, arbitrary: fc.constant(Number.NaN) },
);
const step = fc.oneof(
  { weight: 8, arbitrary: fc.constant(minute) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 4 * minute }) },
);

function series(circular: boolean): fc.Arbitrary<Told[]> {
  return fc.array(fc.tuple(value, step), { minLength: 1, maxLength: 45 }).map((drawn) => {
    let endAt = 0;
    return drawn.map(([each, stepMs]) => {
      endAt += stepMs;
      return { endAt, value: circular ? (each * 60 + 360) % 360 : each };
    });
  });
}

describe.each(Object.entries(ruleSets))('with %s rules', (_, rules) => {
  test('verdicts do not depend on the order of arrival', () => {
    const shuffled = series(rules.circular).chain((told) =>
      fc.tuple(fc.constant(told), fc.shuffledSubarray(told, { minLength: told.length })),
    );
    fc.assert(
      fc.property(shuffled, ([told, arrivals]) => {
        expect(judgeArrivals(arrivals, rules)).toEqual(judgeSet(told, rules));
      }),
      { numRuns: 300 },
    );
  });

  test('values that come twice, changed or not, end as if they had come once', () => {
    const repeated = series(rules.circular).chain((told) =>
      fc.tuple(
        fc.constant(told),
        fc.array(fc.tuple(fc.nat(told.length - 1), value), { maxLength: 30 }),
      ),
    );
    fc.assert(
      fc.property(repeated, ([told, early]) => {
        const first = early.map(([at, other]) => ({ endAt: told[at]?.endAt ?? 0, value: other }));
        expect(judgeArrivals([...first, ...told], rules)).toEqual(judgeSet(told, rules));
      }),
      { numRuns: 300 },
    );
  });

  test('a sequence says what each point by itself says, wherever it starts', () => {
    const given = givenOf({ syntax: 1 });
    fc.assert(
      fc.property(series(rules.circular), fc.nat(20), (told, start) => {
        const points = pointsOf(told, rules);
        const sequence = createSequence(rules);
        for (let at = Math.min(start, told.length - 1); at < told.length; at += 1) {
          expect(sequence.judge(points, at, given)).toBe(judgePoint(points, at, rules, given));
        }
      }),
      { numRuns: 300 },
    );
  });

  test('a sequence that was not told of a skip walks anew', () => {
    const given = givenOf({ syntax: 1 });
    fc.assert(
      fc.property(
        series(rules.circular),
        fc.array(fc.nat(44), { maxLength: 40 }),
        (told, visits) => {
          const points = pointsOf(told, rules);
          const sequence = createSequence(rules);
          for (const visit of visits) {
            const at = visit % told.length;
            expect(sequence.judge(points, at, given)).toBe(judgePoint(points, at, rules, given));
          }
        },
      ),
    );
  });

  test('what lies outside the declared window cannot matter', () => {
    const given = givenOf({ syntax: 1 });
    const { lookBackMs, lookAheadMs } = windowOf(rules);
    fc.assert(
      fc.property(series(rules.circular), (told) => {
        for (const [at, { endAt }] of told.entries()) {
          const near = told.filter(
            (each) => each.endAt >= endAt - lookBackMs && each.endAt <= endAt + lookAheadMs,
          );
          const place = near.findIndex((each) => each.endAt === endAt);
          expect(judgePoint(pointsOf(near, rules), place, rules, given)).toBe(
            judgePoint(pointsOf(told, rules), at, rules, given),
          );
        }
      }),
    );
  });
});

describe('a sequence with few points loaded', () => {
  const rules = ruleSets['exact'] ?? plainRules();
  const given = givenOf({ syntax: 1 });
  const flat = (count: number) =>
    Array.from({ length: count }, (_, at) => ({ endAt: at * minute, value: 2 }));

  test('asks for more only when the run reaches the first point undecided', () => {
    const points: Points = { ...pointsOf(flat(9), rules), from: 7 };
    const sequence = createSequence(rules);
    sequence.judge(points, 8, given);
    expect(sequence.wantsBefore()).toBe(true);
    const all: Points = { ...points, from: 0 };
    sequence.forget();
    expect(sequence.judge(all, 8, given)).toBe(judgePoint(all, 8, rules, given));
    expect(sequence.wantsBefore()).toBe(false);
  });

  test('asks for nothing at a natural constant, and at the first judged value after it', () => {
    const natural = ruleSets['plain'] ?? plainRules();
    const told = flat(30).map(({ endAt }, at) => ({ endAt, value: at < 29 ? -3 : -2.5 }));
    const points: Points = { ...pointsOf(told, natural), from: 25 };
    const sequence = createSequence(natural);
    for (const at of [27, 28]) {
      sequence.judge(points, at, given);
      expect(sequence.wantsBefore()).toBe(false);
    }
    sequence.judge(points, 29, given);
    expect(sequence.wantsBefore()).toBe(true);
    const older = [
      { ...points, from: 10, to: 25 },
      { ...points, from: 0, to: 10 },
    ];
    const whole = { ...points, from: 0 };
    expect(sequence.judgeBeyond(points, 29, given, older)).toBe(
      judgePoint(whole, 29, natural, given),
    );
    expect(sequence.wantsBefore()).toBe(false);
  });

  test('asks for nothing where the value before is another', () => {
    const points = pointsOf([{ endAt: 0, value: 1 }, ...flat(9).slice(1)], rules);
    const sequence = createSequence(rules);
    sequence.judge(points, 2, given);
    expect(sequence.wantsBefore()).toBe(false);
  });

  test('keeps the length of a run whose start is no longer loaded', () => {
    const told = flat(30);
    const sequence = createSequence(rules);
    for (let at = 0; at < told.length; at += 1) {
      const points: Points = { ...pointsOf(told, rules), from: Math.max(0, at - 1), to: at + 1 };
      const whole: Points = { ...points, from: 0 };
      expect(sequence.judge(points, at, given)).toBe(judgePoint(whole, at, rules, given));
    }
  });

  test('asks for nothing at a missing value', () => {
    const points = pointsOf([{ endAt: 0, value: Number.NaN }], rules);
    const sequence = createSequence(rules);
    sequence.judge(points, 0, given);
    expect(sequence.wantsBefore()).toBe(false);
  });
});

test('only tests that look ahead change when the successor comes', () => {
  const rules = ruleSets['plain'] ?? plainRules();
  const given = givenOf({ syntax: 1 });
  fc.assert(
    fc.property(series(false), (told) => {
      const whole = pointsOf(told, rules);
      for (let at = 0; at < told.length; at += 1) {
        const code = judgePoint({ ...whole, to: at + 1 }, at, rules, given);
        const next = { ...whole, to: Math.min(at + 2, whole.to) };
        expect(judgeAhead(next, at, rules, code)).toBe(judgePoint(next, at, rules, given));
      }
    }),
  );
});
