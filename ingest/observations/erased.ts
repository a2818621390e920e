/**
 * What a lawful erasure takes and what it leaves. Of a row it leaves the key, the revision, the rank
 * and who sent it when: so that the feed keeps its numbers and a re-send is known again. The value,
 * what was sent, the place, the judgement and the own result time go, everywhere.
 */
import type { ObservationRow, Raw, Verdict } from '../observation.ts';
import type { Batch, ControlEntry, QuarantineEntry } from './batch.ts';
import type { Position } from '../log/log.ts';

/** Which rows and entries are erased. */
export interface ErasedPart {
  readonly devices: ReadonlySet<string>;
  /** On the end of phenomenon time, of entries on their receive time: from inclusive, to exclusive. */
  readonly fromAt: number;
  readonly toAt: number;
  /** Only what came from readings up to here; what came later was not there to be erased. */
  readonly upTo: Position;
}

export const erasedRaw: Raw = { name: '', value: null, unit: null, time: null };
const noTests = '2222222222222222';

export function erasedVerdict(rules: string): Verdict {
  return { flag: 9, tests: noTests, qualifiers: 0, reason: 'ERASED', rules };
}

/** Whether it holds anything that the erasure takes. */
export function isErasedRow(part: ErasedPart, row: ObservationRow): boolean {
  return (
    row.verdict.reason !== 'ERASED' &&
    row.endAt >= part.fromAt &&
    row.endAt < part.toAt &&
    row.rank.position <= part.upTo &&
    part.devices.has(row.device)
  );
}

function erasedRow(row: ObservationRow): ObservationRow {
  return {
    ...row,
    result: null,
    verdict: erasedVerdict(row.verdict.rules),
    resultAt: Number.NaN,
    rank: { ...row.rank, at: row.receivedAt },
    raw: erasedRaw,
    payloadHash: -1,
    latitude: Number.NaN,
    longitude: Number.NaN,
  };
}

type Entry = Pick<QuarantineEntry | ControlEntry, 'position' | 'receivedAt' | 'device'>;

function isErasedEntry(part: ErasedPart, entry: Entry): boolean {
  return (
    entry.receivedAt >= part.fromAt &&
    entry.receivedAt < part.toAt &&
    entry.position <= part.upTo &&
    part.devices.has(entry.device)
  );
}

function isErasedQuarantine(part: ErasedPart, entry: QuarantineEntry): boolean {
  const isBlank = entry.payload === null && entry.topic === '' && entry.detail === '';
  return !isBlank && isErasedEntry(part, entry);
}

/** The decision itself stays: it is the record of the erasure. */
function isErasedControl(part: ErasedPart, entry: ControlEntry): boolean {
  return entry.kind !== 'decision' && entry.text !== '' && isErasedEntry(part, entry);
}

/** Whether a batch holds anything of it. */
export function isErasedBatch(part: ErasedPart, batch: Batch): boolean {
  return (
    batch.rows.some((row) => isErasedRow(part, row)) ||
    batch.quarantined.some((entry) => isErasedQuarantine(part, entry)) ||
    batch.control.some((entry) => isErasedControl(part, entry))
  );
}

export function erasedBatch(part: ErasedPart, batch: Batch): Batch {
  return {
    ...batch,
    rows: batch.rows.map((row) => (isErasedRow(part, row) ? erasedRow(row) : row)),
    quarantined: batch.quarantined.map((entry) =>
      isErasedQuarantine(part, entry) ? { ...entry, topic: '', detail: '', payload: null } : entry,
    ),
    control: batch.control.map((entry) =>
      isErasedControl(part, entry) ? { ...entry, text: '' } : entry,
    ),
  };
}
