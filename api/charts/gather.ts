/** From datastreams to what is drawn of each, with other requests answered in between. */
import { setImmediate } from 'node:timers/promises';

import type { Clock } from '../../devices/clock.ts';
import type { Datastream } from '../../devices/model.ts';
import { badParameter } from '../errors.ts';
import type { NetworkView } from '../network.ts';
import { costOfWindows } from '../windows/cost.ts';
import { valueOf, type FunctionName } from '../windows/functions.ts';
import { stepWindows, type WindowRow } from '../windows/steps.ts';
import type { WindowName } from '../windows/window.ts';
import { createPlot, type Plot, type PlotFrame, type PlotValue } from './plot.ts';
import { filledSpan, readRange, type Reading, type Span } from './span.ts';

export interface Gathering extends Reading {
  readonly view: NetworkView;
  readonly clock: Clock;
  readonly flags: ReadonlySet<number> | null;
  /** Rows and hours that one chart may read. */
  readonly rowsMax: number;
  /** Told what the chart has kept the thread, in milliseconds. */
  readonly worked: (ms: number) => void;
}

export interface Wanted {
  readonly datastream: Datastream;
  readonly kind: PlotFrame['kind'];
  /** Of windows. */
  readonly functionName?: FunctionName;
}

/** How long a chart may keep the thread before others get their turn. */
const turnMs = 8;
/** No step of it keeps the thread longer. */
const workMsMax = 50;

/** Waits for others as often as it must, and tells of the work between. */
export function createTurns({
  clock,
  worked,
}: Pick<Gathering, 'clock' | 'worked'>): () => Promise<void> {
  let startMs = clock.monotonicMs();
  let pauseAtMs = startMs + turnMs;
  return async () => {
    const nowMs = clock.monotonicMs();
    // More than that was waiting for a disk.
    worked(Math.min(workMsMax, nowMs - startMs));
    startMs = nowMs;
    if (nowMs < pauseAtMs) return;
    await setImmediate();
    startMs = clock.monotonicMs();
    pauseAtMs = startMs + turnMs;
  };
}

export async function plotRows(
  gathering: Gathering,
  wanted: readonly Wanted[],
  shown: Span & { readonly columns: number },
): Promise<readonly Plot[]> {
  const takeTurn = createTurns(gathering);
  const plots: Plot[] = [];
  let left = gathering.rowsMax;
  for (const { datastream, kind } of wanted) {
    const plot = createPlot({ ...shown, kind, intervalMs: datastream.intervalMs });
    const span = {
      fromAt: shown.fromAt,
      toAt: shown.toAt,
      order: 'asc',
      limit: gathering.rowsPerReadMax,
    } as const;
    let rows = await readRange(gathering, datastream, span);
    for (;;) {
      for (const { startAt, endAt, result, verdict } of rows) {
        if (gathering.flags !== null && !gathering.flags.has(verdict.flag)) continue;
        plot.add({ startAt, endAt, value: result, flag: verdict.flag });
      }
      left -= rows.length;
      if (left < 0) throw tooMany(gathering.rowsMax);
      await takeTurn();
      if (rows.length < span.limit) break;
      rows = await readRange(gathering, datastream, { ...span, after: rows.at(-1) });
    }
    plots.push(plot.finish());
  }
  return plots;
}

/** Throws API_PARAMETER_INVALID where a chart would be of too many rows, or hours, before any is read. */
export async function requireFewOf(
  gathering: Gathering,
  wanted: readonly Wanted[],
  { window, ...span }: Span & { readonly window: WindowName | undefined },
): Promise<void> {
  if (window === undefined) await requireFewRows(gathering, wanted, span);
  else await requireFewWindows(gathering, wanted, { ...span, window });
}

/** By their intervals. */
async function requireFewRows(
  gathering: Gathering,
  wanted: readonly Wanted[],
  { fromAt, toAt }: Span,
): Promise<void> {
  let rows = 0;
  for (const { datastream } of wanted) {
    const filled = await filledSpan(gathering, datastream, { fromAt, toAt });
    if (filled !== undefined) rows += (filled.toAt - filled.fromAt) / datastream.intervalMs;
  }
  if (rows > gathering.rowsMax) throw tooMany(gathering.rowsMax);
}

function tooMany(rowsMax: number): Error {
  return badParameter('from', `a span of at most ${rowsMax} rows; /aggregates draws longer ones`);
}

export async function plotWindows(
  gathering: Gathering,
  wanted: readonly Wanted[],
  shown: Span & { readonly columns: number; readonly window: WindowName },
): Promise<readonly Plot[]> {
  const takeTurn = createTurns(gathering);
  const plots: Plot[] = [];
  for (const { datastream, kind, functionName = 'mean' } of wanted) {
    const intervalMs = windowMs[shown.window];
    const plot = createPlot({ ...shown, kind, intervalMs });
    const steps = stepWindows({
      ...gathering,
      ...shown,
      datastreams: [datastream],
      functions: [functionName],
      toAt: shown.toAt,
      order: 'asc',
      after: undefined,
      limit: Number.POSITIVE_INFINITY,
      valuesMax: gathering.rowsMax,
    });
    for await (const windows of steps) {
      for (const window of windows) plot.add(valueOfWindow(window, functionName));
      await takeTurn();
    }
    plots.push(plot.finish());
  }
  return plots;
}

/** About. */
const windowMs: Readonly<Record<WindowName, number>> = {
  PT1M: 60_000,
  PT1H: 3_600_000,
  P1D: 90_000_000,
  P1M: 31 * 86_400_000,
  P1Y: 366 * 86_400_000,
};

async function requireFewWindows(
  gathering: Gathering,
  wanted: readonly Wanted[],
  { fromAt, toAt, window }: Span & { readonly window: WindowName },
): Promise<void> {
  let cost = 0;
  for (const { datastream, functionName = 'mean' } of wanted) {
    const filled = await filledSpan(gathering, datastream, { fromAt, toAt });
    if (filled === undefined) continue;
    const { view, flags, hasChanged } = gathering;
    const { rows, hours } = costOfWindows({
      view,
      datastreams: [datastream],
      ...filled,
      window,
      functions: [functionName],
      isOfRows: flags !== null || hasChanged(datastream.series),
    });
    cost += rows + hours;
  }
  if (cost > gathering.rowsMax) {
    throw badParameter('from', `a span that is made of at most ${gathering.rowsMax} rows or hours`);
  }
}

/** A mean is shown with the least and the greatest around it. */
function valueOfWindow(row: WindowRow, functionName: FunctionName): PlotValue {
  const { startAt, endAt } = row.window;
  const value = { startAt, endAt, value: valueOf(functionName, row), flag: 1 };
  const hasRange = functionName === 'mean' && !row.isCircular && row.sum.rows > 0;
  return hasRange ? { ...value, low: row.sum.min, high: row.sum.max } : value;
}
