/**
 * Windows of many series, step by step: by datastream id, within a datastream by end. Hours that lie
 * in one window come from the hour rollups; hours that two windows share, minutes, what has changed
 * since the moment (also while the answer is being made), `quality` and functions that need each value come from the rows.
 */
import type { Datastream } from '../../devices/model.ts';
import type { LocalTime } from '../../ingest/observations/local-time.ts';
import type { ObservationRow } from '../../ingest/observation.ts';
import type { HourRollup } from '../../ingest/store/store.ts';
import { steadyIntervals, type Intervals } from './intervals.ts';
import { needsOf, needsRows, type FunctionName } from './functions.ts';
import {
  addHour,
  addRow,
  createWindowSum,
  usualFlags,
  type Needs,
  type Order,
  type RowRules,
  type WindowSum,
} from './sum.ts';
import { partnerOf, quantityOf, resultsByTime } from './wind-partner.ts';
import { badParameter } from '../errors.ts';
import type { NetworkView } from '../network.ts';
import type { PagePlace } from '../page.ts';
import type { Pins } from '../../ingest/feed/places/places.ts';
import type { Awaitable, HoursQuestion, Questions } from '../questions.ts';
import { isWholeHours, windowOf, type TimeWindow, type WindowName } from './window.ts';

export interface WindowRow {
  readonly datastream: Datastream;
  readonly window: TimeWindow;
  readonly time: LocalTime;
  readonly isCircular: boolean;
  readonly sum: WindowSum;
  readonly intervals: Intervals;
}

export interface WindowsOptions {
  readonly questions: Pick<Questions, 'range' | 'hours'>;
  readonly view: NetworkView;
  readonly datastreams: readonly Datastream[];
  /** How often each was to report; as it is today where completeness is not told. */
  readonly intervalsOf?: (datastream: Datastream) => Intervals;
  readonly window: WindowName;
  /** On the end of the window: from inclusive, to exclusive. */
  readonly fromAt: number;
  readonly toAt: number;
  readonly order: 'asc' | 'desc';
  readonly flags: ReadonlySet<number> | null;
  readonly functions: readonly FunctionName[];
  readonly moment: Pins;
  readonly hasChanged: (series: number) => boolean;
  readonly after: PagePlace | undefined;
  readonly limit: number;
  readonly rowsPerReadMax: number;
  /** Of one window, for percentiles; API_PARAMETER_INVALID beyond. */
  readonly valuesMax: number;
}

/** Two months of hours in one read. */
const hoursPerRead = 1_488;
const hourMs = 3_600_000;

export async function* stepWindows(
  options: WindowsOptions,
): AsyncGenerator<readonly WindowRow[], PagePlace | null> {
  const { datastreams, after, limit } = options;
  let left = limit;
  const found = after === undefined ? 0 : datastreams.findIndex(({ id }) => id >= after.id);
  const begin = found < 0 ? datastreams.length : found;
  for (const datastream of datastreams.slice(begin)) {
    const behindAt = datastream.id === after?.id ? after.key?.[0] : undefined;
    for await (const windows of windowsOf(options, datastream, behindAt)) {
      const shown = windows.slice(0, left);
      yield shown;
      left -= shown.length;
      const last = shown.at(-1);
      if (left === 0 && last !== undefined) {
        const isLast = shown.length === windows.length && datastream === datastreams.at(-1);
        if (isLast && !(yield* hasMore(options, datastream, last))) return null;
        const { startAt, endAt } = last.window;
        return { id: datastream.id, key: [endAt, startAt, null] };
      }
    }
  }
  return null;
}

/** Whether the datastream has another window behind the last one shown. */
async function* hasMore(
  options: WindowsOptions,
  datastream: Datastream,
  last: WindowRow,
): AsyncGenerator<readonly WindowRow[], boolean> {
  for await (const windows of windowsOf(options, datastream, last.window.endAt)) {
    if (windows.length > 0) return true;
    yield [];
  }
  return false;
}

/** Finished windows of one series in `order`, some at a time. */
async function* windowsOf(
  options: WindowsOptions,
  datastream: Datastream,
  behindAt: number | undefined,
): AsyncGenerator<readonly WindowRow[]> {
  const context = options.view.rows.context(datastream.series);
  if (context === undefined) return;
  const { time } = context;
  const span = await filledSpan(options, datastream.series, innerSpan(options, time, behindAt));
  if (span === null) return;
  const making: Making = {
    datastream,
    span,
    time,
    isCircular: context.property?.circular === true,
    needs: needsOf(options.functions),
    intervals: options.intervalsOf?.(datastream) ?? steadyIntervals(datastream.intervalMs),
  };
  if (usesHours(options, making)) yield* fromHours(options, making);
  else yield* fromRows(options, making);
}

/** Ends of rows, in (fromAt, toAt]. */
interface Span {
  readonly fromAt: number;
  readonly toAt: number;
}

interface Making {
  readonly datastream: Datastream;
  readonly span: Span;
  readonly time: LocalTime;
  readonly isCircular: boolean;
  readonly needs: Needs;
  readonly intervals: Intervals;
}

/** The rows' times that the windows with an end in [from, to), and behind the place, are made of. */
function innerSpan(options: WindowsOptions, time: LocalTime, behindAt: number | undefined): Span {
  const { order, window } = options;
  let { fromAt, toAt } = options;
  if (behindAt !== undefined && order === 'asc') fromAt = Math.max(fromAt, behindAt + 1);
  if (behindAt !== undefined && order === 'desc') toAt = Math.min(toAt, behindAt);
  return {
    fromAt: windowOf(window, fromAt, time).startAt,
    toAt: windowOf(window, toAt, time).startAt,
  };
}

/** The span from the first to the last window that has a row; null where none has. */
async function filledSpan(
  options: WindowsOptions,
  series: number,
  span: Span,
): Promise<Span | null> {
  if (span.fromAt >= span.toAt) return null;
  const [first] = await readRows(options, series, { span, order: 'asc', limit: 1 });
  if (first === undefined) return null;
  const [last] = await readRows(options, series, { span, order: 'desc', limit: 1 });
  if (last === undefined) return null;
  return { fromAt: first.endAt - 1, toAt: last.endAt };
}

function readRows(
  options: WindowsOptions,
  series: number,
  read: {
    readonly span: Span;
    readonly order: Order;
    readonly limit: number;
    readonly after?: ObservationRow | undefined;
  },
): Awaitable<readonly ObservationRow[]> {
  const query = {
    series,
    fromAt: read.span.fromAt + 1,
    toAt: read.span.toAt + 1,
    order: read.order,
    limit: read.limit,
    ...(options.hasChanged(series) ? { asOf: options.moment.pinOf(series) } : {}),
    ...(read.after === undefined ? {} : { after: read.after }),
  };
  return options.questions.range(query, options.moment);
}

/** Most hours of the UTC clock must lie in one window each, and the view must not have moved on. */
function usesHours(options: WindowsOptions, making: Making): boolean {
  const { datastream, span, time } = making;
  return (
    options.window !== 'PT1M' &&
    options.flags === null &&
    !needsRows(making.needs, making.isCircular) &&
    !options.hasChanged(datastream.series) &&
    (options.window !== 'PT1H' || isWhole(span, time))
  );
}

/** Adds what comes, in the order asked for, to windows, and gives out each that is done. */
function createCollector(
  options: WindowsOptions,
  { datastream, time, isCircular, intervals }: Making,
) {
  let window: TimeWindow | undefined;
  let sum = createWindowSum();
  const flush = (): WindowRow[] =>
    window === undefined ? [] : [{ datastream, window, time, isCircular, sum, intervals }];
  return {
    flush,
    sum: () => sum,
    /** The sum of the window that `at` belongs to; a window that is done goes to `done`. */
    sumAt(at: number, done: WindowRow[]): WindowSum {
      if (window === undefined || at <= window.startAt || at > window.endAt) {
        done.push(...flush());
        window = windowOf(options.window, at, time);
        sum = createWindowSum();
      }
      return sum;
    },
  };
}

function isWhole({ fromAt, toAt }: Span, time: LocalTime): boolean {
  return isWholeHours({ startAt: fromAt, endAt: toAt }, time);
}

async function* fromHours(
  options: WindowsOptions,
  making: Making,
): AsyncGenerator<readonly WindowRow[]> {
  const { order } = options;
  const { span, time, intervals } = making;
  const { series } = making.datastream;
  const collector = createCollector(options, making);
  const mayBeParted = !isWhole(span, time);
  for (const part of hourParts(span, order)) {
    const done: WindowRow[] = [];
    const hours = await hoursAtMoment(options, { ...part, series, isCircular: making.isCircular });
    if (hours === null) {
      yield* rowsInto(collector, options, making, inside(span, part));
      continue;
    }
    for (const hour of order === 'asc' ? hours : hours.toReversed()) {
      if (mayBeParted && isParted(options.window, hour.hourAt, time)) {
        const shared = inside(span, { fromAt: hour.hourAt - hourMs, toAt: hour.hourAt });
        for await (const windows of rowsInto(collector, options, making, shared)) {
          done.push(...windows);
        }
      } else addHour(collector.sumAt(hour.hourAt, done), hour, { order, intervals });
    }
    yield done;
  }
  yield collector.flush();
}

/** Whether a window begins within the hour: zones of half and quarter hours have such midnights. */
function isParted(window: WindowName, hourAt: number, time: LocalTime): boolean {
  return windowOf(window, hourAt, time).startAt > hourAt - hourMs;
}

/**
 * Null where the series has changed since the moment, be it while the question was under way: hours
 * are only as they are now. What a series once differs by stays, so the look behind the answer is
 * enough.
 */
async function hoursAtMoment(
  { questions, moment, hasChanged }: WindowsOptions,
  question: HoursQuestion,
): Promise<readonly HourRollup[] | null> {
  if (hasChanged(question.series)) return null;
  const hours = await questions.hours(question, moment);
  return hasChanged(question.series) ? null : hours;
}

function inside(span: Span, part: Span): Span {
  return { fromAt: Math.max(span.fromAt, part.fromAt), toAt: Math.min(span.toAt, part.toAt) };
}

/** Adds the rows of a span, each to the window that it lies in, and gives out those that are done. */
async function* rowsInto(
  collector: ReturnType<typeof createCollector>,
  options: WindowsOptions,
  making: Making,
  span: Span,
): AsyncGenerator<readonly WindowRow[]> {
  const rules = rulesOf(options, making);
  for await (const rows of rowPages(options, making.datastream.series, span)) {
    const done: WindowRow[] = [];
    for (const row of rows) addRow(collector.sumAt(row.endAt, done), row, rules);
    yield done;
  }
}

/** The whole hours of the span, two months at a time. */
function* hourParts(span: Span, order: Order): Generator<Span> {
  const stepMs = hoursPerRead * hourMs;
  const begin = Math.floor(span.fromAt / hourMs) * hourMs;
  const end = Math.ceil(span.toAt / hourMs) * hourMs;
  if (order === 'asc') {
    for (let fromAt = begin; fromAt < end; fromAt += stepMs) {
      yield { fromAt, toAt: Math.min(end, fromAt + stepMs) };
    }
    return;
  }
  for (let toAt = end; toAt > begin; toAt -= stepMs) {
    yield { fromAt: Math.max(begin, toAt - stepMs), toAt };
  }
}

async function* fromRows(
  options: WindowsOptions,
  making: Making,
): AsyncGenerator<readonly WindowRow[]> {
  const { datastream, span } = making;
  const collector = createCollector(options, making);
  const rules = rulesOf(options, making);
  for await (const rows of rowPages(options, datastream.series, span)) {
    const done: WindowRow[] = [];
    const partner = making.needs.vector ? await readPartner(options, datastream, rows) : undefined;
    const ruled = { ...rules, partner };
    for (const row of rows) addRow(collector.sumAt(row.endAt, done), row, ruled);
    if (collector.sum().values.count > options.valuesMax) {
      throw badParameter(
        'functions',
        `percentiles of at most ${options.valuesMax} values a window`,
      );
    }
    yield done;
  }
  yield collector.flush();
}

function rulesOf(options: WindowsOptions, { intervals, isCircular, needs }: Making): RowRules {
  return {
    flags: options.flags ?? usualFlags,
    intervals,
    isCircular,
    order: options.order,
    needs,
  };
}

/** All rows of the span in the order asked for, some at a time. */
async function* rowPages(
  options: WindowsOptions,
  series: number,
  span: Span,
): AsyncGenerator<readonly ObservationRow[]> {
  const { order, rowsPerReadMax: limit } = options;
  let after: ObservationRow | undefined;
  for (;;) {
    const rows = await readRows(options, series, { span, order, limit, after });
    yield rows;
    if (rows.length < limit) return;
    after = rows.at(-1);
  }
}

/** The rows of the other half of the wind at the times of these; undefined where there is none. */
async function readPartner(
  options: WindowsOptions,
  datastream: Datastream,
  rows: readonly ObservationRow[],
): Promise<RowRules['partner']> {
  const partner = partnerOf(options.view, datastream);
  const quantity = quantityOf(partner?.property ?? '');
  const ends = [rows[0]?.endAt ?? NaN, rows.at(-1)?.endAt ?? NaN];
  if (partner === undefined || quantity === null || rows.length === 0) return undefined;
  const span = { fromAt: Math.min(...ends) - 1, toAt: Math.max(...ends) };
  const found: ObservationRow[] = [];
  for (;;) {
    const more = await readRows(options, partner.series, {
      span,
      order: 'asc',
      limit: options.rowsPerReadMax,
      after: found.at(-1),
    });
    found.push(...more);
    if (more.length < options.rowsPerReadMax) break;
  }
  return { quantity, results: resultsByTime(found, options.flags ?? usualFlags) };
}
