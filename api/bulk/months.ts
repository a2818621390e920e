/**
 * Months of files: those of each station's calendar, so that a month is what its people call so and
 * what `/observations` gives between two local midnights. A row is in the month in which its
 * phenomenonTime ends: from inclusive, to exclusive.
 */
import type { LocalTime } from '../../ingest/observations/local-time.ts';
import { windowOf } from '../windows/window.ts';

/** `YYYY-MM`. */
export type Month = string;

export interface MonthSpan {
  readonly month: Month;
  /** Inclusive, integer milliseconds UTC. */
  readonly fromAt: number;
  /** Exclusive. */
  readonly toAt: number;
}

/** The month of a row that ends at `at`. */
export function monthOf(at: number, time: LocalTime): MonthSpan {
  // A window holds its end and not its start; a month of files is the other way round.
  const { startAt, endAt } = windowOf('P1M', at + 1, time);
  return { month: monthText(startAt, time), fromAt: startAt, toAt: endAt };
}

export function spanOf(month: Month, time: LocalTime): MonthSpan {
  const [year = 0, ofYear = 1] = month.split('-').map(Number);
  const middle = new Date(0);
  middle.setUTCFullYear(year, ofYear - 1, 15);
  return monthOf(middle.getTime(), time);
}

export function isMonth(text: string): boolean {
  return /^\d{4}-(0[1-9]|1[0-2])$/.test(text);
}

function monthText(startAt: number, time: LocalTime): Month {
  return new Date(startAt + time.offsetMs(startAt)).toISOString().slice(0, 7);
}
