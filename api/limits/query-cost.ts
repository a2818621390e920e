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
  readonly weight: number;
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
}

const cost = {
  rowRead: 0.8,
  rowShown: 5,
  wideRowShown: 10,
  hourRead: 2,
  windowShown: 7,
  rowSeries: 10,
  windowSeries: 150,
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
    const share = one.stopsWithPage ? shown / (one.items * series.weight) : 1;
    total += share * series.weight * (one.series + one.read) + shown * one.perItem;
    if (one.stopsWithPage) left -= shown;
    if (left <= 0) break;
  }
  return Math.ceil(total);
}

/** What so many rows of so many series cost at most, wherever they lie; only without a filter. */
export function costOfPage(series: number, limit: number): number {
  return series * cost.rowSeries + limit * cost.wideRowShown;
}

interface SeriesCost {
  readonly items: number;
  readonly series: number;
  readonly read: number;
  readonly perItem: number;
  readonly stopsWithPage: boolean;
}

function costOfSeries(
  { window, isFiltered, isWide = false }: CostQuestion,
  { intervalMs }: SeriesSpan,
  spanMs: number,
): SeriesCost {
  const rows = Math.ceil(spanMs / intervalMs);
  if (window === undefined) {
    return {
      items: rows,
      series: cost.rowSeries,
      read: isFiltered ? rows * cost.rowRead : 0,
      perItem: isWide ? cost.wideRowShown : cost.rowShown,
      stopsWithPage: !isFiltered,
    };
  }
  const byRows = isFiltered || window === 'PT1M';
  return {
    items: Math.min(rows, Math.ceil(spanMs / windowMs[window])),
    series: cost.windowSeries,
    read: byRows ? rows * cost.rowRead : Math.ceil(spanMs / hourMs) * cost.hourRead,
    perItem: cost.windowShown,
    stopsWithPage: true,
  };
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
