import { judgeAhead } from '../checks/judge.ts';
import { affectedFrom, affectedTo } from '../checks/windows.ts';
import { ingestError } from '../errors.ts';
import type { ObservationKey } from '../observation.ts';
import { givenOfCode, makesRow } from './change.ts';
import type { Kept } from './kept.ts';
import type { Pending } from './pending.ts';
import type { Point } from './point.ts';
import type { PointWindow } from './point-window.ts';
import { correctionOf } from './rows.ts';

/** Where decided rows go and where kept ones come from. */
export interface Scope {
  readonly kept: Kept;
  readonly pending: Pending;
  /** Filled anew for each value. */
  readonly point: Point;
}

/**
 * The code of the point that stands `fromEnd` before the window's end (1 is the last), as it is with
 * all its neighbours. Loads the flat line's look-back where that decides; then indices move, and
 * only the distance from the end stays.
 */
export function judgeAt(window: PointWindow, fromEnd: number, given: number): number {
  const { sequence } = window;
  const at = window.to - fromEnd;
  const code = sequence.judge(window, at, given);
  if (!sequence.wantsBefore() || !window.loadLookBack(window.endAt[at] ?? 0)) return code;
  return sequence.judge(window, window.to - fromEnd, given);
}

/** Judges again what a point that came, changed or went touches, after it was judged itself. */
export function judgeAround(scope: Scope, window: PointWindow, fromEnd: number): void {
  const { rules } = window.state;
  const at = window.to - fromEnd;
  for (let before = affectedFrom(window, at, rules); before < at; before++) {
    const code = window.columns.code[before] ?? 0;
    change(scope, window, before, judgeAhead(window, before, rules, code));
  }
  if (fromEnd === 1) return;
  const lastFromEnd = window.to - affectedTo(window, at, rules);
  for (let left = fromEnd - 1; left >= lastFromEnd; left--) {
    const given = givenOfCode(window.columns.code[window.to - left] ?? 0);
    const code = judgeAt(window, left, given);
    change(scope, window, window.to - left, code);
  }
}

/** Gives the point at an index another code, and its observation a row where that shows. */
export function change(scope: Scope, window: PointWindow, at: number, code: number): void {
  const { columns, state } = window;
  const before = columns.code[at] ?? 0;
  if (code === before) return;
  const meta = columns.meta[at] ?? 0;
  columns.code[at] = code;
  if (makesRow(state, before, code, meta)) correct(scope, keyAt(window, at), window, code);
}

/** A row that says the same value with another verdict. */
export function correct(
  scope: Scope,
  key: ObservationKey,
  window: PointWindow,
  code: number,
): void {
  const { judge, rules } = window.state;
  const row = scope.kept.current(key);
  if (row === undefined) throw ingestError('INGEST_ROW_MISSING', { key });
  const { qualifiers, reason, rules: judgedBy } = row.verdict;
  const verdict = judge.verdict(code, qualifiers, reason);
  const cause = judgedBy === rules.hash ? 'flag' : 'rule';
  scope.pending.current.rows.push(correctionOf(row, verdict, cause));
}

export function keyAt(window: PointWindow, at: number): ObservationKey {
  const endAt = window.endAt[at] ?? 0;
  const startAt = endAt - (window.columns.spanMs[at] ?? 0);
  return { series: window.state.series, endAt, startAt, heightMm: window.heightMm };
}
