/** The kept rows of a series, key by key, from a stretch of a store. */
import type { ObservationKey, ObservationRow } from '../../observation.ts';
import { compareKeys } from '../../store/columns/rows.ts';
import type { StoreReader } from '../../store/store.ts';

export interface Span {
  readonly series: number;
  /** On the end of phenomenon time: from inclusive, to exclusive. */
  readonly fromAt: number;
  readonly toAt: number;
}

const pageRows = 4_096;

/** Every row of each key with an end in the span, as `revisions` gives them, in order of key. */
export function* keysOf(
  store: Pick<StoreReader, 'kept' | 'position'>,
  { series, fromAt, toAt }: Span,
): Generator<readonly ObservationRow[]> {
  const asOf = store.position;
  const isBounded = fromAt > Number.NEGATIVE_INFINITY;
  // No key that ends before the span begins so late: it stands behind all of them.
  let after: ObservationKey | undefined = isBounded
    ? { series, endAt: fromAt - 1, startAt: fromAt, heightMm: Number.NaN }
    : undefined;
  for (;;) {
    const query = { series, limit: pageRows, asOf, toAt };
    const page: readonly ObservationRow[] = store.kept(
      after === undefined ? query : { ...query, after },
    );
    for (let from = 0; from < page.length;) {
      const first = page[from] as ObservationRow;
      let to = from + 1;
      while (to < page.length && compareKeys(page[to] as ObservationRow, first) === 0) to++;
      if (first.endAt >= fromAt) yield page.slice(from, to);
      from = to;
    }
    after = page.at(-1);
    if (after === undefined) return;
  }
}
