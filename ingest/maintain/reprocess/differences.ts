/** What a key says now against what it would say: what a step must tell the decider of it. */
import {
  identityOf,
  isVisibleChange,
  valueOfRow,
  type KeyRestatement,
  type RetoldValue,
} from '../../decide/restating.ts';
import { compareRank, type ObservationRow, type Raw } from '../../observation.ts';
import { valuesInForce } from '../../observations/withdrawn.ts';
import { compareKeys } from '../../store/columns/rows.ts';
import type { StoreReader } from '../../store/store.ts';
import { keysOf, type Span } from './key-pages.ts';

/** `changed`: another value, `judged`: another verdict alone. */
export const differenceKinds = ['added', 'changed', 'removed', 'judged'] as const;
export type DifferenceKind = (typeof differenceKinds)[number];

export interface Difference {
  readonly kind: DifferenceKind;
  readonly restatement: KeyRestatement;
  /** What the key says now of the ranks that are withdrawn. */
  readonly withdrawn: readonly RetoldValue[];
}

export interface Stores {
  readonly live: Pick<StoreReader, 'kept' | 'position'>;
  readonly scratch: Pick<StoreReader, 'kept' | 'position'>;
}

const nothing: readonly ObservationRow[] = [];

/** Of each key in order: undefined where both say the same. */
export function* differencesOf(stores: Stores, span: Span): Generator<Difference | undefined> {
  const lives = keysOf(stores.live, span);
  const scratches = keysOf(stores.scratch, span);
  let live = lives.next();
  let scratch = scratches.next();
  while (live.done !== true || scratch.done !== true) {
    const order = orderOf(live.value?.[0], scratch.value?.[0]);
    yield differenceOf(
      order <= 0 ? (live.value ?? nothing) : nothing,
      order >= 0 ? (scratch.value ?? nothing) : nothing,
    );
    if (order <= 0) live = lives.next();
    if (order >= 0) scratch = scratches.next();
  }
}

/** What is not there comes last. */
function orderOf(one: ObservationRow | undefined, other: ObservationRow | undefined): number {
  if (one === undefined) return 1;
  return other === undefined ? -1 : compareKeys(one, other);
}

/** Rows of one key, as `revisions` gives them. Undefined where both say the same. */
export function differenceOf(
  live: readonly ObservationRow[],
  scratch: readonly ObservationRow[],
): Difference | undefined {
  const [newest] = live;
  // What was erased stays erased.
  if (newest?.verdict.reason === 'ERASED') return undefined;
  const kept = valuesOf(live);
  const wanted = valuesOf(scratch);
  const key = newest ?? scratch[0];
  if (key === undefined) return undefined;
  const { endAt, startAt, heightMm } = key;
  if (isSaidAlike(kept, wanted)) {
    const wished = scratch[0]?.verdict;
    if (kept.length === 0 || newest === undefined || wished === undefined) return undefined;
    if (!isVisibleChange(newest.verdict, wished)) return undefined;
    const restatement = { endAt, startAt, heightMm, withdraw: [], tell: [] };
    return { kind: 'judged', restatement, withdrawn: [] };
  }
  const withdrawn = kept.filter(
    (value) => !wanted.some((one) => compareRank(one.rank, value.rank) === 0),
  );
  const withdraw = withdrawn
    .filter((value, at, all) => at === 0 || compareRank(all[at - 1]!.rank, value.rank) !== 0)
    .map(({ rank }) => rank);
  const told = new Set(kept.map(rankedIdentity));
  const isNews = ({ rank }: RetoldValue): boolean =>
    wanted.some((one) => compareRank(one.rank, rank) === 0 && !told.has(rankedIdentity(one))) ||
    kept.filter((one) => compareRank(one.rank, rank) === 0).length !==
      wanted.filter((one) => compareRank(one.rank, rank) === 0).length;
  const tell = wanted.filter(isNews);
  const kind = kept.length === 0 ? 'added' : wanted.length === 0 ? 'removed' : 'changed';
  return { kind, restatement: { endAt, startAt, heightMm, withdraw, tell }, withdrawn };
}

/** The values of a key, ascending by rank, each once however often it was judged. */
function valuesOf(rows: readonly ObservationRow[]): RetoldValue[] {
  if (rows[0]?.verdict.reason === 'ERASED') return [];
  const inForce = valuesInForce(rows).filter(
    ({ type, verdict }) => type !== 'deletion' && verdict.reason !== 'ERASED',
  );
  if (inForce.length === 1) return inForce.map(valueOfRow);
  const ordered = inForce.toSorted(
    (a, b) => compareRank(a.rank, b.rank) || a.revision - b.revision,
  );
  const seen = new Set<string>();
  return ordered.map(valueOfRow).filter((value) => {
    const name = rankedIdentity(value);
    if (seen.has(name)) return false;
    seen.add(name);
    return true;
  });
}

function rankedIdentity(value: RetoldValue): string {
  const { klass, at, node, position } = value.rank;
  return `${klass} ${at} ${node} ${position} ${identityOf(value)}`;
}

/** The same values in the same order, by whichever of its repeats each came. */
function isSaidAlike(kept: readonly RetoldValue[], wanted: readonly RetoldValue[]): boolean {
  if (kept.length !== wanted.length) return false;
  return kept.every((value, at) => isSameContent(value, wanted[at] as RetoldValue));
}

/** All that a value says but when it came. */
function isSameContent(one: RetoldValue, other: RetoldValue): boolean {
  return (
    Object.is(one.result, other.result) &&
    Object.is(one.resultAt, other.resultAt) &&
    one.given === other.given &&
    one.qualifiers === other.qualifiers &&
    one.reason === other.reason &&
    one.device === other.device &&
    one.payloadHash === other.payloadHash &&
    Object.is(one.latitude, other.latitude) &&
    Object.is(one.longitude, other.longitude) &&
    isSameRaw(one.raw, other.raw)
  );
}

function isSameRaw(one: Raw, other: Raw): boolean {
  if (one.name !== other.name || one.unit !== other.unit || one.time !== other.time) return false;
  return one.value === other.value;
}
