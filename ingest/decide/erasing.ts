/**
 * A lawful erasure of one device's values in a stretch of one series: each current one is followed by
 * a deletion, and what it was compared with is judged again without it. The deletion is the key's
 * newest row from then on, so a re-send is a duplicate (`placing.ts`).
 */
import type { ObservationRow } from '../observation.ts';
import { erasedRaw, erasedVerdict } from '../observations/erased.ts';
import { change, type Scope } from './judging.ts';
import type { KeptStore } from './kept.ts';
import type { WindowSource } from './point-window.ts';
import { dropWindows, type SeriesState } from './series.ts';
import { judgeStretches } from './stretches.ts';

export interface SeriesErasure {
  readonly device: string;
  /** On the end of phenomenon time: from inclusive, to exclusive. */
  readonly fromAt: number;
  readonly toAt: number;
  /** Only what came from readings up to here. */
  readonly upTo: number;
  /** Of the decision. */
  readonly receivedAt: number;
  readonly position: number;
}

export interface Erasing {
  readonly scope: Scope;
  readonly source: WindowSource;
  readonly store: KeptStore;
  readonly state: SeriesState;
}

/** Answers how many observations were deleted. */
export function eraseValues(erasing: Erasing, erasure: SeriesErasure): number {
  const { scope, source, state } = erasing;
  const rows = currentRows(erasing, erasure).filter(
    ({ device, rank }) => device === erasure.device && rank.position <= erasure.upTo,
  );
  for (const row of rows) scope.pending.current.rows.push(deletionOf(row, erasure));
  dropWindows(state);
  const byHeight = Map.groupBy(rows, ({ heightMm }) => heightMm);
  for (const [heightMm, erased] of byHeight) {
    const ends = erased.map(({ endAt }) => endAt);
    judgeStretches({ source, state, heightMm }, ends, (window, at, code) =>
      change(scope, window, at, code),
    );
  }
  return rows.length;
}

function deletionOf(row: ObservationRow, erasure: SeriesErasure): ObservationRow {
  const { receivedAt, position } = erasure;
  return {
    ...row,
    revision: row.revision + 1,
    current: true,
    type: 'deletion',
    cause: 'erasure',
    result: null,
    verdict: erasedVerdict(row.verdict.rules),
    resultAt: Number.NaN,
    receivedAt,
    publishedAt: receivedAt,
    rank: { klass: 1, at: receivedAt, node: 0, position },
    raw: erasedRaw,
    payloadHash: -1,
    latitude: Number.NaN,
    longitude: Number.NaN,
  };
}

const pageRows = 1_024;

/** What is current in the stretch, at whatever height, in order of end. */
function currentRows({ store, scope, state }: Erasing, span: SeriesErasure): ObservationRow[] {
  const { series } = state;
  const { fromAt, toAt } = span;
  const byKey = new Map<string, ObservationRow>();
  const put = (row: ObservationRow): void => {
    byKey.set(`${row.endAt} ${row.startAt} ${row.heightMm}`, row);
  };
  const query = { series, fromAt, toAt, order: 'asc', limit: pageRows } as const;
  let page = store.range(query);
  for (;;) {
    page.forEach(put);
    const after = page.at(-1);
    if (page.length < pageRows || after === undefined) break;
    page = store.range({ ...query, after });
  }
  for (const row of scope.pending.rowsOf(series)) {
    if (row.current && row.endAt >= fromAt && row.endAt < toAt) put(row);
  }
  const kept = [...byKey.values()].filter(({ type }) => type !== 'deletion');
  return kept.sort((one, other) => one.endAt - other.endAt || one.startAt - other.startAt);
}
