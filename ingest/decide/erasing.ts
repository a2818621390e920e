/**
 * A lawful erasure of one device's values in a stretch of one series: each current one is followed by
 * a deletion, and what it was compared with is judged again without it. The deletion is the key's
 * newest row from then on, so a re-send is a duplicate (`placing.ts`).
 */
import type { ObservationRow } from '../observation.ts';
import { erasedRaw, erasedVerdict } from '../observations/erased.ts';
import { givenOfCode } from './change.ts';
import { change, judgeAt, type Scope } from './judging.ts';
import type { KeptStore } from './kept.ts';
import { PointWindow, type WindowSource } from './point-window.ts';
import type { SeriesState } from './series.ts';

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
  const { scope, state } = erasing;
  const rows = currentRows(erasing, erasure).filter(
    ({ device, rank }) => device === erasure.device && rank.position <= erasure.upTo,
  );
  for (const row of rows) scope.pending.current.rows.push(deletionOf(row, erasure));
  state.window?.drop();
  for (const window of state.windowsByHeight.values()) window.drop();
  const byHeight = Map.groupBy(rows, ({ heightMm }) => heightMm);
  for (const [heightMm, erased] of byHeight) judgeBeside(erasing, heightMm, erased);
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

/**
 * Judges the points that values which went may have touched. Values that lie near each other are one
 * stretch: their neighbours are judged once, however many there were.
 */
function judgeBeside(erasing: Erasing, heightMm: number, erased: readonly ObservationRow[]): void {
  const { source, state } = erasing;
  const { behindMs } = state.reach;
  for (let from = 0; from < erased.length;) {
    const firstAt = erased[from]?.endAt ?? 0;
    let lastAt = firstAt;
    for (from++; (erased[from]?.endAt ?? Number.POSITIVE_INFINITY) <= lastAt + behindMs; from++) {
      lastAt = erased[from]?.endAt ?? lastAt;
    }
    const window = new PointWindow(state, heightMm, firstAt, source);
    judgeStretch(erasing, window, firstAt, lastAt + behindMs);
    window.drop();
  }
}

/** From the last point before the stretch to the last that a value at its end could touch. */
function judgeStretch(
  { scope, source, state }: Erasing,
  opened: PointWindow,
  firstAt: number,
  untilAt: number,
): void {
  let window = opened;
  const next = window.indexOf(firstAt);
  let fromAt = next > window.from ? (window.endAt[next - 1] ?? firstAt) : firstAt;
  while (fromAt <= untilAt) {
    if (!window.isHeld || !window.reaches(fromAt)) {
      window.drop();
      window = new PointWindow(state, opened.heightMm, fromAt, source);
    }
    const at = window.indexOf(fromAt);
    if (at === window.to) {
      // Nothing up to where the window ends.
      fromAt = window.coveredTo;
      continue;
    }
    const pointAt = window.endAt[at] ?? 0;
    if (pointAt > untilAt) break;
    const fromEnd = window.to - at;
    const given = givenOfCode(window.columns.code[at] ?? 0);
    const code = judgeAt(window, fromEnd, given);
    change(scope, window, window.to - fromEnd, code);
    fromAt = pointAt + 1;
  }
  if (window !== opened) window.drop();
}
