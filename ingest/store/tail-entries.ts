/** The entries of quarantine and control that a view does not hold yet, in the order of the log. */
import type { Batch, ControlEntry, QuarantineEntry } from '../observations/batch.ts';
import type { Position } from '../log/log.ts';

/** An entry of quarantine or control with its place: batch, and ordinal in the batch. */
export interface Placed<Entry> {
  readonly batch: Position;
  readonly ordinal: number;
  readonly entry: Entry;
}

/** Counted for an entry beside its texts and bytes. */
const entryBytes = 200;

export interface TailEntries {
  readonly bytes: number;
  readonly quarantine: readonly Placed<QuarantineEntry>[];
  readonly control: readonly Placed<ControlEntry>[];
  add(position: Position, batch: Batch): void;
  trim(position: Position): void;
}

export function createTailEntries(): TailEntries {
  let quarantine: Placed<QuarantineEntry>[] = [];
  let control: Placed<ControlEntry>[] = [];
  let bytes = 0;
  return {
    get bytes() {
      return bytes;
    },
    get quarantine() {
      return quarantine;
    },
    get control() {
      return control;
    },
    add(position, batch) {
      let ordinal = 0;
      for (const entry of batch.quarantined) {
        quarantine.push({ batch: position, ordinal: ordinal++, entry });
        bytes += quarantineBytes(entry);
      }
      for (const entry of batch.control) {
        control.push({ batch: position, ordinal: ordinal++, entry });
        bytes += entryBytes + entry.text.length;
      }
    },
    trim(position) {
      if (quarantine.length + control.length === 0) return;
      const isKept = <Entry>(placed: Placed<Entry>): boolean => placed.batch > position;
      quarantine = quarantine.filter(isKept);
      control = control.filter(isKept);
      bytes = 0;
      for (const { entry } of quarantine) bytes += quarantineBytes(entry);
      for (const { entry } of control) bytes += entryBytes + entry.text.length;
    },
  };
}

function quarantineBytes(entry: QuarantineEntry): number {
  return entryBytes + entry.detail.length + (entry.payload?.length ?? 0);
}
