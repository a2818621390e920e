import { digitAt, givenOfTests, judgedCodes, judgedTests } from '../checks/digits.ts';
import type { SeriesRules } from '../checks/check.ts';
import { soundness } from '../checks/judge.ts';
import type { ObservationRow } from '../observation.ts';
import { metaBits, metaOf } from './point-meta.ts';

/** A point as a window takes it in; `value` is NaN for a missing result. */
export interface Point {
  endAt: number;
  value: number;
  spanMs: number;
  /** The digits of its verdict (`checks/digits.ts`). */
  code: number;
  meta: number;
  sound: number;
}

export function createPoint(): Point {
  return { endAt: 0.5, value: 0.5, spanMs: 0.5, code: 0, meta: 0, sound: 0 };
}

/** The point of a row that was decided before. Whether its key keeps other values is not known. */
export function pointOfRow(row: ObservationRow, rules: SeriesRules): Point {
  const { tests, qualifiers, reason } = row.verdict;
  const given = givenOfTests(tests);
  const value = row.result ?? Number.NaN;
  let bits = Number.isNaN(row.resultAt) ? 0 : metaBits.ownResultAt;
  if (row.payloadHash !== -1) bits |= metaBits.timeless;
  return {
    endAt: row.endAt,
    value,
    spanMs: row.endAt - row.startAt,
    code: given * judgedCodes + judgedOfTests(tests),
    meta: metaOf(qualifiers, reason, bits),
    sound: soundness(value, rules, given),
  };
}

function judgedOfTests(tests: string): number {
  let judged = 0;
  for (let place = judgedTests.length - 1; place >= 0; place--) {
    judged = judged * 5 + (digitAt(tests, judgedTests[place] ?? 'gap') % 9);
  }
  return judged;
}
