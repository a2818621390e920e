import { CodedError } from '../../devices/coded-error.ts';
import type { Position } from '../log/log.ts';
import { decodeBatch } from '../observations/batch-codec.ts';
import type { BalanceTotals, Batch } from '../observations/batch.ts';
import type { Finding, MaintainProgress } from './findings.ts';
import { walkLog, type LogPlace } from './log-place.ts';
import { createCopyLaws, type CopyLaws } from './verify-copy.ts';

/** The last batch that could be read, and where it stands. */
export interface LastBatch {
  readonly position: Position;
  readonly batch: Omit<Batch, 'rows' | 'quarantined' | 'control'>;
}

export interface VerifyBatchesOptions {
  /** The view lacks nothing that was ever decided: a copy of it begins with the first batches. */
  readonly isWhole: boolean;
  readonly onFinding: (finding: Finding) => void;
  readonly onProgress: MaintainProgress;
}

/**
 * Every batch decodes; positions, times and totals only grow; the two laws hold in each; a null has
 * its flag and its reason. In a copy all this holds for each partition by itself, and what a copy is
 * for its own part (`verify-copy.ts`). Answers the last batch, or that of each partition.
 */
export async function verifyBatches(
  log: LogPlace,
  { isWhole, onFinding, onProgress }: VerifyBatchesOptions,
): Promise<readonly LastBatch[]> {
  const end = log.durableEnd.get();
  const lasts = new Map<number, LastBatch>();
  let copyLaws: CopyLaws | undefined;
  await walkLog({
    log,
    damage: 'skip',
    onRecords(records) {
      for (const { position, body } of records) {
        const say = (what: string): void =>
          onFinding({ part: 'observations', file: 'observations', first: position, what });
        const read = decoded(position, body, say);
        if (read === null) continue;
        const { rows: _rows, quarantined: _quarantined, control: _control, ...batch } = read;
        const partition = batch.place?.partition ?? alone;
        const last = lasts.get(partition) ?? null;
        const name = partition === alone ? '' : `partition ${partition}: `;
        for (const what of problemsOf(read, last)) say(name + what);
        copyLaws ??= createCopyLaws({ isWhole: isWhole && position === 1 });
        for (const what of copyLaws(read)) say(name + what);
        lasts.set(partition, { position, batch });
      }
      onProgress('observations: records', records.at(-1)?.position ?? end, end);
    },
  });
  return [...lasts.values()];
}

/** Stands for the partition on one machine, which has none. */
const alone = -1;

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
    const passed = passedBy(batch);
    yield `${passed} readings are consumed, ${passed - uncountedOf(batch)} are accounted for`;
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

function uncountedOf(batch: LastBatch['batch']): number {
  const { readingsSettled, readingsQuarantined, readingsControl } = batch.totals;
  return passedBy(batch) - readingsSettled - readingsQuarantined - readingsControl;
}

/** Readings up to this batch: in a partition those that each node numbered for it. */
function passedBy({ consumed, sources }: LastBatch['batch']): number {
  return sources === undefined
    ? consumed
    : sources.reduce((sum, { sequence }) => sum + sequence, 0);
}

function* rowProblems({ rows, quarantined, control, consumed }: Batch): Generator<string> {
  for (const { result, verdict, rank, series, endAt } of rows) {
    if (result === null && (verdict.flag !== 9 || verdict.reason === null)) {
      yield `the null of series ${series} at ${endAt} has no flag 9 or no reason`;
    }
    // Of another node's log nothing is known here.
    if (rank.node === 0 && rank.position > consumed) {
      yield `a row of series ${series} comes from reading ${rank.position}, which is not consumed`;
    }
  }
  for (const { position } of [...quarantined, ...control]) {
    if (position > consumed) yield `an entry is about reading ${position}, which is not consumed`;
  }
}
