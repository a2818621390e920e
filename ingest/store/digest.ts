/**
 * `verify --digest`: SHA-256 over what the platform says, and over nothing that depends on the order
 * of arrival. Datastreams by id; of each the keys in order; of each key its current row (start, end,
 * height, result bits, unit, flag, tests with 2 read as 1, qualifiers except LATE and BACKFILL,
 * reason, own result time), then the values kept for it by rank, greatest first (result bits, own
 * result time). Revisions, receivedAt, publishedAt and positions are outside it (design.md §6). What
 * was deleted is not among the current rows, nor is a deletion a value, nor what a reprocess withdrew.
 * A value without a result time
 * that is also kept with one is told once: had it come second, it would have been its repeat.
 */
import { createHash } from 'node:crypto';
import type { Registry } from '../../devices/registry.ts';
import type { Datastream } from '../../devices/model.ts';
import { isSameValue } from '../checks/duplicate.ts';
import {
  compareRank,
  type ObservationKey,
  type ObservationRow,
  type Verdict,
} from '../observation.ts';
import { valuesInForce } from '../observations/withdrawn.ts';
import { maskOf, settledTests } from '../quality.ts';
import { compareKeys } from './columns/rows.ts';
import type { StoreReader } from './store.ts';

export interface DigestOptions {
  readonly store: Pick<StoreReader, 'position' | 'series' | 'kept'>;
  /** Gives datastream ids and, by their property, units. */
  readonly registry: Registry;
  readonly signal?: AbortSignal;
}

export interface Digest {
  /** 64 hex digits. */
  readonly digest: string;
  /** Current rows in it. */
  readonly rows: number;
  /** Where the store stood. */
  readonly position: number;
}

const pageRows = 4_096;
const arrival = maskOf(['LATE', 'BACKFILL']);

/**
 * Reads the whole store page by page at the position it has now, letting other work run in between.
 * Rejects with the signal's reason when it aborts.
 */
export async function digestOf(options: DigestOptions): Promise<Digest> {
  const { store, registry, signal } = options;
  const sum = createDigest();
  const asOf = store.position;
  const datastreams = store
    .series()
    .map((series) => datastreamOf(registry, series))
    .toSorted((a, b) => (a.id < b.id ? -1 : 1));
  for (const { id, property, series } of datastreams) {
    const unit = registry.properties.get(property)?.unit ?? '';
    for (const page of keptPages(store, series, asOf)) {
      signal?.throwIfAborted();
      for (const rows of keysOf(page)) sum.add(keyText(rows, { id, unit }));
      await new Promise<void>((resolve) => {
        setImmediate(resolve);
      });
    }
  }
  return { ...sum.end(), position: asOf };
}

/** What is kept of a series, page by page; the rows of a key are in one page. */
export function* keptPages(
  store: Pick<StoreReader, 'kept'>,
  series: number,
  asOf: number,
): Generator<readonly ObservationRow[]> {
  let after: ObservationRow | undefined;
  do {
    const query = { series, limit: pageRows, asOf };
    const page = store.kept(after === undefined ? query : { ...query, after });
    after = page.at(-1);
    if (after !== undefined) yield page;
  } while (after !== undefined);
}

/** The rows of each key of a page, its newest first. */
export function* keysOf(page: readonly ObservationRow[]): Generator<readonly ObservationRow[]> {
  for (let from = 0; from < page.length;) {
    let to = from + 1;
    while (to < page.length && compareKeys(page[from]!, page[to]!) === 0) to++;
    yield page.slice(from, to);
    from = to;
  }
}

/** The digest of what is told to it, key by key in the digest's order. */
export interface DigestSum {
  /** Takes `keyText`; an empty one is none. */
  add(text: string): void;
  end(): Pick<Digest, 'digest' | 'rows'>;
}

export function createDigest(): DigestSum {
  const hash = createHash('sha256');
  let rows = 0;
  return {
    add(text) {
      if (text === '') return;
      hash.update(text);
      rows++;
    },
    end: () => ({ digest: hash.digest('hex'), rows }),
  };
}

/** A series whose datastream is in no registry still counts, under its number. */
function datastreamOf(
  registry: Registry,
  series: number,
): Pick<Datastream, 'id' | 'property' | 'series'> {
  return registry.bySeries[series] ?? { id: `#${series}`, property: '', series };
}

/** As much of a row as the digest is made of. */
export type DigestRow = Omit<ObservationKey, 'series'> &
  Pick<
    ObservationRow,
    'current' | 'type' | 'cause' | 'revision' | 'result' | 'resultAt' | 'rank'
  > & { readonly verdict: Pick<Verdict, 'flag' | 'tests' | 'qualifiers' | 'reason'> };

/**
 * What the digest holds of a key: a line for its current row and one for each value. The first of its
 * rows is the newest; empty where that is a deletion, or the key has no current row.
 */
export function keyText(
  rows: readonly DigestRow[],
  { id, unit }: { readonly id: string; readonly unit: string },
): string {
  const [newest] = rows;
  if (newest === undefined || !newest.current || newest.type === 'deletion') return '';
  const { verdict } = newest;
  const current = [
    id,
    unit,
    newest.startAt,
    newest.endAt,
    newest.heightMm,
    bitsOf(newest.result),
    verdict.flag,
    settledTests(verdict.tests),
    verdict.qualifiers & ~arrival,
    verdict.reason,
    newest.resultAt,
  ].join(' ');
  return `${current}\n${keptValues(rows).join('\n')}\n`;
}

/** One line a rank: flags may have made several rows of one value. */
function keptValues(rows: readonly DigestRow[]): string[] {
  const values = valuesInForce(rows)
    .filter((row) => row.type !== 'deletion')
    .toSorted((a, b) => compareRank(b.rank, a.rank));
  const distinct = values.filter(
    (row, at) =>
      at === 0 ||
      compareRank(values[at - 1]!.rank, row.rank) !== 0 ||
      bitsOf(values[at - 1]!.result) !== bitsOf(row.result),
  );
  const dated = distinct.filter((row) => !Number.isNaN(row.resultAt));
  return distinct
    .filter(
      (row) => dated.includes(row) || !dated.some((one) => isSameValue(one.result, row.result)),
    )
    .map((row) => `  ${bitsOf(row.result)} ${row.resultAt}`);
}

function bitsOf(result: number | null): string {
  if (result === null) return 'null';
  const bytes = Buffer.alloc(8);
  // A zero below zero is told as 0 wherever a row is shown.
  bytes.writeDoubleBE(result === 0 ? 0 : result);
  return bytes.toString('hex');
}
