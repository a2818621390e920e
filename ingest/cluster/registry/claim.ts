import { z } from 'zod';
import type { RegistryCopy } from '../../../devices/registry-copy.ts';
import { clusterRegistryError } from './errors.ts';
import type { RegistryLead } from './lead.ts';
import { noteRecord } from './records.ts';

/** Who has a number. The log decides: what it sent under the number, nobody else may number anew. */
export interface NodeClaim {
  readonly node: number;
  /** Id of the node's own log, kept in its data folder. */
  readonly logId: string;
  /** Of the process: another at each start. */
  readonly session: string;
  readonly host: string;
  /** When the process claimed it, ms UTC. */
  readonly at: number;
}

const schema = z.object({
  node: z.int().min(1),
  logId: z.string().min(1),
  session: z.string().min(1),
  host: z.string(),
  at: z.int(),
});

/**
 * Makes the number this process's. Throws CLUSTER_NODE_TAKEN where another log has it, before
 * anything is sent under it; a claim of the same log by an earlier process is taken over.
 */
export async function claimNode(
  {
    lead,
    copy,
    topic,
  }: {
    readonly lead: RegistryLead;
    readonly copy: RegistryCopy;
    readonly topic: string;
  },
  claim: NodeClaim,
): Promise<void> {
  await lead.write(async () => {
    const present = readClaim(copy, claim.node);
    if (present !== undefined && present.logId !== claim.logId) {
      const { node, host, at } = present;
      throw clusterRegistryError('CLUSTER_NODE_TAKEN', {
        key: 'cluster.node',
        is: node,
        accepted: 'a number from 1 to 65535 that no other data folder has used',
        host,
        since: new Date(at).toISOString(),
      });
    }
    const isMine = (): boolean => readClaim(copy, claim.node)?.session === claim.session;
    return {
      result: undefined,
      records: isMine() ? [] : [noteRecord(topic, keyOf(claim.node), claim)],
      isHeld: isMine,
      fields: { key: keyOf(claim.node) },
    };
  });
}

/**
 * Watches the notes that come: once this process's claim has come, one of another process under the
 * same number throws CLUSTER_NODE_REPLACED.
 */
export function watchClaim(claim: NodeClaim): (key: string, value: string) => void {
  let isClaimed = false;
  return (key, value) => {
    if (key !== keyOf(claim.node)) return;
    const { session, host, at } = schema.parse(JSON.parse(value));
    if (session === claim.session) {
      isClaimed = true;
    } else if (isClaimed) {
      const fields = { node: claim.node, host, since: new Date(at).toISOString() };
      throw clusterRegistryError('CLUSTER_NODE_REPLACED', fields);
    }
  };
}

function readClaim(copy: RegistryCopy, node: number): NodeClaim | undefined {
  const note = copy.note(keyOf(node));
  return note === undefined ? undefined : schema.parse(JSON.parse(note));
}

function keyOf(node: number): string {
  return `node/${node}`;
}
