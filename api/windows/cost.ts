/** What windows cost, before anything is read. */
import type { Datastream } from '../../devices/model.ts';
import type { NetworkView } from '../network.ts';
import { needsOf, needsRows, type FunctionName } from './functions.ts';
import { partnerOf } from './wind-partner.ts';
import { isWholeHours, windowOf, type WindowName } from './window.ts';

export interface WindowsQuery {
  readonly view: NetworkView;
  readonly datastreams: readonly Datastream[];
  /** Ends of the rows that can be in the windows: no wider than what is held. */
  readonly fromAt: number;
  readonly toAt: number;
  readonly window: WindowName;
  readonly functions: readonly FunctionName[];
  /** Of one quality, or as of a moment since which something has changed. */
  readonly isOfRows: boolean;
  /** Of the page; none: to the end. */
  readonly limit?: number;
}

/** At most, where each datastream kept to the interval that it has now. */
export interface WindowsCost {
  readonly rows: number;
  readonly hours: number;
}

const hourMs = 3_600_000;

/** Reads nothing: rows and hours that `stepWindows` would read for this. */
export function costOfWindows(query: WindowsQuery): WindowsCost {
  let rows = 0;
  let hours = 0;
  let windowsLeft = query.limit ?? Number.POSITIVE_INFINITY;
  for (const datastream of query.datastreams) {
    if (windowsLeft <= 0) break;
    const context = query.view.rows.context(datastream.series);
    if (context === undefined) continue;
    const { time } = context;
    const { startAt, endAt } = windowOf(query.window, query.toAt, time);
    const spanMs = endAt - windowOf(query.window, query.fromAt, time).startAt;
    const windows = Math.max(1, spanMs / (endAt - startAt));
    const shownMs = spanMs * Math.min(1, windowsLeft / windows);
    windowsLeft -= windows;
    const needs = needsOf(query.functions);
    const isCircular = context.property?.circular === true;
    const isWhole = isWholeHours({ startAt: query.fromAt, endAt: query.toAt }, time);
    const isOfRows =
      query.isOfRows ||
      query.window === 'PT1M' ||
      needsRows(needs, isCircular) ||
      (query.window === 'PT1H' && !isWhole);
    const hasPartner = needs.vector && partnerOf(query.view, datastream) !== undefined;
    if (isOfRows) {
      rows += Math.ceil(((hasPartner ? 2 : 1) * shownMs) / datastream.intervalMs);
      continue;
    }
    hours += Math.ceil(shownMs / hourMs);
    // In other zones two windows share an hour, whose rows are read.
    const shared = isWhole ? 0 : shownMs / (endAt - startAt) + 1;
    rows += Math.ceil((shared * hourMs) / datastream.intervalMs);
  }
  return { rows, hours };
}
