/**
 * What a lawful erasure does to what the database holds: rows lose their values where they stand, so
 * that keys, revisions, positions and hours stay as they are (the hours were summed again when the
 * deletions were written). Freed pages are overwritten, and the write-ahead log is emptied.
 */
import { transaction, type Database } from '../../devices/database.ts';
import { erasedVerdict, isErasedRow, type ErasedPart } from '../observations/erased.ts';
import type { Sink } from './columns/bytes.ts';
import { encodeBlock } from './columns/block.ts';
import { clearRows, createRows, rowOf, type Rows } from './columns/rows.ts';
import { sentNull } from './columns/sent-value.ts';
import { timeForms } from './columns/sent-time.ts';
import type { View } from './view.ts';

export interface Blanker {
  /** Rows of one series and day (directory.ts); answers how many lost their value. */
  blankDay(part: ErasedPart, series: number, day: number): number;
  /** Quarantine and control. */
  blankEntries(part: ErasedPart): number;
  /** Leaves nothing of it in the write-ahead log; false while a reader still needs that. */
  finish(): boolean;
}

export function createBlanker(database: Database, view: View, sink: Sink): Blanker {
  const rows = createRows(1_024);
  const putBlock = database.prepare('UPDATE blocks SET points = ?, details = ? WHERE id = ?');
  const quarantine = database.prepare(
    `UPDATE quarantine SET topic = '', detail = '', payload = NULL
     WHERE device = ? AND received_at >= ? AND received_at < ? AND position <= ?
     AND (topic <> '' OR detail <> '' OR payload IS NOT NULL)`,
  );
  const control = database.prepare(
    `UPDATE control SET text = '' WHERE device = ? AND received_at >= ? AND received_at < ?
     AND position <= ? AND kind <> 'decision' AND text <> ''`,
  );
  database.exec('PRAGMA secure_delete = ON');

  function blankBlock(part: ErasedPart, series: number, block: number): number {
    clearRows(rows);
    rows.series = series;
    const { newest, others } = view.readBlock(block, rows);
    let count = 0;
    for (let at = 0; at < rows.count; at++) {
      if (!isErasedRow(part, rowOf(rows, at))) continue;
      blankRow(rows, at);
      count += 1;
    }
    if (count === 0) return 0;
    const places = Int32Array.from({ length: newest + others }, (_, at) => at);
    const source = { rows, newest: places.subarray(0, newest), others: places.subarray(newest) };
    const { points, details } = encodeBlock(sink, source, view.dictionary);
    putBlock.run(points, details, block);
    return count;
  }

  return {
    blankDay(part, series, day) {
      const found = view.day(series, day);
      if (found === undefined) return 0;
      try {
        return transaction(database, () =>
          found.parts.reduce((sum, { block }) => sum + blankBlock(part, series, block), 0),
        );
      } catch (error) {
        view.dictionary.reload();
        throw error;
      } finally {
        clearRows(rows);
      }
    },
    blankEntries: ({ devices, fromAt, toAt, upTo }) =>
      transaction(database, () => {
        let count = 0;
        for (const device of devices) {
          for (const statement of [quarantine, control]) {
            const { changes } = statement.run(device, fromAt, toAt, upTo);
            count += Number(changes);
          }
        }
        return count;
      }),
    finish() {
      const row = database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get();
      return row?.['busy'] === 0;
    },
  };
}

/** The same as `erasedRow`, by column. */
function blankRow(rows: Rows, at: number): void {
  rows.result[at] = Number.NaN;
  rows.verdict[at] = erasedVerdict(rows.verdict[at]!.rules);
  rows.resultAt[at] = Number.NaN;
  rows.rankAt[at] = rows.receivedAt[at]!;
  rows.sentDigits[at] = 0;
  rows.sentDecimals[at] = sentNull;
  rows.sentText[at] = null;
  rows.timeForm[at] = timeForms.none;
  rows.timeText[at] = null;
  rows.rawName[at] = '';
  rows.rawUnit[at] = null;
  rows.payloadHash[at] = -1;
  rows.latitude[at] = Number.NaN;
  rows.longitude[at] = Number.NaN;
}
