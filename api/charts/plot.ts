/**
 * Rows or windows of one series, in order of time, made small enough to draw: of each column of
 * pixels the first, the least, the greatest and the last value stay (M4, Jugel et al. 2014), so that
 * the line looks as if all had been drawn and no spike is lost. What is more than an interval and a
 * half apart is not joined, where that is wide enough to be seen.
 */

export interface PlotValue {
  readonly startAt: number;
  readonly endAt: number;
  readonly value: number | null;
  readonly flag: number;
  /** Least and greatest of a window. */
  readonly low?: number | undefined;
  readonly high?: number | undefined;
}

export interface PlotPoint {
  readonly at: number;
  readonly value: number;
}

export interface PlotSpan {
  readonly startAt: number;
  readonly endAt: number;
  readonly low: number;
  readonly high: number;
}

export interface PlotMark extends PlotPoint {
  readonly flag: 3 | 4;
}

/** What is drawn of one series. */
export interface Plot {
  /** Points to join, run by run. */
  readonly runs: readonly (readonly PlotPoint[])[];
  /** From 0 (a bar) or from the least (a band) to the greatest, at most one a column of pixels. */
  readonly spans: readonly PlotSpan[];
  /** Suspect and failed values: of each column the least and the greatest. */
  readonly marks: readonly PlotMark[];
  /** Of what counts; Infinity and −Infinity without any. */
  readonly least: number;
  readonly greatest: number;
  readonly last: PlotPoint | undefined;
  readonly values: number;
  readonly suspect: number;
  readonly failed: number;
}

export interface PlotFrame {
  readonly fromAt: number;
  readonly toAt: number;
  readonly columns: number;
  readonly intervalMs: number;
  /** `bars`: spans from 0 instead of points. */
  readonly kind: 'line' | 'bars' | 'points';
}

export interface PlotMaker {
  /** In order of time. */
  add(value: PlotValue): void;
  finish(): Plot;
}

interface Column {
  index: number;
  first: PlotPoint | undefined;
  least: PlotPoint | undefined;
  greatest: PlotPoint | undefined;
  last: PlotPoint | undefined;
  span: PlotSpan | undefined;
}

export function createPlot(frame: PlotFrame): PlotMaker {
  const runs: PlotPoint[][] = [];
  const spans: PlotSpan[] = [];
  const marks = createMarks();
  const told = { least: Infinity, greatest: -Infinity, values: 0, suspect: 0, failed: 0 };
  const perMs = frame.columns / Math.max(1, frame.toAt - frame.fromAt);
  const columnOf = (at: number) => Math.floor((at - frame.fromAt) * perMs);
  let column = emptyColumn(-Infinity);
  let last: PlotPoint | undefined;
  let lastEndAt = -Infinity;

  function closeColumn(): void {
    if (frame.kind !== 'bars') runs.at(-1)?.push(...pointsOf(column));
    if (column.span !== undefined) spans.push(column.span);
  }

  function openColumn(index: number, endAt: number): void {
    closeColumn();
    const isApart = endAt - lastEndAt > 1.5 * frame.intervalMs && index - column.index >= 2;
    if (isApart || runs.length === 0) runs.push([]);
    column = emptyColumn(index);
  }

  function addCounted(point: PlotPoint, given: PlotValue): void {
    const index = columnOf(point.at);
    if (index !== column.index) openColumn(index, given.endAt);
    addExtremes(column, point);
    const span = spanOf(given, point.value, frame.kind);
    if (span !== undefined) column.span = widerSpan(column.span, span);
    const { low = point.value, high = point.value } = given;
    if (low < told.least) told.least = low;
    if (high > told.greatest) told.greatest = high;
    told.values += 1;
    last = point;
    lastEndAt = given.endAt;
  }

  return {
    add(given) {
      const { value, flag } = given;
      if (value === null || !Number.isFinite(value)) return;
      const point = { at: (given.startAt + given.endAt) / 2, value };
      if (flag === 3) told.suspect += 1;
      if (flag === 4) told.failed += 1;
      if (flag === 3 || flag === 4) marks.add(columnOf(point.at), { ...point, flag });
      if (flag !== 4) addCounted(point, given);
    },
    finish() {
      closeColumn();
      column = emptyColumn(-Infinity);
      return { runs, spans, marks: marks.list(), last, ...told };
    },
  };
}

function emptyColumn(index: number): Column {
  return {
    index,
    first: undefined,
    least: undefined,
    greatest: undefined,
    last: undefined,
    span: undefined,
  };
}

function addExtremes(column: Column, point: PlotPoint): void {
  column.first ??= point;
  if (column.least === undefined || point.value < column.least.value) column.least = point;
  if (column.greatest === undefined || point.value > column.greatest.value) column.greatest = point;
  column.last = point;
}

/** First, least, greatest and last, each once, in order of time. */
function pointsOf({ first, least, greatest, last }: Column): PlotPoint[] {
  return [...new Set([first, least, greatest, last])]
    .filter((point) => point !== undefined)
    .sort((a, b) => a.at - b.at);
}

function spanOf(
  { startAt, endAt, low, high }: PlotValue,
  value: number,
  kind: PlotFrame['kind'],
): PlotSpan | undefined {
  if (kind === 'bars') {
    return { startAt, endAt, low: Math.min(0, value), high: Math.max(0, value) };
  }
  return low === undefined || high === undefined ? undefined : { startAt, endAt, low, high };
}

function widerSpan(one: PlotSpan | undefined, other: PlotSpan): PlotSpan {
  if (one === undefined) return other;
  return {
    startAt: Math.min(one.startAt, other.startAt),
    endAt: Math.max(one.endAt, other.endAt),
    low: Math.min(one.low, other.low),
    high: Math.max(one.high, other.high),
  };
}

function createMarks() {
  const byColumn = new Map<string, { least: PlotMark; greatest: PlotMark }>();
  return {
    add(column: number, mark: PlotMark): void {
      const key = `${column} ${mark.flag}`;
      const found = byColumn.get(key);
      if (found === undefined) byColumn.set(key, { least: mark, greatest: mark });
      else if (mark.value < found.least.value) found.least = mark;
      else if (mark.value > found.greatest.value) found.greatest = mark;
    },
    list: (): PlotMark[] =>
      [...byColumn.values()].flatMap(({ least, greatest }) =>
        least === greatest ? [least] : [least, greatest],
      ),
  };
}
