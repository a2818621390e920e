import type { Verdict } from '../observation.ts';
import type { Reason } from '../quality.ts';
import type { Digit, NeighbourCheck, Points, SeriesRules, ValueCheck } from './check.ts';
import { climatology } from './climatology.ts';
import { hasGivenFail, judgedCodes, testsOf } from './digits.ts';
import { flagOfTests } from './flag-of.ts';
import {
  advanceFlat,
  advanceMissing,
  flatLine,
  judgeFlatBeyond,
  type FlatRun,
} from './flat-line.ts';
import { gap } from './gap.ts';
import { endOf, valueOf } from './neighbour.ts';
import { rateOfChange } from './rate-of-change.ts';
import { isOutsideSensorRange, sensorRange } from './sensor-range.ts';
import { spike } from './spike.ts';

/** The checks, in the order of `judgedTests`: first those of a value by itself. */
export const valueChecks: readonly ValueCheck[] = [sensorRange, climatology];
export const neighbourChecks: readonly NeighbourCheck[] = [spike, rateOfChange, flatLine, gap];

/**
 * Digits of element `at` as a code (`digits.ts`), given those that came with it: a function of the
 * points alone. A missing value has 9 in every test of values and is no matter of neighbours.
 */
export function judgePoint(points: Points, at: number, rules: SeriesRules, given: number): number {
  if (Number.isNaN(valueOf(points, at))) return given * judgedCodes + missingJudged;
  const digit = flatLine.judge(points, at, rules);
  return codeButFlat(points, at, rules, given) + digit * flatWeight;
}

const spikeWeight = 25;
const flatWeight = 625;
/** Range to flat line 9 (0 in a code), gap 2. */
const missingJudged = 2 * 3_125;

function codeButFlat(points: Points, at: number, rules: SeriesRules, given: number): number {
  const value = valueOf(points, at);
  const endAt = endOf(points, at);
  let code = given * judgedCodes + sensorRange.judge(value, endAt, rules);
  code += climatology.judge(value, endAt, rules) * 5;
  code += spike.judge(points, at, rules) * spikeWeight;
  code += rateOfChange.judge(points, at, rules) * 125;
  return code + gap.judge(points, at, rules) * 3_125;
}

/**
 * The code of element `at` after its successor has come, changed or gone and nothing else: only
 * tests that look ahead can differ.
 */
export function judgeAhead(points: Points, at: number, rules: SeriesRules, code: number): number {
  if (Number.isNaN(valueOf(points, at))) return code;
  const before = (Math.floor(code / spikeWeight) % 5) as Digit;
  return code + (spike.judge(points, at, rules) - before) * spikeWeight;
}

/** 1 where neighbours may be compared with this value: it is there and no test by itself failed. */
export function soundness(value: number, rules: SeriesRules, given: number): 0 | 1 {
  if (!Number.isFinite(value) || isOutsideSensorRange(value, rules)) return 0;
  return hasGivenFail(given) ? 0 : 1;
}

/**
 * Judges elements of one series one after another, each as `judgePoint` would, but a long flat line
 * costs no more than any other value. For arrivals in order, and for a stretch judged again.
 */
export interface Sequence {
  /**
   * The code of element `at`. Any element may be asked for; its predecessor just before is cheap.
   * Elements at or before the last one asked for must not have changed since, or `forget` was called.
   */
  judge(points: Points, at: number, given: number): number;
  /**
   * Whether the last answer could be another with more values before `points.from`: load some more
   * of the rules' look-back and ask again. What lies there may be nothing: the answer then stands.
   */
  wantsBefore(): boolean;
  /**
   * The code of the element asked for last, with older values that the points do not hold: `older`
   * gives stretches of them, newest first, each ending where the one before began.
   */
  judgeBeyond(points: Points, at: number, given: number, older: Iterable<Points>): number;
  forget(): void;
}

export function createSequence(rules: SeriesRules): Sequence {
  return new RunSequence(rules);
}

/**
 * A class, and itself the run: one of them is touched for every value of a network, and what lies in
 * one place is fetched from memory once.
 */
class RunSequence implements Sequence, FlatRun {
  elementAt = Number.NaN;
  soundAt = Number.NaN;
  startAt = Number.NaN;
  base = Number.NaN;
  lowest = Number.NaN;
  highest = Number.NaN;
  isCutShort = false;
  isPartial = false;
  readonly #rules: SeriesRules;

  constructor(rules: SeriesRules) {
    this.#rules = rules;
  }

  judge(points: Points, at: number, given: number): number {
    const rules = this.#rules;
    if (Number.isNaN(valueOf(points, at))) {
      advanceMissing(points, at, this);
      return given * judgedCodes + missingJudged;
    }
    const digit = rules.flatLine === null ? 2 : advanceFlat(points, at, rules, this);
    return codeButFlat(points, at, rules, given) + digit * flatWeight;
  }

  wantsBefore(): boolean {
    return this.isCutShort;
  }

  judgeBeyond(points: Points, at: number, given: number, older: Iterable<Points>): number {
    const digit = judgeFlatBeyond(points, at, this.#rules, { run: this, older });
    return codeButFlat(points, at, this.#rules, given) + digit * flatWeight;
  }

  forget(): void {
    this.elementAt = Number.NaN;
  }
}

/** A memory of verdicts under one rule set: a network has few distinct ones. */
export interface Judge {
  readonly rules: SeriesRules;
  /**
   * The verdict of a code, the same object for the same question. A reason (the result is null)
   * makes the flag 9, whatever the tests say.
   */
  verdict(code: number, qualifiers: number, reason: Reason | null): Verdict;
}

/** Distinct codes remembered; at the bound all are forgotten and made anew. */
const codesMax = 4_096;
/** Distinct pairs of qualifiers and reason remembered for one code; further ones are made anew. */
const qualifiersMax = 64;

export function createJudge(rules: SeriesRules): Judge {
  const byCode = new Map<number, Verdict[]>();

  function make(code: number, qualifiers: number, reason: Reason | null): Verdict {
    const tests = testsOf(code);
    const flag = reason === null ? flagOfTests(tests, rules.counting, 0) : 9;
    return { flag, tests, qualifiers, reason, rules: rules.hash };
  }

  return {
    rules,
    verdict(code, qualifiers, reason) {
      let known = byCode.get(code);
      if (known === undefined) {
        if (byCode.size >= codesMax) byCode.clear();
        known = [];
        byCode.set(code, known);
      }
      for (let place = 0; place < known.length; place += 1) {
        const verdict = known[place];
        if (verdict?.qualifiers === qualifiers && verdict.reason === reason) return verdict;
      }
      const made = make(code, qualifiers, reason);
      if (known.length < qualifiersMax) known.push(made);
      return made;
    },
  };
}
