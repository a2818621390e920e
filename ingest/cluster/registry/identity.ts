import { z } from 'zod';
import type { RegistryCopy } from '../../../devices/registry-copy.ts';
import { clusterRegistryError } from './errors.ts';
import type { RegistryLead } from './lead.ts';
import { identityKey, noteRecord } from './records.ts';

/** What the whole installation has in common, decided by its first node. */
export interface ClusterIdentity {
  readonly storeId: string;
  readonly partitions: number;
}

const schema = z.object({ storeId: z.string().min(1), partitions: z.int().min(1) });

/**
 * The identity of the cluster; `proposed` becomes it where there is none. Throws
 * CLUSTER_PARTITIONS_FIXED where the cluster was made with another number of partitions.
 */
export async function ensureIdentity(
  {
    lead,
    copy,
    topic,
  }: {
    readonly lead: RegistryLead;
    readonly copy: RegistryCopy;
    readonly topic: string;
  },
  proposed: ClusterIdentity,
): Promise<ClusterIdentity> {
  const identity = await lead.write(async () => {
    const present = readIdentity(copy);
    return {
      result: present ?? proposed,
      records: present === undefined ? [noteRecord(topic, identityKey, proposed)] : [],
      isHeld: () => readIdentity(copy)?.storeId === proposed.storeId,
      fields: { key: identityKey },
    };
  });
  if (identity.partitions !== proposed.partitions) {
    throw clusterRegistryError('CLUSTER_PARTITIONS_FIXED', {
      key: 'cluster.partitions',
      is: proposed.partitions,
      accepted: identity.partitions,
    });
  }
  return identity;
}

/** Of the note under `identityKey`. */
export function identityOf(note: string): ClusterIdentity {
  return schema.parse(JSON.parse(note));
}

/** As far as this node's copy knows; undefined before the cluster has one. */
export function readIdentity(copy: RegistryCopy): ClusterIdentity | undefined {
  const note = copy.note(identityKey);
  return note === undefined ? undefined : identityOf(note);
}
