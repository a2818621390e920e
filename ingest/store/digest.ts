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
import { createHash, type Hash } from 'node:crypto';
import type { Registry } from '../../devices/registry.ts';
import type { Datastream } from '../../devices/model.ts';
import { isSameValue } from '../checks/duplicate.ts';
import { compareRank, type ObservationRow } from '../observation.ts';
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
  const hash = createHash('sha256');
  const asOf = store.position;
  const datastreams = store
    .series()
    .map((series) => datastreamOf(registry, series))
    .toSorted((a, b) => (a.id < b.id ? -1 : 1));
  let rows = 0;
  for (const datastream of datastreams) {
    const unit = registry.properties.get(datastream.property)?.unit ?? '';
    let after: ObservationRow | undefined;
    do {
      signal?.throwIfAborted();
      const query = { series: datastream.series, limit: pageRows, asOf };
      const page = store.kept(after === undefined ? query : { ...query, after });
      rows += addKeys(hash, page, `${datastream.id} ${unit}`);
      after = page.at(-1);
      await new Promise<void>((resolve) => {
        setImmediate(resolve);
      });
    } while (after !== undefined);
  }
  return { digest: hash.digest('hex'), rows, position: asOf };
}

/** A series whose datastream is in no registry still counts, under its number. */
function datastreamOf(
  registry: Registry,
  series: number,
): Pick<Datastream, 'id' | 'property' | 'series'> {
  return registry.bySeries[series] ?? { id: `#${series}`, property: '', series };
}

/** Adds the page's keys; gives the current rows among them. */
function addKeys(hash: Hash, page: readonly ObservationRow[], name: string): number {
  let current = 0;
  for (let from = 0; from < page.length;) {
    let to = from + 1;
    while (to < page.length && compareKeys(page[from]!, page[to]!) === 0) to++;
    const text = keyText(page.slice(from, to), name);
    if (text !== '') {
      hash.update(text);
      current++;
    }
    from = to;
  }
  return current;
}

/** The first of a key's rows is the newest; empty where it is a deletion or there is none. */
function keyText(rows: readonly ObservationRow[], name: string): string {
  const newest = rows[0]!;
  if (!newest.current || newest.type === 'deletion') return '';
  const { verdict } = newest;
  const current = [
    name,
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
function keptValues(rows: readonly ObservationRow[]): string[] {
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
  bytes.writeDoubleBE(result);
  return bytes.toString('hex');
}
