/** How the threads of a node learn that it is part of the cluster: one keeps the registry, all wait. */
import { sleep, type Clock } from '../../devices/clock.ts';
import { readCopyNote } from '../../devices/registry-copy.ts';
import { identityKey } from './registry/records.ts';
import { identityOf, type ClusterIdentity } from './registry/identity.ts';

const lookMs = 100;
export const joinedBytes = 4;

/** Said by the thread that claimed the node's number. */
export function tellJoined(joined: SharedArrayBuffer): void {
  Atomics.store(new Int32Array(joined), 0, 1);
}

/** Resolves once the number is this process's, or the signal aborts. */
export async function untilJoined(
  joined: SharedArrayBuffer,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  while (Atomics.load(new Int32Array(joined), 0) === 0 && !signal.aborted) {
    await sleep(clock, lookMs);
  }
}

/** The cluster's identity once this node's copy of the registry has it; undefined when aborted before. */
export async function untilIdentity(
  registry: { readonly path: string; readonly busyTimeoutMs: number },
  clock: Clock,
  signal: AbortSignal,
): Promise<ClusterIdentity | undefined> {
  while (!signal.aborted) {
    const note = readCopyNote(registry.path, identityKey, registry);
    if (note !== undefined) return identityOf(note);
    await sleep(clock, lookMs);
  }
  return undefined;
}
