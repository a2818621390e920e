/** What a data folder tells of the network whose node it is. */
import { readCopyNote } from '../../devices/registry-copy.ts';
import { identityOf, type ClusterIdentity } from './registry/identity.ts';
import { identityKey } from './registry/records.ts';

/** By the node's copy of the registry; undefined for the folder of one machine. */
export function networkOf(
  registryPath: string,
  options: { readonly busyTimeoutMs: number },
): ClusterIdentity | undefined {
  const note = readCopyNote(registryPath, identityKey, options);
  return note === undefined ? undefined : identityOf(note);
}
