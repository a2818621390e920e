/**
 * The registry of a cluster as one node has it: a copy that follows the topic, the node's claim of its
 * number, and the way to change it.
 */
import type { Clock } from '../../../devices/clock.ts';
import type { Random } from '../../../devices/random.ts';
import type { RegistryChanges } from '../../../devices/registry/changes.ts';
import type { RegistryCopy } from '../../../devices/registry-copy.ts';
import type { RegistryTrial } from '../../../devices/registry-trial.ts';
import type { Telemetry } from '../../../devices/telemetry.ts';
import type { Kafka } from '../../log/kafka/kafka.ts';
import { createClusterChanges, type ClusterChangesOptions } from './changes.ts';
import { claimNode, watchClaim, type NodeClaim } from './claim.ts';
import { createRegistryEvents } from './events.ts';
import { followRegistry } from './follow.ts';
import { ensureIdentity, type ClusterIdentity } from './identity.ts';
import { createRegistryLead } from './lead.ts';

export interface NodeRegistryOptions {
  readonly kafka: Kafka;
  /** Of the registry: one partition, compacted, kept for ever. */
  readonly topic: string;
  /** One for all nodes: whoever opens it is the one that writes. */
  readonly transactionalId: string;
  /** Closed by whoever opened it, after this. */
  readonly copy: RegistryCopy;
  readonly clock: Clock;
  readonly random: Random;
  readonly telemetry: Telemetry;
  readonly claim: Omit<NodeClaim, 'at'>;
  /** What the cluster is to be where this is its first node. */
  readonly proposed: ClusterIdentity;
  /** The copy holds this version: readers refresh. Awaited before the next version is taken. */
  readonly onVersion: (version: number) => void | Promise<void>;
  /** The copy will never go on; the node must stop. An error by name. */
  readonly onFailed: (error: unknown) => void;
}

export interface NodeRegistry {
  readonly identity: ClusterIdentity;
  /** Changes made on this node, tried on `trial`: a second connection to the copy. */
  changesOn(trial: RegistryTrial, markers: ClusterChangesOptions['markers']): RegistryChanges;
  close(): Promise<void>;
}

/**
 * Resolves once the copy holds what was there, the identity is known and the number is this
 * process's; rejects, nothing left open, CLUSTER_NODE_TAKEN, CLUSTER_PARTITIONS_FIXED,
 * CLUSTER_REGISTRY_… or KAFKA_REFUSED.
 */
export async function openNodeRegistry(options: NodeRegistryOptions): Promise<NodeRegistry> {
  const { clock, copy, topic } = options;
  const events = createRegistryEvents(options.telemetry);
  const claim = { ...options.claim, at: clock.now() };
  const follower = followRegistry({ ...options, events, onNote: watchClaim(claim) });
  const lead = createRegistryLead({ ...options, follower, events });
  try {
    const identity = await ensureIdentity({ lead, copy, topic }, options.proposed);
    await claimNode({ lead, copy, topic }, claim);
    events.nodeClaimed(claim);
    const { node } = claim;
    return {
      identity,
      changesOn: (trial, markers) =>
        createClusterChanges({ ...options, lead, trial, markers, node, events }),
      close: () => follower.close(),
    };
  } catch (error) {
    await follower.close();
    throw error;
  }
}
