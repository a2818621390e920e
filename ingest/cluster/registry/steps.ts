import type { RegistryChangeset } from '../../../devices/registry/changeset.ts';
import type { CopyStep } from '../../../devices/registry-copy.ts';
import type { KafkaRecord, Offset } from '../../log/kafka/kafka.ts';
import { clusterRegistryError } from './errors.ts';
import { joinParts, readRecord, type VersionHead } from './records.ts';

export interface MadeStep extends CopyStep {
  /** Why there is no more: the step is what comes before a record that cannot be read. */
  readonly error?: unknown;
}

/**
 * Makes of the records of the topic what a copy takes. A version of many parts may come in several
 * reads: until its last part is here, the copy reads on from its first.
 */
export interface StepMaker {
  /** Of the records read next, and of those kept back; `next` is where the reader goes on. */
  make(records: readonly KafkaRecord[], next: Offset): Promise<MadeStep>;
  /** Forgets parts kept back: what follows is read from where the copy is. */
  reset(): void;
}

interface Pending {
  readonly head: VersionHead;
  readonly first: Offset;
  readonly parts: Buffer[];
}

export function createStepMaker(): StepMaker {
  let pending: Pending | undefined;

  /** The version that this part completes, if it does. */
  function addPart(
    {
      head,
      part,
      bytes,
    }: { readonly head: VersionHead; readonly part: number; readonly bytes: Buffer },
    offset: Offset,
  ): Pending | undefined {
    if (part === 0 && pending === undefined) pending = { head, first: offset, parts: [] };
    if (pending?.head.digest !== head.digest || pending.parts.length !== part) {
      const fields = { offset, reason: 'a part out of its order' };
      throw clusterRegistryError('CLUSTER_REGISTRY_BROKEN', fields);
    }
    pending.parts.push(bytes);
    if (pending.parts.length < head.parts) return undefined;
    const whole = pending;
    pending = undefined;
    return whole;
  }

  return {
    async make(records, next) {
      const changesets: RegistryChangeset[] = [];
      const notes = new Map<string, string>();
      let behind = next;
      try {
        for (const record of records) {
          behind = pending?.first ?? record.offset;
          const read = readRecord(record);
          if (read.kind === 'note') {
            notes.set(read.key, read.value);
            continue;
          }
          const whole = addPart(read, record.offset);
          if (whole !== undefined) changesets.push(await joinParts(whole.head, whole.parts));
        }
      } catch (error) {
        return { changesets, notes, next: behind, error };
      }
      return { changesets, notes, next: pending?.first ?? next };
    },
    reset() {
      pending = undefined;
    },
  };
}
