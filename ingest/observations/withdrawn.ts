/**
 * What a reprocess withdraws. Its rows have the cause `reprocess` and the rank of the value that they
 * are about: such a row takes back every row of the same rank with a smaller revision, those that
 * never were current too. As a correction it tells the value that counts instead; as a deletion it
 * tells none. Rows stay readable, and `asOf` finds them; only they are no values of their key.
 */
import { compareRank, type ChangeCause, type ObservationRow } from '../observation.ts';

/**
 * The rows of a key that are values of it, in the order given: as `revisions` gives them, so the
 * first is the current one. None where all were withdrawn; where the newest row is the deletion of an
 * erasure, that is among them.
 */
export function valuesInForce<Row extends WithdrawableRow>(rows: readonly Row[]): readonly Row[] {
  // Nearly every key: nothing to look at twice.
  if (!rows.some(isReprocessed)) return rows;
  const told = rows.filter(isReprocessed);
  return rows.filter((row) => {
    if (isReprocessed(row) && row.type === 'deletion') return false;
    return !told.some(
      (later) => later.revision > row.revision && compareRank(later.rank, row.rank) === 0,
    );
  });
}

type WithdrawableRow = Pick<ObservationRow, 'cause' | 'type' | 'revision' | 'rank'>;

function isReprocessed(row: WithdrawableRow): boolean {
  return row.cause === 'reprocess';
}

/** The cause as the change feed names it: what another registry says differently is a rule's doing. */
export function publicCause(cause: ChangeCause): Exclude<ChangeCause, 'reprocess'> {
  return cause === 'reprocess' ? 'rule' : cause;
}
