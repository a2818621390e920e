/**
 * What a question would cost at most, before anything of it is read, in microseconds of one core of
 * the machine that it was measured on (`npm run bench:feeds`; Intel Xeon of 2020, 2 cores, Node 24):
 * a pure function of the series asked for, the span of their rows, the window, filter and limit.
 */
import type { WindowName } from '../windows/window.ts';

/** One series, or `weight` of its kind where only some of many were looked at. */
export interface SeriesSpan {
  readonly intervalMs: number;
  /** Ends of the first and last row, as far as known; none lie outside. */
  readonly firstAt: number;
  readonly lastAt: number;
  /** When its first row was published; it was shown nowhere before. */
  readonly publishedAt?: number;
  readonly weight: number;
}

/** A moment that rows are shown as of. */
export interface Pinned {
  /** What was published later is read and not shown; where the time is unknown, of any age. */
  readonly at?: number;
  /** Whether nothing that was published at this time is shown. */
  readonly isBefore: (publishedAt: number) => boolean;
}

export interface CostQuestion {
  /** In the order of the answer. */
  readonly series: readonly SeriesSpan[];
  /** Ends of rows: from inclusive, to exclusive. */
  readonly fromAt: number;
  readonly toAt: number;
  /** Items of the page. */
  readonly limit: number;
  /** Of windows; none for rows. */
  readonly window?: WindowName;
  /** Rows are read one by one though windows are asked for, or though few rows are shown. */
  readonly isFiltered: boolean;
  /** Rows are shown with what the device sent. */
  readonly isWide?: boolean;
  /** Each row is read with the row of another series: wind as a vector. */
  readonly isPaired?: boolean;
  readonly order?: 'asc' | 'desc';
  /** None: as they are now. */
  readonly pinned?: Pinned;
}

const cost = {
  rowRead: 0.8,
  /** Of a row that is newer than the moment asked for. */
  rowHidden: 0.2,
  rowShown: 5,
  wideRowShown: 10,
  hourRead: 2,
  windowShown: 7,
  rowSeries: 10,
  windowSeries: 150,
  /** Of a series that turns out to have nothing in the span. */
  emptySeries: 15,
  emptySeriesPinned: 35,
} as const;

const hourMs = 3_600_000;
const windowMs: Readonly<Record<WindowName, number>> = {
  PT1M: 60_000,
  PT1H: hourMs,
  P1D: 24 * hourMs,
  P1M: 28 * 24 * hourMs,
  P1Y: 365 * 24 * hourMs,
};

export function costOf(question: CostQuestion): number {
  let left = question.limit;
  let total = 0;
  for (const series of question.series) {
    const spanMs =
      Math.min(question.toAt, series.lastAt + 1) - Math.max(question.fromAt, series.firstAt);
    if (!(spanMs > 0)) continue;
    const one = costOfSeries(question, series, spanMs);
    const shown = Math.min(left, one.items * series.weight);
    // Of rows that no filter drops, no more are read than shown; windows stop with the page too.
    const stopsWithPage = one.stopsWithPage && one.items > 0;
    const share = stopsWithPage ? shown / (one.items * series.weight) : 1;
    // Of the series where the page ends all rows that are newer than the moment are gone through.
    const visited = Math.max(share * series.weight, Math.min(1, series.weight));
    total += share * series.weight * (one.series + one.read) + shown * one.perItem;
    total += visited * one.hidden;
    if (stopsWithPage) left -= shown;
    if (left <= 0) break;
  }
  // Where rows are known to lie on both sides of the span there may be none in it: no page is full then.
  return Math.ceil(Math.max(total, costOfNothing(question)));
}

function costOfNothing({ series, fromAt, toAt, pinned }: CostQuestion): number {
  const each = pinned === undefined ? cost.emptySeries : cost.emptySeriesPinned;
  const asked = series.filter(
    ({ firstAt, lastAt }) => firstAt < fromAt && fromAt <= lastAt && firstAt < toAt,
  );
  return asked.reduce((sum, { weight }) => sum + weight, 0) * each;
}

/** What so many rows of so many series cost at most, wherever they lie; only without filter and moment. */
export function costOfPage(series: number, limit: number): number {
  return series * cost.emptySeries + limit * cost.wideRowShown;
}

interface SeriesCost {
  readonly items: number;
  readonly series: number;
  readonly read: number;
  readonly hidden: number;
  readonly perItem: number;
  readonly stopsWithPage: boolean;
}

function costOfSeries(question: CostQuestion, series: SeriesSpan, spanMs: number): SeriesCost {
  const { window, isFiltered, isWide = false, isPaired = false } = question;
  const rows = Math.ceil(spanMs / series.intervalMs);
  const hidden = hiddenRows(question, series, rows);
  const seen = rows - hidden;
  if (window === undefined) {
    return {
      items: seen,
      series: seen === 0 ? cost.emptySeriesPinned : cost.rowSeries,
      hidden: hidden * cost.rowHidden,
      read: isFiltered ? seen * cost.rowRead : 0,
      perItem: isWide ? cost.wideRowShown : cost.rowShown,
      stopsWithPage: !isFiltered,
    };
  }
  const seenMs = Math.min(spanMs, seen * series.intervalMs);
  const byRows = isFiltered || window === 'PT1M';
  const rowRead = cost.rowRead * (isPaired ? 2 : 1);
  return {
    items: Math.min(seen, Math.ceil(seenMs / windowMs[window])),
    series: seen === 0 ? cost.emptySeriesPinned : cost.windowSeries,
    hidden: hidden * cost.rowHidden,
    read: byRows ? seen * rowRead : Math.ceil(seenMs / hourMs) * cost.hourRead,
    perItem: cost.windowShown,
    stopsWithPage: true,
  };
}

/** Rows that are gone through before the first one that was there at the moment; of `rows`. */
function hiddenRows(
  { pinned, order, toAt }: CostQuestion,
  { publishedAt, intervalMs, lastAt }: SeriesSpan,
  rows: number,
): number {
  if (pinned === undefined) return 0;
  if (publishedAt !== undefined && pinned.isBefore(publishedAt)) return rows;
  if (order !== 'desc') return 0;
  if (pinned.at === undefined) return rows - 1;
  const newer = Math.ceil((Math.min(toAt, lastAt) - pinned.at) / intervalMs);
  return Math.min(rows, Math.max(0, newer));
}

/** One way to narrow a question so that it can be answered. */
export interface Suggestion {
  readonly parameter: string;
  readonly expected: string;
  /** The question after it. */
  readonly question: CostQuestion;
}

/** Each of these alone is enough. */
export function suggestionsFor(question: CostQuestion, costMax: number): readonly Suggestion[] {
  const isWithin = (asked: CostQuestion): boolean => costOf(asked) <= costMax;
  const found: Suggestion[] = [];
  const limit = greatestInteger(question.limit, (value) => isWithin({ ...question, limit: value }));
  if (limit > 0) {
    const expected = `at most ${limit}`;
    found.push({ parameter: 'limit', expected, question: { ...question, limit } });
  }
  found.push(...spanSuggestion(question, isWithin), ...windowSuggestion(question, isWithin));
  const count = question.series.reduce((sum, { weight }) => sum + weight, 0);
  const most = greatestInteger(count, (value) => isWithin(withSeries(question, value / count)));
  if (most > 0 && count > 1) {
    const expected = `at most ${most} datastreams, by station, property, bbox, near or datastream`;
    found.push({ parameter: 'station', expected, question: withSeries(question, most / count) });
  }
  return found;
}

function spanSuggestion(
  question: CostQuestion,
  isWithin: (asked: CostQuestion) => boolean,
): Suggestion[] {
  const firstAt = Math.min(...question.series.map((series) => series.firstAt));
  const lastAt = Math.max(...question.series.map((series) => series.lastAt));
  const fromAt = Math.max(question.fromAt, firstAt);
  const toAt = Math.min(question.toAt, lastAt + 1);
  const minutes = greatestInteger(Math.floor((toAt - fromAt) / 60_000), (value) =>
    isWithin({ ...question, fromAt, toAt: fromAt + value * 60_000 }),
  );
  if (minutes <= 0) return [];
  const endAt = fromAt + minutes * 60_000;
  const expected = `a span of at most ${minutes} minutes: with from=${instantText(fromAt)}, to=${instantText(endAt)}`;
  return [{ parameter: 'to', expected, question: { ...question, fromAt, toAt: endAt } }];
}

function windowSuggestion(
  question: CostQuestion,
  isWithin: (asked: CostQuestion) => boolean,
): Suggestion[] {
  const names = Object.keys(windowMs) as WindowName[];
  const longer = names.find((window) => {
    const isLonger = question.window !== undefined && windowMs[window] > windowMs[question.window];
    return isLonger && isWithin({ ...question, window });
  });
  if (longer === undefined) return [];
  const asked = { ...question, window: longer };
  return [{ parameter: 'window', expected: `${longer} or longer`, question: asked }];
}

function withSeries(question: CostQuestion, share: number): CostQuestion {
  const series = question.series.map((each) => ({ ...each, weight: each.weight * share }));
  return { ...question, series };
}

/** Greatest integer up to `max` that still fits, where fitting ends once; 0 where none does. */
function greatestInteger(max: number, fits: (value: number) => boolean): number {
  let low = 0;
  let high = Math.floor(Math.min(max, Number.MAX_SAFE_INTEGER));
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (fits(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}

function instantText(at: number): string {
  return new Date(Math.ceil(at / 1000) * 1000).toISOString();
}
