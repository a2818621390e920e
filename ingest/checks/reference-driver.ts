import type { Points, SeriesRules } from './check.ts';
import { givenOf, testsOf } from './digits.ts';
import { createSequence, judgeAhead, judgePoint, soundness } from './judge.ts';
import { affectedFrom, affectedTo } from './windows.ts';

/**
 * The plainest right way to judge a series, for tests to measure the decider and the checks by:
 * everything in memory, nothing clever. Quantrac itself judges in `ingest/decide`.
 */
export interface Told {
  readonly endAt: number;
  /** NaN: missing. */
  readonly value: number;
}

const given = givenOf({ syntax: 1, time: 1, duplicate: 1 });

export function pointsOf(told: readonly Told[], rules: SeriesRules): Points {
  return {
    endAt: Float64Array.from(told, ({ endAt }) => endAt),
    value: Float64Array.from(told, ({ value }) => value),
    sound: Uint8Array.from(told, ({ value }) => soundness(value, rules, given)),
    from: 0,
    to: told.length,
  };
}

/** Tests of every value of a set, judged when all are there. The order of `told` does not matter. */
export function judgeSet(told: readonly Told[], rules: SeriesRules): string[] {
  const ordered = told.toSorted((left, right) => left.endAt - right.endAt);
  const points = pointsOf(ordered, rules);
  return ordered.map((_, at) => testsOf(judgePoint(points, at, rules, given)));
}

/**
 * Tests of every value, judged as they arrive one after another: each is put in its place, and only
 * what the windows name is judged again. A value told twice replaces the first.
 */
export function judgeArrivals(told: readonly Told[], rules: SeriesRules): string[] {
  const ordered: { endAt: number; value: number; code: number }[] = [];
  const sequence = createSequence(rules);
  for (const { endAt, value } of told) {
    let at = ordered.findIndex((known) => known.endAt >= endAt);
    const isNewest = at < 0;
    if (isNewest) at = ordered.length;
    const isReplaced = ordered[at]?.endAt === endAt;
    ordered.splice(at, isReplaced ? 1 : 0, { endAt, value, code: -1 });
    const points = pointsOf(ordered, rules);
    if (!isNewest) sequence.forget();
    const first = affectedFrom(points, at, rules);
    const last = affectedTo(points, at, rules);
    for (let each = first; each <= last; each += 1) {
      const known = ordered[each];
      if (known === undefined) continue;
      const isAheadOnly = isNewest && each < at;
      known.code = isAheadOnly
        ? judgeAhead(points, each, rules, known.code)
        : sequence.judge(points, each, given);
    }
  }
  return ordered.map(({ code }) => testsOf(code));
}

/** Rules in which every test is off but those named. */
export function plainRules(named: Partial<SeriesRules> = {}): SeriesRules {
  return {
    intervalMs: 60_000,
    aggregation: 'instant',
    circular: false,
    sensorRange: null,
    userRange: null,
    climatology: null,
    spike: null,
    rateOfChange: null,
    flatLine: null,
    gapMaxMs: 180_000,
    counting: ['syntax', 'time', 'sensorRange', 'spike', 'rateOfChange', 'flatLine'],
    timeZone: 'UTC',
    monthOf: (at) => new Date(at).getUTCMonth(),
    hash: '00000000',
    ...named,
  };
}
