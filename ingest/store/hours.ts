/** Hours of a series: the kept ones where they hold, else summed from blocks and tail. */
import type { Position } from '../log/log.ts';
import { dayMs, hourMs } from './directory.ts';
import { daysBetween, tailDays } from './kept.ts';
import { createRollupBuilder, decodeHours } from './rollup.ts';
import { createScanner } from './scan.ts';
import type { HourRollup } from './store.ts';
import type { Tail } from './tail.ts';
import { naming, type View } from './view.ts';

export interface HoursQuery {
  readonly series: number;
  /** Hours named by their end: from exclusive, to inclusive. */
  readonly fromAt: number;
  readonly toAt: number;
  readonly pin: Position;
}

/** Inside `view.reading`. */
export type HoursReader = (query: HoursQuery) => HourRollup[];

/** Ends of rows: from inclusive, to exclusive. */
interface Ends {
  readonly fromAt: number;
  readonly toAt: number;
}

export function createHoursReader(
  view: View,
  tail: Tail,
  isCircular: (series: number) => boolean,
): HoursReader {
  const scanner = createScanner(view);

  function summed({ series, pin }: HoursQuery, ends: Ends): HourRollup[] {
    const builder = createRollupBuilder(series, isCircular(series));
    scanner.scan({ series, pin, ...ends, order: 'asc' }, tail, (rows, at) => {
      builder.add(rows, at);
      return true;
    });
    return builder.finish();
  }

  /** Null where none are kept, or where they hold rows beyond the position. */
  function keptHours({ series, pin }: HoursQuery, day: number): HourRollup[] | null {
    const record = view.day(series, day);
    const hours = record?.hours ?? null;
    if (record === undefined || hours === null) return null;
    if (record.parts.some((part) => part.positionMax > pin)) return null;
    return naming({ series, day }, () => decodeHours(hours, series, day));
  }

  return (query) => {
    const rowsFrom = Math.floor(query.fromAt / hourMs) * hourMs + 1;
    const rowsTo = Math.floor(query.toAt / hourMs) * hourMs + 1;
    if (rowsTo <= rowsFrom) return [];
    const touched = tailDays(tail, query);
    const all = new Set([...(view.series(query.series)?.days ?? []), ...touched]);
    const days = daysBetween(
      [...all].toSorted((a, b) => a - b),
      rowsFrom,
      rowsTo,
    );
    const found: HourRollup[] = [];
    /** Days that must be summed are summed together, as far as no kept day lies between. */
    let sumFrom = Number.NaN;
    const sumUpTo = (toAt: number): void => {
      if (!Number.isNaN(sumFrom)) found.push(...summed(query, { fromAt: sumFrom, toAt }));
      sumFrom = Number.NaN;
    };
    for (const day of days) {
      const fromAt = Math.max(rowsFrom, day * dayMs + 1);
      const hours = touched.has(day) ? null : keptHours(query, day);
      if (hours === null) {
        if (Number.isNaN(sumFrom)) sumFrom = fromAt;
        continue;
      }
      sumUpTo(fromAt);
      found.push(...hours.filter(({ hourAt }) => hourAt >= rowsFrom && hourAt < rowsTo));
    }
    sumUpTo(rowsTo);
    return found;
  };
}
