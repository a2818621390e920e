import { CodedError } from '../../devices/coded-error.ts';
import type { Position } from '../log/log.ts';
import { decodeBatch } from '../observations/batch-codec.ts';
import type { BalanceTotals, Batch } from '../observations/batch.ts';
import type { Finding, MaintainProgress } from './findings.ts';
import { walkLog, type LogPlace } from './log-place.ts';

/** The last batch that could be read, and where it stands. */
export interface LastBatch {
  readonly position: Position;
  readonly batch: Pick<Batch, 'consumed' | 'publishedAt' | 'totals' | 'registryVersion'>;
}

/**
 * Every batch decodes; positions, times and totals only grow; the two laws hold in each; a null has
 * its flag and its reason. Null where the log holds no batch.
 */
export async function verifyBatches(
  log: LogPlace,
  onFinding: (finding: Finding) => void,
  onProgress: MaintainProgress,
): Promise<LastBatch | null> {
  const end = log.durableEnd.get();
  let last: LastBatch | null = null;
  await walkLog({
    log,
    damage: 'skip',
    onRecords(records) {
      for (const { position, body } of records) {
        const say = (what: string): void =>
          onFinding({ part: 'observations', file: 'observations', first: position, what });
        const batch = decoded(position, body, say);
        if (batch === null) continue;
        for (const what of problemsOf(batch, last)) say(what);
        const { consumed, publishedAt, totals, registryVersion } = batch;
        last = { position, batch: { consumed, publishedAt, totals, registryVersion } };
      }
      onProgress('observations: records', records.at(-1)?.position ?? end, end);
    },
  });
  return last;
}

function decoded(position: Position, body: Buffer, say: (what: string) => void): Batch | null {
  try {
    return decodeBatch(position, body);
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    say(error.message);
    return null;
  }
}

function* problemsOf(batch: Batch, last: LastBatch | null): Generator<string> {
  const { consumed, totals, publishedAt } = batch;
  // The first positions of a log may have gone before anybody counted: from then on nothing may.
  const uncounted = last === null ? Math.max(0, uncountedOf(batch)) : uncountedOf(last.batch);
  if (uncountedOf(batch) !== uncounted) {
    yield `${consumed} readings are consumed, ${consumed - uncountedOf(batch)} are accounted for`;
  }
  const ended =
    totals.measurementsStored +
    totals.measurementsDuplicate +
    totals.measurementsRevision +
    totals.measurementsQuarantined;
  if (ended !== totals.measurementsDecoded) {
    yield `${totals.measurementsDecoded} measurements are decoded, ${ended} are accounted for`;
  }
  if (last !== null) {
    if (consumed < last.batch.consumed) yield 'the consumed position goes back';
    if (publishedAt < last.batch.publishedAt) yield 'the time of publication goes back';
    for (const term of Object.keys(totals) as (keyof BalanceTotals)[]) {
      if (totals[term] < last.batch.totals[term]) yield `the total ${term} goes back`;
    }
  }
  yield* rowProblems(batch);
}

function uncountedOf({ consumed, totals }: Pick<Batch, 'consumed' | 'totals'>): number {
  const { readingsSettled, readingsQuarantined, readingsControl } = totals;
  return consumed - readingsSettled - readingsQuarantined - readingsControl;
}

function* rowProblems({ rows, quarantined, control, consumed }: Batch): Generator<string> {
  for (const { result, verdict, rank, series, endAt } of rows) {
    if (result === null && (verdict.flag !== 9 || verdict.reason === null)) {
      yield `the null of series ${series} at ${endAt} has no flag 9 or no reason`;
    }
    if (rank.position > consumed) {
      yield `a row of series ${series} comes from reading ${rank.position}, which is not consumed`;
    }
  }
  for (const { position } of [...quarantined, ...control]) {
    if (position > consumed) yield `an entry is about reading ${position}, which is not consumed`;
  }
}
