/**
 * Where a value stands among those of its key: new, a repeat, the current one from now on, or
 * superseded on arrival (design.md §6, which value counts). Each ends in rows of the stretch.
 */
import { withGiven } from '../checks/digits.ts';
import { duplicateDigit, isRepeat, isSameValue } from '../checks/duplicate.ts';
import { soundness } from '../checks/judge.ts';
import type { Candidate } from '../normalise/measurement.ts';
import { compareRank, type ObservationRow, type Verdict } from '../observation.ts';
import { valuesInForce } from '../observations/withdrawn.ts';
import { judgeAlone } from './alone.ts';
import { givenOfCode, makesRow } from './change.ts';
import { change, correct, judgeAround, judgeAt, keyAt, type Scope } from './judging.ts';
import type { Point } from './point.ts';
import { metaBits, metaOf } from './point-meta.ts';
import type { PointWindow } from './point-window.ts';
import { rankOf, rowOf, type Sender } from './rows.ts';
import type { SeriesState } from './series.ts';

export type Outcome = 'stored' | 'duplicate' | 'revision';

/** A value and who sent it. */
export interface Arrival {
  readonly candidate: Candidate;
  readonly sender: Sender;
}

/** The value's end has no point yet. */
export function placeNew(scope: Scope, window: PointWindow, arrival: Arrival): Outcome {
  const { candidate } = arrival;
  const isNewest = window.holdsNewest && isBehindAll(window, candidate.endAt);
  let revision = 0;
  if (!isNewest && window.mayKeep(candidate.endAt)) {
    const told = toldOf(scope, candidate);
    if (told.values.length > 0) return placeBeside(scope, window, told, arrival);
    revision = told.nextRevision;
  }
  fillPoint(scope.point, candidate, candidate.given, window.state);
  const at = window.insert(scope.point);
  write(scope, window, window.to - at, { arrival, given: candidate.given, revision });
  return 'stored';
}

/** There is a point with the same end at `at`: of the same key, or of one with another start. */
export function placeAtEnd(
  scope: Scope,
  window: PointWindow,
  at: number,
  arrival: Arrival,
): Outcome {
  const { candidate } = arrival;
  const { columns } = window;
  if ((columns.spanMs[at] ?? 0) !== candidate.endAt - candidate.startAt) {
    return placeTie(scope, window, at, arrival);
  }
  const meta = columns.meta[at] ?? 0;
  const isPlain = (meta & (metaBits.single | metaBits.ownResultAt)) === metaBits.single;
  if (isPlain && Number.isNaN(candidate.resultAt)) {
    const value = columns.value[at] ?? Number.NaN;
    if (isSameValue(candidate.result, Number.isNaN(value) ? null : value)) return 'duplicate';
  }
  const { values, nextRevision, nextSuperseded } = toldOf(scope, candidate);
  if (isKept(candidate, values)) {
    if (isOneValue(values)) columns.meta[at] = meta | metaBits.single;
    return 'duplicate';
  }
  const given = givenAmong(candidate, values);
  if (isOutranked(arrival, values)) {
    writeHistory(scope, window.state, arrival, { given, revision: nextSuperseded });
    doubt(scope, window, at, { current: values[0], rival: candidate });
    return 'revision';
  }
  const fromEnd = window.to - at;
  fillPoint(scope.point, candidate, given, window.state);
  scope.point.meta &= ~metaBits.single;
  window.set(scope.point, at);
  write(scope, window, fromEnd, { arrival, given, revision: nextRevision });
  return 'revision';
}

/** Two keys end at the same time: the one with the shorter interval stands among the points. */
function placeTie(scope: Scope, window: PointWindow, at: number, arrival: Arrival): Outcome {
  const { candidate } = arrival;
  const told = toldOf(scope, candidate);
  const isShorter = candidate.endAt - candidate.startAt < (window.columns.spanMs[at] ?? 0);
  if (told.values.length > 0 || !isShorter) return placeBeside(scope, window, told, arrival);
  demote(scope, window, at);
  window.sequence.forget();
  const fromEnd = window.to - at;
  fillPoint(scope.point, candidate, candidate.given, window.state);
  window.set(scope.point, at);
  const given = candidate.given;
  write(scope, window, fromEnd, { arrival, given, revision: told.nextRevision });
  return 'stored';
}

/** A value of a key that has no point of its own: judged alone. */
function placeBeside(
  scope: Scope,
  window: PointWindow,
  { values, nextRevision, nextSuperseded }: Told,
  arrival: Arrival,
): Outcome {
  const { candidate, sender } = arrival;
  if (isKept(candidate, values)) return 'duplicate';
  const given = givenAmong(candidate, values);
  if (isOutranked(arrival, values)) {
    writeHistory(scope, window.state, arrival, { given, revision: nextSuperseded });
    return 'revision';
  }
  const isNew = values.length === 0;
  scope.pending.current.rows.push(
    rowOf(candidate, sender, {
      revision: nextRevision,
      current: true,
      type: nextRevision === 0 ? 'insert' : 'correction',
      verdict: verdictAlone(window.state, candidate, given),
    }),
  );
  return isNew ? 'stored' : 'revision';
}

/** Whether all points end before. */
export function isBehindAll(window: PointWindow, endAt: number): boolean {
  return window.to === window.from || (window.endAt[window.to - 1] ?? 0) < endAt;
}

interface Writing {
  readonly arrival: Arrival;
  readonly given: number;
  readonly revision: number;
}

/** Judges the point that was put in or replaced, writes its row, and judges what it touches. */
function write(scope: Scope, window: PointWindow, fromEnd: number, writing: Writing): void {
  const { arrival, given, revision } = writing;
  const { candidate, sender } = arrival;
  if (fromEnd > 1 || revision > 0) window.sequence.forget();
  const code = judgeAt(window, fromEnd, given);
  window.columns.code[window.to - fromEnd] = code;
  const verdict = window.state.judge.verdict(code, candidate.qualifiers, candidate.reason);
  const type = revision === 0 ? 'insert' : 'correction';
  scope.pending.current.rows.push(
    rowOf(candidate, sender, { revision, current: true, type, verdict }),
  );
  judgeAround(scope, window, fromEnd);
}

/** Superseded on arrival: kept and readable, judged by itself, not in the feed. */
function writeHistory(
  scope: Scope,
  state: SeriesState,
  { candidate, sender }: Arrival,
  { given, revision }: Omit<Writing, 'arrival'>,
): void {
  const verdict = verdictAlone(state, candidate, given);
  scope.pending.current.rows.push(
    rowOf(candidate, sender, { revision, current: false, type: 'correction', verdict }),
  );
}

/** The current value has a rival now: another number with the same claim makes it suspect. */
function doubt(
  scope: Scope,
  window: PointWindow,
  at: number,
  between: { readonly current: ObservationRow | undefined; readonly rival: Candidate },
): void {
  const { columns } = window;
  columns.meta[at] = (columns.meta[at] ?? 0) & ~metaBits.single;
  const { current, rival } = between;
  if (current === undefined || duplicateDigit(current.resultAt, [rival]) === 1) return;
  const code = columns.code[at] ?? 0;
  change(
    scope,
    window,
    at,
    code + (3 - (Math.floor(code / duplicateWeight) % 5)) * duplicateWeight,
  );
}

/** Weight of the duplicate test's digit in a code: its place among the given digits, times theirs. */
const duplicateWeight = 125 * 15_625;

/** The point gives its place to a key with a shorter interval: from now on it is judged alone. */
function demote(scope: Scope, window: PointWindow, at: number): void {
  const { columns, state } = window;
  const before = columns.code[at] ?? 0;
  const value = columns.value[at] ?? Number.NaN;
  const code = judgeAlone(value, columns.endAt[at] ?? 0, state.rules, givenOfCode(before));
  if (makesRow(state, before, code, columns.meta[at] ?? 0)) {
    correct(scope, keyAt(window, at), window, code);
  }
}

function verdictAlone(state: SeriesState, candidate: Candidate, given: number): Verdict {
  const code = judgeAlone(candidate.result ?? Number.NaN, candidate.endAt, state.rules, given);
  return state.judge.verdict(code, candidate.qualifiers, candidate.reason);
}

/** The given digits of a value among the others of its key. */
function givenAmong(candidate: Candidate, revisions: readonly ObservationRow[]): number {
  const digit = duplicateDigit(candidate.resultAt, revisions);
  return withGiven(candidate.given, 'duplicate', digit);
}

function isOutranked(
  { candidate, sender }: Arrival,
  revisions: readonly ObservationRow[],
): boolean {
  const [current] = revisions;
  return current !== undefined && compareRank(rankOf(sender, candidate), current.rank) < 0;
}

interface Told {
  /** The values of the key, the current one first. */
  readonly values: readonly ObservationRow[];
  readonly nextRevision: number;
  /** Revision of the next row that is superseded on arrival. */
  readonly nextSuperseded: number;
}

function toldOf({ kept }: Scope, candidate: Candidate): Told {
  const rows = kept.revisions(candidate);
  let least = 0;
  for (const { revision } of rows) if (revision < least) least = revision;
  return {
    values: valuesInForce(rows),
    nextRevision: (rows[0]?.revision ?? -1) + 1,
    nextSuperseded: least - 1,
  };
}

/** Whether the value repeats one of its key; what was erased is not told again by a re-send. */
function isKept(candidate: Candidate, revisions: readonly ObservationRow[]): boolean {
  if (revisions[0]?.verdict.reason === 'ERASED') return true;
  return revisions.some((row) => isRepeat(candidate, row));
}

/** Whether all rows of a key say one value, judged once or often. */
function isOneValue(revisions: readonly ObservationRow[]): boolean {
  const [first] = revisions;
  return first !== undefined && revisions.every((row) => compareRank(row.rank, first.rank) === 0);
}

function fillPoint(point: Point, candidate: Candidate, given: number, state: SeriesState): void {
  const value = candidate.result ?? Number.NaN;
  let bits: number = metaBits.single;
  if (!Number.isNaN(candidate.resultAt)) bits |= metaBits.ownResultAt;
  if (candidate.timeSource === 'receive') bits |= metaBits.timeless;
  point.endAt = candidate.endAt;
  point.value = value;
  point.spanMs = candidate.endAt - candidate.startAt;
  point.code = 0;
  point.meta = metaOf(candidate.qualifiers, candidate.reason, bits);
  point.sound = soundness(value, state.rules, given);
}
