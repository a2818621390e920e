/**
 * What is decided of an end bears on what ended up to 48 h before and behind it, and on nothing else
 * (checks/neighbour.ts). Where the view may lack rows of those days, nothing is decided before they
 * are there: whoever asked is told which, has them adopted, and asks again.
 */
import { windowMsMax } from '../checks/neighbour.ts';
import { dayOf } from '../store/directory.ts';
import type { SeriesDays, StoreHorizon } from '../store/horizon.ts';

/** Thrown before anything of the value is decided: no reading's fault, and none of the machine's. */
export class RowsLacking extends Error {
  readonly days: readonly SeriesDays[];

  constructor(days: readonly SeriesDays[]) {
    super('rows of days before the horizon are wanted');
    this.days = days;
  }
}

/** Ends of a series that are decided about, both inclusive. */
export interface Ends {
  readonly series: number;
  readonly firstAt: number;
  readonly lastAt: number;
}

/** Throws RowsLacking where the view may lack rows that bear on the ends. */
export function requireRows(horizon: StoreHorizon, { series, firstAt, lastAt }: Ends): void {
  const days = {
    series,
    firstDay: dayOf(firstAt - windowMsMax),
    lastDay: dayOf(lastAt + windowMsMax),
  };
  const missing = horizon.missing(days);
  if (missing !== undefined) throw new RowsLacking([missing]);
}
