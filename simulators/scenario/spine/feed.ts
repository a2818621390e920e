/** The change feed from zero: what a follower rebuilds from `observations` alone, and what it checks. */
import type { LogReader, Position } from '../../../ingest/log/log.ts';
import { decodeBatch } from '../../../ingest/observations/batch-codec.ts';
import { noTotals, type BalanceTotals, type Batch } from '../../../ingest/observations/batch.ts';
import type { ObservationRow } from '../../../ingest/observation.ts';
import { keyLine, rowLine } from './state.ts';

export interface FeedState {
  readonly current: ReadonlyMap<string, ObservationRow>;
  readonly batches: number;
  readonly rows: number;
  readonly consumed: Position;
  readonly totals: BalanceTotals;
  /** What a follower finds wrong: revisions that do not grow by one, laws that do not hold. */
  readonly wrong: readonly string[];
}

const readBytes = 1_048_576;

/** Reads the whole log; nothing in it may be damaged. */
export async function followFromZero(reader: LogReader): Promise<FeedState> {
  const current = new Map<string, ObservationRow>();
  const wrong: string[] = [];
  let before: Batch | null = null;
  let batches = 0;
  let rows = 0;
  for (;;) {
    const records = await reader.read(readBytes);
    if (records.length === 0) break;
    for (const { position, body } of records) {
      const batch = decodeBatch(position, body);
      batches += 1;
      rows += batch.rows.length;
      wrong.push(...wrongOfBatch(batch, before).map((text) => `batch ${position}: ${text}`));
      for (const row of batch.rows) {
        const problem = takeRow(current, row);
        if (problem !== null) wrong.push(`batch ${position}: ${problem}: ${rowLine(row)}`);
      }
      before = batch;
    }
  }
  const consumed = before?.consumed ?? 0;
  return { current, batches, rows, consumed, totals: before?.totals ?? noTotals, wrong };
}

/** Promise 6: a row more, a revision more; history never was current. */
function takeRow(current: Map<string, ObservationRow>, row: ObservationRow): string | null {
  if (!row.current) return row.revision < 0 ? null : 'history with a revision';
  const key = keyLine(row);
  const known = current.get(key);
  current.set(key, row);
  if (row.revision !== (known?.revision ?? -1) + 1) return `revision after ${known?.revision}`;
  if ((row.type === 'insert') !== (known === undefined)) return 'an insert of what was there';
  if (row.result === null && (row.verdict.flag !== 9 || row.verdict.reason === null)) {
    return 'a null without flag 9 and reason';
  }
  if (row.publishedAt < (known?.publishedAt ?? 0)) return 'published before its last revision';
  return null;
}

/** Promise 2: both laws, each term as it grew with this batch. */
function wrongOfBatch(batch: Batch, before: Batch | null): string[] {
  const { totals, consumed } = batch;
  const earlier = before?.totals ?? noTotals;
  const ended = totals.readingsSettled + totals.readingsQuarantined + totals.readingsControl;
  const settled =
    totals.measurementsStored +
    totals.measurementsDuplicate +
    totals.measurementsRevision +
    totals.measurementsQuarantined;
  const values = batch.rows.filter((row) => row.cause === 'value');
  const stored = values.filter((row) => row.type === 'insert' && row.current).length;
  const open = batch.quarantined.filter((entry) => entry.state === 'open');
  const whole = open.filter((entry) => entry.channel === null).length;
  const control = batch.control.length;
  const claims: readonly (readonly [string, number, number])[] = [
    ['readings ended', ended, consumed],
    ['measurements ended', settled, totals.measurementsDecoded],
    ['stored', totals.measurementsStored - earlier.measurementsStored, stored],
    [
      'revision',
      totals.measurementsRevision - earlier.measurementsRevision,
      values.length - stored,
    ],
    ['quarantined whole', totals.readingsQuarantined - earlier.readingsQuarantined, whole],
    [
      'quarantined',
      totals.measurementsQuarantined - earlier.measurementsQuarantined,
      open.length - whole,
    ],
    ['control', totals.readingsControl - earlier.readingsControl, control],
  ];
  const wrong = claims
    .filter(([, counted, found]) => counted !== found)
    .map(([name, counted, found]) => `${name}: counted ${counted}, found ${found}`);
  if (consumed <= (before?.consumed ?? 0)) wrong.push(`consumed goes back to ${consumed}`);
  if (batch.publishedAt < (before?.publishedAt ?? 0)) wrong.push('publishedAt goes back');
  return wrong;
}
