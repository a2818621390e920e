/**
 * What the scratch world takes from what is kept, since no reading says it: values of readings that
 * are gone, values beside the range, which judge those in it, and keys that were erased.
 */
import { sleep, type Clock } from '../../../devices/clock.ts';
import type { Position } from '../../log/log.ts';
import type { ObservationRow } from '../../observation.ts';
import { valuesInForce } from '../../observations/withdrawn.ts';
import type { StoreReader } from '../../store/store.ts';
import type { MaintainProgress } from '../findings.ts';
import { keysOf } from './key-pages.ts';
import type { Positions } from './positions.ts';
import type { Scratch } from './scratch.ts';

/** On the end of phenomenon time: from inclusive, to exclusive. */
export interface SeedSpan {
  readonly fromAt: number;
  readonly toAt: number;
  /** The range with what its values are compared with. */
  readonly reachFromAt: number;
  readonly reachToAt: number;
}

export interface SeedParts {
  readonly clock: Clock;
  readonly scratch: Scratch;
  readonly live: StoreReader;
  readonly span: SeedSpan;
  readonly onProgress: MaintainProgress;
}

/**
 * Before the readings: erased keys, values beside the range, and those of readings before `first`,
 * which retention has deleted: what came later is a repeat of theirs, not the other way round.
 */
export async function seedErased(parts: SeedParts, first: Position): Promise<void> {
  const { scratch, span } = parts;
  await eachKey(parts, (rows) => {
    const [newest] = rows;
    if (newest === undefined) return;
    if (newest.verdict.reason === 'ERASED') scratch.entomb(newest);
    else {
      const isBeside = newest.endAt < span.fromAt || newest.endAt >= span.toAt;
      for (const row of oldestFirst(rows)) {
        if (isBeside || row.rank.position < first) scratch.seed(row);
      }
    }
  });
  scratch.commit();
}

/** Behind the readings: values of those that nobody can read; told of each in the range. */
export async function seedGone(
  parts: SeedParts,
  gone: Positions,
  onLeft: (series: number) => void,
): Promise<void> {
  if (gone.count === 0) return;
  const { scratch, span } = parts;
  await eachKey(parts, (rows) => {
    const [newest] = rows;
    if (newest === undefined || newest.verdict.reason === 'ERASED') return;
    if (newest.endAt < span.fromAt || newest.endAt >= span.toAt) return;
    const left = oldestFirst(rows).filter(({ rank }) => gone.has(rank.position));
    if (left.length === 0) return;
    for (const row of left) scratch.seed(row);
    onLeft(newest.series);
  });
  scratch.commit();
}

/** Values of a key in the order of their readings. */
function oldestFirst(rows: readonly ObservationRow[]): readonly ObservationRow[] {
  const values = valuesInForce(rows).filter(
    ({ type, verdict }) => type !== 'deletion' && verdict.reason !== 'ERASED',
  );
  if (values.length < 2) return values;
  return values.toSorted((a, b) => a.rank.position - b.rank.position || a.revision - b.revision);
}

const sliceMs = 20;

async function eachKey(
  { clock, scratch, live, span, onProgress }: SeedParts,
  onKey: (rows: readonly ObservationRow[]) => void,
): Promise<void> {
  const { reachFromAt: fromAt, reachToAt: toAt } = span;
  const all = live.series();
  let sinceMs = clock.monotonicMs();
  for (const [place, series] of all.entries()) {
    if (scratch.registry.bySeries[series] === undefined) continue;
    for (const rows of keysOf(live, { series, fromAt, toAt })) {
      onKey(rows);
      if (clock.monotonicMs() - sinceMs < sliceMs) continue;
      onProgress('reprocess: series read', place, all.length);
      await sleep(clock, 0);
      sinceMs = clock.monotonicMs();
    }
  }
}
