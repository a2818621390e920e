import { ingestError } from '../errors.ts';
import { compareRank, type ObservationKey, type ObservationRow } from '../observation.ts';
import type { StoreWriter } from '../store/store.ts';
import type { Pending } from './pending.ts';

/** What the decider asks of the store. */
export type KeptStore = Pick<StoreWriter, 'range' | 'revisions' | 'newestAt' | 'kept'>;

/** Which rows: one series at one height, by the end of their phenomenon time. */
export interface KeptSpan {
  readonly series: number;
  readonly heightMm: number;
  /** Inclusive. */
  readonly fromAt: number;
  /** Exclusive. */
  readonly toAt: number;
}

/** What is kept of a key or a stretch of time: the store's answer with the undurable laid over it. */
export interface Kept {
  /** Current rows in order of (endAt, startAt). */
  range(span: KeptSpan): readonly ObservationRow[];
  /**
   * The last current rows of the span, about `limit` of them, in order; and from where on they are
   * all there are.
   */
  last(span: KeptSpan, limit: number): { readonly rows: ObservationRow[]; readonly fromAt: number };
  /** The first current rows of the span, about `limit`; and up to where they are all there are. */
  first(span: KeptSpan, limit: number): { readonly rows: ObservationRow[]; readonly toAt: number };
  /** Every row of a key: the current one first. */
  revisions(key: ObservationKey): readonly ObservationRow[];
  /** The same of several keys of one series, ascending by end, which lie near each other. */
  revisionsOf(keys: readonly ObservationKey[]): (readonly ObservationRow[])[];
  current(key: ObservationKey): ObservationRow | undefined;
  /** Greatest end ever kept of a series: what ends later is new. */
  newestAt(series: number): number;
}

export function openKept(store: KeptStore, pending: Pending): Kept {
  function whole(span: KeptSpan, rows: readonly ObservationRow[]): ObservationRow[] {
    const inside = rows.filter((row) => isIn(span, row));
    const undurable = pending.rowsOf(span.series).filter((row) => row.current && isIn(span, row));
    return undurable.length === 0 ? inside.sort(compareKeys) : overlay(inside, undurable);
  }

  function revisions(key: ObservationKey): readonly ObservationRow[] {
    const rows = ask(() => store.revisions(key));
    const own = pending.rowsOf(key.series).filter((row) => isSameKey(row, key));
    return own.length === 0 ? rows : [...rows, ...own].sort(compareRevisions);
  }

  return {
    range: (span) => whole(span, stored(store, span, 'asc', Number.POSITIVE_INFINITY).rows),
    last(span, limit) {
      const { rows, isAll } = stored(store, span, 'desc', limit);
      const fromAt = isAll ? span.fromAt : wholeFrom(rows);
      return { rows: whole({ ...span, fromAt }, rows), fromAt };
    },
    first(span, limit) {
      const { rows, isAll } = stored(store, span, 'asc', limit);
      const toAt = isAll ? span.toAt : (rows.at(-1)?.endAt ?? span.toAt);
      return { rows: whole({ ...span, toAt }, rows), toAt };
    },
    revisions,
    revisionsOf: (keys) => revisionsOfKeys(store, pending, keys),
    current(key) {
      const [newest] = revisions(key);
      return newest?.current === true ? newest : undefined;
    },
    newestAt(series) {
      let newestAt = ask(() => store.newestAt(series));
      for (const row of pending.rowsOf(series)) newestAt = Math.max(newestAt, row.endAt);
      return newestAt;
    },
  };
}

/** Keys that are asked for together: what lies between them is read too. */
const keysAtOnce = 64;

function revisionsOfKeys(
  store: KeptStore,
  pending: Pending,
  keys: readonly ObservationKey[],
): (readonly ObservationRow[])[] {
  const byKey = new Map(keys.map((key) => [nameOf(key), [] as ObservationRow[]]));
  for (let from = 0; from < keys.length; from += keysAtOnce) {
    const some = keys.slice(from, from + keysAtOnce);
    const first = some[0]!;
    const toAt = some.at(-1)!.endAt + 1;
    const after = { ...first, endAt: first.endAt - 1, startAt: first.endAt };
    const query = { series: first.series, after, toAt, limit: Number.POSITIVE_INFINITY };
    // Keys with one end may stand on both sides of a cut: their rows are taken once.
    const wanted = new Set(some.map(nameOf));
    for (const row of ask(() => store.kept(query))) {
      const name = nameOf(row);
      if (wanted.has(name)) byKey.get(name)?.push(row);
    }
  }
  const own = new Set<string>();
  for (const row of pending.rowsOf(keys[0]?.series ?? -1)) {
    const name = nameOf(row);
    byKey.get(name)?.push(row);
    own.add(name);
  }
  return keys.map((key) => {
    const rows = byKey.get(nameOf(key)) ?? [];
    return own.has(nameOf(key)) ? rows.sort(compareRevisions) : rows;
  });
}

function nameOf({ endAt, startAt, heightMm }: ObservationKey): string {
  return `${endAt} ${startAt} ${heightMm}`;
}

const pageRows = 1_024;

/** Rows of the span's height, until about `limit` are found or the span ends. */
function stored(
  store: KeptStore,
  span: KeptSpan,
  order: 'asc' | 'desc',
  limit: number,
): { readonly rows: ObservationRow[]; readonly isAll: boolean } {
  const { series, fromAt, toAt, heightMm } = span;
  const rows: ObservationRow[] = [];
  const page = { series, fromAt, toAt, order, limit: Math.min(pageRows, limit) };
  for (let after: ObservationKey | undefined; rows.length < limit;) {
    const query = after === undefined ? page : { ...page, after };
    const found = ask(() => store.range(query));
    for (const row of found) if (Object.is(row.heightMm, heightMm)) rows.push(row);
    if (found.length < page.limit) return { rows, isAll: true };
    after = found.at(-1);
  }
  return { rows, isAll: false };
}

/** A view that cannot be read is the machine's matter and no reading's. */
function ask<Answer>(question: () => Answer): Answer {
  try {
    return question();
  } catch (error) {
    throw ingestError('INGEST_STORE_FAILED', {}, error);
  }
}

/** The undurable rows in the place of those that they follow; what they delete is gone. */
function overlay(
  rows: readonly ObservationRow[],
  undurable: readonly ObservationRow[],
): ObservationRow[] {
  const byKey = new Map<string, ObservationRow>();
  for (const row of [...rows, ...undurable]) byKey.set(`${row.endAt} ${row.startAt}`, row);
  return [...byKey.values()].filter(({ type }) => type !== 'deletion').sort(compareKeys);
}

/** The oldest end found may have more rows before the page: whole is what lies behind it. */
function wholeFrom(descending: readonly ObservationRow[]): number {
  return (descending.at(-1)?.endAt ?? 0) + 1;
}

function isIn(span: KeptSpan, row: ObservationRow): boolean {
  return (
    row.endAt >= span.fromAt && row.endAt < span.toAt && Object.is(row.heightMm, span.heightMm)
  );
}

function isSameKey(row: ObservationKey, key: ObservationKey): boolean {
  return (
    row.endAt === key.endAt && row.startAt === key.startAt && Object.is(row.heightMm, key.heightMm)
  );
}

function compareKeys(a: ObservationKey, b: ObservationKey): number {
  return a.endAt - b.endAt || a.startAt - b.startAt;
}

/** Greatest revision first; those that never were current by rank. */
function compareRevisions(a: ObservationRow, b: ObservationRow): number {
  return Math.max(b.revision, -1) - Math.max(a.revision, -1) || compareRank(b.rank, a.rank);
}
