import type { Clock } from '../../../devices/clock.ts';
import type { Random } from '../../../devices/random.ts';
import type { RegistryChangeset } from '../../../devices/registry/changeset.ts';
import type { RegistryChanges } from '../../../devices/registry/changes.ts';
import type { RegistryCopy } from '../../../devices/registry-copy.ts';
import type { RegistryTrial } from '../../../devices/registry-trial.ts';
import type { OutgoingRecord } from '../../log/kafka/kafka.ts';
import type { RegistryEvents } from './events.ts';
import type { RegistryLead } from './lead.ts';
import { changesetRecords } from './records.ts';

export interface ClusterChangesOptions {
  readonly lead: RegistryLead;
  readonly copy: RegistryCopy;
  readonly trial: RegistryTrial;
  readonly topic: string;
  readonly node: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly events: RegistryEvents;
  /** The marker of a version in every partition of `readings`: it is committed with the version. */
  readonly markers: (marker: {
    readonly version: number;
    readonly receivedAt: number;
  }) => readonly OutgoingRecord[];
}

const idBytes = 16;

/**
 * Changes of the registry of a cluster: tried on this node's copy at the newest version, committed
 * together with their markers, and written into every copy, this one too, from the topic.
 */
export function createClusterChanges(options: ClusterChangesOptions): RegistryChanges {
  const { lead, copy, trial, clock, random, events } = options;

  async function recordsOf(changeset: RegistryChangeset | null): Promise<OutgoingRecord[]> {
    if (changeset === null) return [];
    const { version } = changeset;
    const kept = await changesetRecords(changeset, options);
    return [...kept, ...options.markers({ version, receivedAt: clock.now() })];
  }

  return {
    async change(work) {
      const startedMs = clock.monotonicMs();
      let tries = 0;
      const { result, changeset, tell } = await lead.write(async () => {
        tries++;
        const id = Buffer.from(random.bytes(idBytes)).toString('hex');
        const attempt = trial.attempt(work, id);
        const version = attempt.changeset?.version ?? copy.version;
        return {
          result: attempt,
          records: await recordsOf(attempt.changeset),
          isHeld: () => copy.digestAt(version) === attempt.changeset?.digest,
          fields: { version },
        };
      });
      trial.refresh();
      tell();
      const version = changeset?.version ?? trial.current().version;
      if (changeset !== null) {
        events.changed({ version, tries, tookMs: clock.monotonicMs() - startedMs });
      }
      return { result, version, changed: changeset !== null };
    },
  };
}
