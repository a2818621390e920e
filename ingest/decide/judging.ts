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
 * all its neighbours. Loads of the flat line's look-back what decides; then indices move, and only
 * the distance from the end stays.
 */
export function judgeAt(window: PointWindow, fromEnd: number, given: number): number {
  const { sequence } = window;
  const at = window.to - fromEnd;
  const code = sequence.judge(window, at, given);
  if (!sequence.wantsBefore()) return code;
  return judgeFarBack(window, fromEnd, given) ?? code;
}

/** Undefined where nothing older was left out. */
function judgeFarBack(window: PointWindow, fromEnd: number, given: number): number | undefined {
  const { sequence } = window;
  const endAt = window.endAt[window.to - fromEnd] ?? 0;
  let code: number | undefined;
  while (window.loadLookBack(endAt)) {
    code = sequence.judge(window, window.to - fromEnd, given);
    if (!sequence.wantsBefore()) return code;
  }
  if (!window.hasOlder(endAt)) return code;
  return sequence.judgeBeyond(window, window.to - fromEnd, given, window.older(endAt));
}

/** Judges again what a point that came, changed or went touches, after it was judged itself. */
export function judgeAround(scope: Scope, window: PointWindow, placedFromEnd: number): void {
  const { rules } = window.state;
  const placedAt = window.to - placedFromEnd;
  for (let before = affectedFrom(window, placedAt, rules); before < placedAt; before++) {
    const code = window.columns.code[before] ?? 0;
    change(scope, window, before, judgeAhead(window, before, rules, code));
  }
  if (placedFromEnd === 1) return;
  const { fromEnd, lastFromEnd } = touched(window, placedFromEnd);
  for (let left = fromEnd - 1; left >= lastFromEnd; left--) {
    const given = givenOfCode(window.columns.code[window.to - left] ?? 0);
    const code = judgeAt(window, left, given);
    change(scope, window, window.to - left, code);
  }
}

/** The last point that a change touches, and where the changed one stands once that is loaded. */
function touched(
  window: PointWindow,
  placedFromEnd: number,
): { readonly fromEnd: number; readonly lastFromEnd: number } {
  const endAt = window.endAt[window.to - placedFromEnd] ?? 0;
  for (;;) {
    const at = window.indexOf(endAt);
    const last = affectedTo(window, at, window.state.rules);
    // The last one touched is itself judged with what follows it.
    if (last + 1 < window.to || !window.loadTouched(endAt)) {
      return { fromEnd: window.to - at, lastFromEnd: window.to - last };
    }
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
