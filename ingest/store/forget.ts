/**
 * Lets go of days before the horizon, in slices. Readers in other threads learn of a horizon that has
 * moved with their next `refresh`: so it moves in one round, and what then lies before it goes in the
 * next. The newest day of a series stays, however old: by it a view knows what is new, and the latest.
 */
import { transaction, type Database } from '../../devices/database.ts';
import type { Position } from '../log/log.ts';
import type { Sink } from './columns/bytes.ts';
import { dayOf, decodeDirectory, encodeDays } from './directory.ts';
import type { View } from './view.ts';

export interface ForgetParts {
  readonly database: Database;
  readonly view: View;
  readonly sink: Sink;
  /** After days have gone: what is remembered of the blocks is read again. */
  readonly restore: () => void;
  readonly nowMs: () => number;
}

export interface ForgetWork {
  /** Days that end before it. */
  readonly beforeAt: number;
  /** Only where all rows are of batches up to this position of the view's own log. */
  readonly storedUpTo: Position;
}

export interface Forgetter {
  /** Works for about `sliceMs`; true when there is nothing left to do. */
  slice(sliceMs: number): boolean;
  /** Days of series that went. */
  readonly dropped: number;
}

interface DayRow {
  readonly day: number;
  readonly series: number;
  readonly parts: Uint8Array;
}

const rowsAtOnce = 32;

export function createForgetter(parts: ForgetParts, work: ForgetWork): Forgetter {
  const { database, view, sink, nowMs } = parts;
  const beforeDay = dayOf(work.beforeAt);
  const next = database.prepare(
    `SELECT day, series, parts FROM days WHERE (day, series) > (?, ?) AND day < ?
     ORDER BY day, series LIMIT ?`,
  );
  const dropBlock = database.prepare('DELETE FROM blocks WHERE id = ?');
  const dropDay = database.prepare('DELETE FROM days WHERE day = ? AND series = ?');
  const putDays = database.prepare('UPDATE series SET days = ? WHERE series = ?');
  const dropAdopted = database.prepare('DELETE FROM adopted WHERE day < ?');
  let at: Pick<DayRow, 'day' | 'series'> = { day: -Number.MAX_SAFE_INTEGER, series: -1 };
  let dropped = 0;

  function drop({ day, series, parts: bytes }: DayRow): void {
    const directory = decodeDirectory(bytes, day);
    if (directory.parts.some(({ positionMax }) => positionMax > work.storedUpTo)) return;
    const days = view.series(series)?.days ?? [];
    if (days.at(-1) === day) return;
    for (const { block } of directory.parts) dropBlock.run(block);
    dropDay.run(day, series);
    putDays.run(
      encodeDays(
        sink,
        days.filter((each) => each !== day),
      ),
      series,
    );
    dropped++;
  }

  function dropSome(untilMs: number): boolean {
    do {
      const rows = next.all(at.day, at.series, beforeDay, rowsAtOnce) as unknown as DayRow[];
      for (const row of rows) {
        drop(row);
        at = row;
      }
      if (rows.length < rowsAtOnce) {
        dropAdopted.run(beforeDay);
        return true;
      }
    } while (nowMs() < untilMs);
    return false;
  }

  return {
    get dropped() {
      return dropped;
    },
    slice(sliceMs) {
      const before = { at, dropped };
      try {
        return transaction(database, () => dropSome(nowMs() + sliceMs));
      } catch (error) {
        ({ at, dropped } = before);
        throw error;
      } finally {
        parts.restore();
      }
    },
  };
}
