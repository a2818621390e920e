/**
 * What a step of a reprocess says of keys of one series: values told again at their own rank, ranks
 * that are no value any more, keys whose verdict is another one now. The rows are the decider's own:
 * the greatest rank is current, whatever came in meanwhile, and each verdict is that of the whole set.
 * A value that stands already as it is told makes no row, so a step may come twice.
 */
import { givenOfTests, withGiven } from '../checks/digits.ts';
import { duplicateDigit } from '../checks/duplicate.ts';
import {
  compareRank,
  type ObservationKey,
  type ObservationRow,
  type Rank,
} from '../observation.ts';
import { settledTests } from '../quality.ts';
import { valuesInForce } from '../observations/withdrawn.ts';
import { judgeAlone } from './alone.ts';
import { change, keyAt, type Scope } from './judging.ts';
import type { WindowSource } from './point-window.ts';
import { correctionOf } from './rows.ts';
import { dropWindows, type SeriesState } from './series.ts';
import { judgeStretches } from './stretches.ts';

/** A value as a registry version makes it of its reading; the decider adds the rest of the row. */
export interface RetoldValue extends Pick<
  ObservationRow,
  | 'result'
  | 'resultAt'
  | 'receivedAt'
  | 'rank'
  | 'device'
  | 'raw'
  | 'payloadHash'
  | 'latitude'
  | 'longitude'
> {
  /** Digits that came with it (`checks/digits.ts`), the duplicate's 1. */
  readonly given: number;
  readonly qualifiers: number;
  readonly reason: ObservationRow['verdict']['reason'];
}

/** With neither values nor ranks the key is only judged again. */
export interface KeyRestatement extends Omit<ObservationKey, 'series'> {
  readonly withdraw: readonly Rank[];
  /** Those of one rank (one message said two) in the order of the message. */
  readonly tell: readonly RetoldValue[];
}

export interface SeriesRestatement {
  readonly keys: readonly KeyRestatement[];
  /** The next restatement goes on there, and judges from there on: else what is about to change is judged. */
  readonly beforeAt: number;
}

export interface Restating {
  readonly scope: Scope;
  readonly source: WindowSource;
  readonly state: SeriesState;
}

/** Answers how many observations have rows of it. */
export function restateValues(restating: Restating, { keys, beforeAt }: SeriesRestatement): number {
  const { scope, state } = restating;
  const { rows } = scope.pending.current;
  const asked = new Map<string, Asked>();
  const ordered = keys.toSorted((a, b) => a.endAt - b.endAt);
  const named = ordered.map(({ endAt, startAt, heightMm }) => {
    return { series: state.series, endAt, startAt, heightMm };
  });
  for (const [at, all] of scope.kept.revisionsOf(named).entries()) {
    const restatement = ordered[at] as KeyRestatement;
    const key = named[at] as ObservationKey;
    // What was erased stays so.
    if (all[0]?.verdict.reason === 'ERASED') continue;
    const made = rowsOf(state, key, all, restatement);
    rows.push(...made);
    const fresh = made.at(-1);
    asked.set(nameOf(key), {
      newest: fresh ?? all[0],
      key,
      isFresh: fresh !== undefined,
      isChanged: fresh !== undefined,
    });
  }
  dropWindows(state);
  const byHeight = Map.groupBy(asked.values(), ({ key }) => key.heightMm);
  for (const [heightMm, some] of byHeight)
    judgeAsked(restating, { heightMm, beforeAt }, { some, asked });
  let changed = 0;
  for (const { isChanged } of asked.values()) if (isChanged) changed++;
  return changed;
}

interface Asked {
  readonly key: ObservationKey;
  readonly newest: ObservationRow | undefined;
  /** That row is new: it takes the verdict instead of being followed by it. */
  readonly isFresh: boolean;
  isChanged: boolean;
}

function nameOf({ endAt, startAt, heightMm }: Omit<ObservationKey, 'series'>): string {
  return `${endAt} ${startAt} ${heightMm}`;
}

/** What the key's rows must be followed by; none where it stands as it is told. */
function rowsOf(
  state: SeriesState,
  key: ObservationKey,
  all: readonly ObservationRow[],
  { withdraw, tell }: KeyRestatement,
): ObservationRow[] {
  const values = valuesInForce(all);
  const gone = withdraw.flatMap((rank) => newestOf(values, rank) ?? []);
  const told = groupsOf(tell).filter((group) => !stands(group, values));
  const isReplaced = (row: ObservationRow): boolean =>
    gone.some((one) => compareRank(one.rank, row.rank) === 0) ||
    told.some(([one]) => one !== undefined && compareRank(one.rank, row.rank) === 0);
  const left = values.filter((row) => !isReplaced(row));
  const made: ObservationRow[] = [];
  let revision = (all[0]?.revision ?? -1) + 1;
  for (const row of gone) made.push({ ...row, ...deletion, revision: revision++ });
  const set = [...left, ...told.flat()];
  for (const group of told) {
    for (const [place, value] of group.entries()) {
      const cause = place === 0 ? 'reprocess' : 'value';
      const others = set.filter((one) => one !== value);
      made.push(rowOfValue(state, key, value, { revision: revision++, cause, others }));
    }
  }
  const again = currentAgain(state, left, set, {
    last: told.at(-1)?.at(-1),
    isMade: made.length > 0,
  });
  if (again !== undefined) made.push({ ...again, revision });
  return made;
}

const deletion = { current: true, type: 'deletion', cause: 'reprocess' } as const;

/**
 * The row of the value that is current and was not told again, where another row stands behind it
 * now, or where it has another rival than its verdict says.
 */
function currentAgain(
  state: SeriesState,
  left: readonly ObservationRow[],
  set: readonly (ObservationRow | RetoldValue)[],
  { last, isMade }: { readonly last: RetoldValue | undefined; readonly isMade: boolean },
): ObservationRow | undefined {
  const current = greatest(left);
  if (current === undefined || (last !== undefined && compareRank(last.rank, current.rank) >= 0)) {
    return undefined;
  }
  const others = set.filter(({ rank }) => compareRank(rank, current.rank) !== 0);
  const given = givenOfTests(current.verdict.tests);
  const wanted = withGiven(given, 'duplicate', duplicateDigitAmong(current, set, others));
  if (!isMade && wanted === given) return undefined;
  const code = judgeAlone(current.result ?? Number.NaN, current.endAt, state.rules, wanted);
  const { qualifiers, reason } = current.verdict;
  return correctionOf(current, state.judge.verdict(code, qualifiers, reason), 'rule');
}

/** Rows of one rank are one value judged often, or values of one message. */
function duplicateDigitAmong(
  current: ObservationRow,
  set: readonly (ObservationRow | RetoldValue)[],
  others: readonly (ObservationRow | RetoldValue)[],
): 1 | 3 {
  const siblings = set.filter(
    (one) => compareRank(one.rank, current.rank) === 0 && one.result !== current.result,
  );
  return duplicateDigit(current.resultAt, [...others, ...siblings]) === 3 ? 3 : 1;
}

function rowOfValue(
  state: SeriesState,
  key: ObservationKey,
  value: RetoldValue,
  place: {
    readonly revision: number;
    readonly cause: 'reprocess' | 'value';
    readonly others: readonly (ObservationRow | RetoldValue)[];
  },
): ObservationRow {
  const { revision, cause, others } = place;
  const given = withGiven(value.given, 'duplicate', duplicateDigit(value.resultAt, others));
  const code = judgeAlone(value.result ?? Number.NaN, key.endAt, state.rules, given);
  return {
    series: state.series,
    endAt: key.endAt,
    startAt: key.startAt,
    heightMm: key.heightMm,
    revision,
    current: true,
    type: revision === 0 ? 'insert' : 'correction',
    cause,
    result: value.result,
    verdict: state.judge.verdict(code, value.qualifiers, value.reason),
    resultAt: value.resultAt,
    receivedAt: value.receivedAt,
    publishedAt: value.receivedAt,
    rank: value.rank,
    device: value.device,
    raw: value.raw,
    payloadHash: value.payloadHash,
    latitude: value.latitude,
    longitude: value.longitude,
  };
}

/** Values of one rank together, the greatest rank last. */
function groupsOf(tell: readonly RetoldValue[]): RetoldValue[][] {
  const groups: RetoldValue[][] = [];
  for (const value of tell.toSorted((a, b) => compareRank(a.rank, b.rank))) {
    const last = groups.at(-1);
    if (last?.[0] !== undefined && compareRank(last[0].rank, value.rank) === 0) last.push(value);
    else groups.push([value]);
  }
  return groups;
}

/** Whether the key says of this rank just what is told. */
function stands(group: readonly RetoldValue[], values: readonly ObservationRow[]): boolean {
  const [first] = group;
  if (first === undefined) return true;
  const told = new Set(group.map(identityOf));
  const kept = values
    .filter(({ rank }) => compareRank(rank, first.rank) === 0)
    .map((row) => identityOf(valueOfRow(row)));
  return told.size === new Set(kept).size && kept.every((one) => told.has(one));
}

/** Everything that a value says, and nothing of how it was judged. */
export function identityOf(value: RetoldValue): string {
  const { result, resultAt, receivedAt, device, raw, payloadHash, latitude, longitude } = value;
  const { given, qualifiers, reason } = value;
  const zero = Object.is(result, -0) ? '-' : '';
  const sent = JSON.stringify([device, raw.name, raw.value, raw.unit, raw.time]);
  const place = `${latitude} ${longitude} ${payloadHash}`;
  return `${zero}${result} ${resultAt} ${receivedAt} ${given} ${qualifiers} ${reason} ${place} ${sent}`;
}

/** A kept row as it would be told. */
export function valueOfRow(row: ObservationRow): RetoldValue {
  const { result, resultAt, receivedAt, rank, device, raw, payloadHash, latitude, longitude } = row;
  const { tests, qualifiers, reason } = row.verdict;
  const given = withGiven(givenOfTests(tests), 'duplicate', 1);
  const sent = { result, resultAt, receivedAt, rank, device, raw, payloadHash };
  return { ...sent, latitude, longitude, given, qualifiers, reason };
}

function newestOf(values: readonly ObservationRow[], rank: Rank): ObservationRow | undefined {
  let newest: ObservationRow | undefined;
  for (const row of values) {
    if (compareRank(row.rank, rank) !== 0) continue;
    if (newest === undefined || row.revision > newest.revision) newest = row;
  }
  return newest;
}

function greatest(values: readonly ObservationRow[]): ObservationRow | undefined {
  let found: ObservationRow | undefined;
  for (const row of values) {
    const order = found === undefined ? 1 : compareRank(row.rank, found.rank);
    if (order > 0 || (order === 0 && row.revision > (found?.revision ?? -1))) found = row;
  }
  return found;
}

interface Judging {
  readonly some: readonly Asked[];
  readonly asked: ReadonlyMap<string, Asked>;
}

/** Judges what was asked for and what it touches, at one height. */
function judgeAsked(
  restating: Restating,
  { heightMm, beforeAt }: { readonly heightMm: number; readonly beforeAt: number },
  { some, asked }: Judging,
): void {
  const { scope, source, state } = restating;
  const ends = [...new Set(some.map(({ key }) => key.endAt))].sort((a, b) => a - b);
  judgeStretches({ source, state, heightMm, beforeAt }, ends, (window, at, code) => {
    const one = asked.get(nameOf(keyAt(window, at)));
    if (one === undefined) return change(scope, window, at, code);
    window.columns.code[at] = code;
    judgeOne(restating, one, code);
  });
  judgeBesides(restating, heightMm, { ends, asked });
}

/** The newest row of a key gets the verdict of this code. */
function judgeOne({ scope, state }: Restating, one: Asked, code: number): void {
  const row = one.newest;
  if (row === undefined || row.type === 'deletion') return;
  const { qualifiers, reason, rules } = row.verdict;
  const verdict = state.judge.verdict(code, qualifiers, reason);
  if (one.isFresh) {
    // Nobody has seen it yet: what is in the stretch being decided is not published.
    (row as { verdict: ObservationRow['verdict'] }).verdict = verdict;
  } else if (isVisibleChange(row.verdict, verdict)) {
    const cause = rules === state.rules.hash ? 'flag' : 'rule';
    scope.pending.current.rows.push(correctionOf(row, verdict, cause));
    one.isChanged = true;
  }
}

/** A change of verdict that makes a row: a digit that settles from 2 to 1 makes none. */
export function isVisibleChange(
  before: ObservationRow['verdict'],
  after: ObservationRow['verdict'],
): boolean {
  return before.flag !== after.flag || settledTests(before.tests) !== settledTests(after.tests);
}

/** Keys that end as another with a shorter interval does: no points, judged by themselves. */
function judgeBesides(
  restating: Restating,
  heightMm: number,
  { ends, asked }: { readonly ends: readonly number[]; readonly asked: Judging['asked'] },
): void {
  const { scope, state } = restating;
  const { series } = state;
  const [first] = ends;
  const last = ends.at(-1);
  if (first === undefined || last === undefined) return;
  const rows = scope.kept.range({ series, heightMm, fromAt: first, toAt: last + 1 });
  const isEnd = new Set(ends);
  for (const [at, row] of rows.entries()) {
    if (rows[at + 1]?.endAt !== row.endAt || !isEnd.has(row.endAt)) continue;
    const given = givenOfTests(row.verdict.tests);
    const code = judgeAlone(row.result ?? Number.NaN, row.endAt, state.rules, given);
    const one = asked.get(nameOf(row)) ?? {
      key: row,
      newest: row,
      isFresh: false,
      isChanged: false,
    };
    judgeOne(restating, one, code);
  }
}
