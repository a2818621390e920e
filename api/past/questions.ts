/**
 * Answers of a node whose view begins at a horizon. What ended before it is asked of InfluxDB, and
 * what the view holds of it all the same, late values and corrections, is laid over the answer by key
 * and revision; what ended later is the view's alone.
 */
import type { ObservationKey, ObservationRow } from '../../ingest/observation.ts';
import {
  addRow,
  compareKeys,
  compareKeyTo,
  createRows,
  type Rows,
} from '../../ingest/store/columns/rows.ts';
import { keysOf } from '../../ingest/store/digest.ts';
import { dropRepeats, kept, orderOf, rowCanBeLatest } from '../../ingest/store/merge.ts';
import { createRollupBuilder } from '../../ingest/store/rollup.ts';
import type { HourRollup, RangeQuery, StoreFollower } from '../../ingest/store/store.ts';
import type { Position } from '../../ingest/log/log.ts';
import type { Pins } from '../../ingest/feed/places/places.ts';
import { askView, type HoursQuestion, type Questions } from '../questions.ts';
import type { Past, PastPlace } from './past.ts';

type Held = Pick<StoreFollower, 'range' | 'hours' | 'kept' | 'horizon' | 'position'>;

export interface PastQuestionsOptions {
  readonly store: Held;
  readonly past: Past;
  /** Of the series, as the feed says it. */
  readonly lastChangeOf: (series: number) => Position;
  /** Whether the view holds rows of the series that were not there at the moment. */
  readonly hasChanged: (series: number, pins: Pins) => boolean;
}

export function askViewAndPast(options: PastQuestionsOptions): Questions {
  const { store, past, lastChangeOf, hasChanged } = options;
  const view = askView(store);
  const mayLack = createLacking(store, lastChangeOf);
  const asking: Asking = { store, past, mayLack, hasChanged };
  return {
    range(query, pins) {
      const { knownFromAt } = store.horizon;
      return query.fromAt >= knownFromAt ? view.range(query, pins) : range(asking, query, pins);
    },
    hours(question, pins) {
      const { knownFromAt } = store.horizon;
      return question.fromAt >= knownFromAt - 1
        ? view.hours(question, pins)
        : hours(asking, question, pins);
    },
    revisions: (key, held, pins) =>
      key.endAt >= store.horizon.knownFromAt ? held : revisions(asking, key, { held, pins }),
    latest: (series, held, pins) => latest(asking, series, { held, pins }),
  };
}

interface Asking {
  readonly store: Held;
  readonly past: Past;
  /** Whether what was the latest of a series may be gone, and the one before it is not here. */
  readonly mayLack: (series: number) => boolean;
  readonly hasChanged: PastQuestionsOptions['hasChanged'];
}

/**
 * What the view is to be asked by now. Values arrive while InfluxDB is asked, so this is looked at
 * anew for each look into the view: the moment stays one.
 */
function pinned<Query extends Pick<RangeQuery, 'series' | 'asOf'>>(
  { hasChanged }: Asking,
  query: Query,
  pins: Pins,
): Query {
  const { series, asOf } = query;
  if (asOf !== undefined || !hasChanged(series, pins)) return query;
  return { ...query, asOf: pins.pinOf(series) };
}

/** In both orders the part that comes first, and the other where that does not fill the limit. */
async function range(
  asking: Asking,
  query: RangeQuery,
  pins: Pins,
): Promise<readonly ObservationRow[]> {
  const { store, past } = asking;
  const { knownFromAt } = store.horizon;
  const old = { ...query, toAt: Math.min(query.toAt, knownFromAt) };
  const fresh = { ...query, fromAt: knownFromAt };
  const askOld = (limit: number): Promise<readonly ObservationRow[]> =>
    old.fromAt >= old.toAt || limit <= 0
      ? Promise.resolve([])
      : past.ask(query.series, pins, (place) =>
          oldRange(store, pinned(asking, { ...old, limit }, pins), place),
        );
  const askFresh = (limit: number): readonly ObservationRow[] =>
    fresh.fromAt >= fresh.toAt || limit <= 0
      ? []
      : store.range(pinned(asking, { ...fresh, limit }, pins));
  if (query.order === 'asc') {
    const rows = isBehind(query, knownFromAt) ? [] : await askOld(query.limit);
    return [...rows, ...askFresh(query.limit - rows.length)];
  }
  const rows = askFresh(query.limit);
  return rows.length >= query.limit
    ? rows
    : [...rows, ...(await askOld(query.limit - rows.length))];
}

function isBehind({ after }: RangeQuery, at: number): boolean {
  return after !== undefined && after.endAt >= at;
}

/** Current rows of a span before the horizon. */
async function oldRange(
  store: Held,
  query: RangeQuery,
  { history, asOf, isHeldToo }: PastPlace,
): Promise<readonly ObservationRow[]> {
  const sign = query.order === 'asc' ? 1 : -1;
  const held = isHeldToo ? heldCurrent(store, query) : [];
  const found: ObservationRow[] = [];
  let { after } = query;
  for (;;) {
    const limit = query.limit - found.length;
    const page = await history.range({ ...withoutPlace(query), ...placeOf(after), limit, asOf });
    const end = page.length < limit ? undefined : page.at(-1);
    const from = after;
    const between = held.filter(
      (row) =>
        (from === undefined || sign * compareKeys(row, from) > 0) &&
        (end === undefined || sign * compareKeys(row, end) <= 0),
    );
    found.push(...overlay(page, between, sign));
    if (end === undefined || found.length >= query.limit) break;
    after = end;
  }
  return found.slice(0, query.limit);
}

function withoutPlace({ series, fromAt, toAt, order }: RangeQuery): Omit<RangeQuery, 'limit'> {
  return { series, fromAt, toAt, order };
}

function placeOf(after: ObservationKey | undefined): Pick<RangeQuery, 'after'> {
  return after === undefined ? {} : { after };
}

/** The view's current row of each key of the span, deletions too. */
function heldCurrent(
  store: Pick<Held, 'kept'>,
  { series, fromAt, toAt, asOf }: Pick<RangeQuery, 'series' | 'fromAt' | 'toAt' | 'asOf'>,
): ObservationRow[] {
  const query = { series, after: behindAllBefore(series, fromAt), toAt, limit: Infinity };
  const rows = store.kept(asOf === undefined ? query : { ...query, asOf });
  const found: ObservationRow[] = [];
  for (const [newest] of keysOf(rows)) if (newest?.current === true) found.push(newest);
  return found;
}

/** A key behind all that end before, and before all others. */
function behindAllBefore(series: number, fromAt: number): ObservationKey {
  return { series, endAt: fromAt - 1, startAt: fromAt, heightMm: Number.NaN };
}

function overlay(
  page: readonly ObservationRow[],
  held: readonly ObservationRow[],
  sign: number,
): readonly ObservationRow[] {
  if (held.length === 0) return page;
  const byKey = new Map(page.map((row) => [nameOf(row), row]));
  for (const row of held) {
    const told = byKey.get(nameOf(row));
    if (told === undefined || row.revision >= told.revision) byKey.set(nameOf(row), row);
  }
  return [...byKey.values()]
    .filter(({ type }) => type !== 'deletion')
    .sort((a, b) => sign * compareKeys(a, b));
}

function nameOf({ endAt, startAt, heightMm }: ObservationKey): string {
  return `${endAt} ${startAt} ${heightMm}`;
}

const hourMs = 3_600_000;
const pageRows = 5_000;

async function hours(
  asking: Asking,
  question: HoursQuestion,
  pins: Pins,
): Promise<readonly HourRollup[]> {
  const { series, isCircular } = question;
  // A day's first instant less one: the end of an hour.
  const border = asking.store.horizon.knownFromAt - 1;
  const oldTo = Math.min(question.toAt, border);
  const builder = createRollupBuilder(series, isCircular);
  const span = {
    fromAt: Math.floor(question.fromAt / hourMs) * hourMs + 1,
    toAt: Math.floor(oldTo / hourMs) * hourMs + 1,
  };
  let after: ObservationRow | undefined;
  for (let isMore = true; isMore;) {
    const query = { series, ...span, order: 'asc', limit: pageRows, ...placeOf(after) } as const;
    const page = await range(asking, query, pins);
    const rows = rowsOf(series, page);
    for (let at = 0; at < rows.count; at++) builder.add(rows, at);
    after = page.at(-1);
    isMore = page.length >= pageRows;
  }
  const old = builder.finish();
  if (question.toAt <= border) return old;
  return [...old, ...asking.store.hours(series, border, question.toAt)];
}

function rowsOf(series: number, page: readonly ObservationRow[]): Rows {
  const rows = createRows(Math.max(1, page.length));
  rows.series = series;
  for (const row of page) addRow(rows, row, 0);
  return rows;
}

/** Rows of one key and its neighbours are few. */
const keyRowsMax = 100_000;

async function revisions(
  { past }: Asking,
  key: ObservationKey,
  { held, pins }: { readonly held: readonly ObservationRow[]; readonly pins: Pins },
): Promise<readonly ObservationRow[]> {
  const { series, endAt } = key;
  const told = await past.ask(series, pins, ({ history, asOf }) =>
    history.kept({
      series,
      after: behindAllBefore(series, endAt),
      toAt: endAt + 1,
      limit: keyRowsMax,
      asOf,
    }),
  );
  const rows = rowsOf(series, [...told, ...held]);
  const order = orderOf(rows, 0, rows.count);
  return kept(
    rows,
    order.subarray(0, dropRepeats(rows, order)).filter((at) => compareKeyTo(rows, at, key) === 0),
  );
}

interface HeldLatest {
  readonly held: readonly (ObservationRow | undefined)[];
  readonly pins: Pins;
}

/** The view's row is the latest unless it may lack the one: then that is asked for, of all at once. */
async function latest(
  asking: Asking,
  series: readonly number[],
  { held, pins }: HeldLatest,
): Promise<readonly (ObservationRow | undefined)[]> {
  const { knownFromAt, knowsLatest } = asking.store.horizon;
  // What was fetched of the time before is shown from the first record of the node's own log on.
  const isShown = knowsLatest && asking.store.position > 0;
  const wanted = series.filter((one, at) => {
    const row = held[at];
    if (row !== undefined && row.endAt >= knownFromAt) return false;
    return !isShown || asking.mayLack(one);
  });
  if (wanted.length === 0) return held;
  const newest = await asking.past.askNewest(wanted);
  const found = new Map<number, ObservationRow | undefined>();
  for (const one of wanted) {
    const row = newest.get(one);
    const isWhole = heldBefore(asking.store, one).length === 0;
    const isOld = row === undefined || row.endAt < knownFromAt;
    found.set(one, isWhole && isOld ? row : await latestByWalk(asking, one, pins));
  }
  return series.map((one, at) => (found.has(one) ? found.get(one) : held[at]));
}

function heldBefore(store: Held, series: number): readonly ObservationRow[] {
  const { knownFromAt } = store.horizon;
  return heldCurrent(store, { series, fromAt: Number.MIN_SAFE_INTEGER, toAt: knownFromAt });
}

/** Looked up once for each change of a series: nearly all of them never lack anything. */
function createLacking(
  store: Held,
  lastChangeOf: (series: number) => Position,
): (series: number) => boolean {
  const known = new Map<number, { readonly at: Position; readonly isLacking: boolean }>();
  return (series) => {
    const at = lastChangeOf(series);
    const found = known.get(series);
    if (found?.at === at) return found.isLacking;
    const isLacking = heldBefore(store, series).some(({ type }) => type === 'deletion');
    known.set(series, { at, isLacking });
    return isLacking;
  };
}

const walkRows = 64;

async function latestByWalk(
  asking: Asking,
  series: number,
  pins: Pins,
): Promise<ObservationRow | undefined> {
  const span = { fromAt: Number.MIN_SAFE_INTEGER, toAt: Number.MAX_SAFE_INTEGER };
  let after: ObservationRow | undefined;
  for (;;) {
    const query = { series, ...span, order: 'desc', limit: walkRows, ...placeOf(after) } as const;
    const page = await range(asking, query, pins);
    const found = page.find(rowCanBeLatest);
    if (found !== undefined || page.length < walkRows) return found;
    after = page.at(-1);
  }
}
