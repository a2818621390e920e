/**
 * Places for a door without the api beside it: by the identity of the folder, or on a node of a
 * network by that of the network, which its copy of the registry holds once the node has joined.
 */
import { sleep, type Clock } from '../../../devices/clock.ts';
import type { RegistryReader } from '../../../devices/registry.ts';
import { identityOf, type ClusterIdentity } from '../../cluster/registry/identity.ts';
import { identityKey } from '../../cluster/registry/records.ts';
import type { StoreFollower } from '../../store/store.ts';
import type { StoreIdentity } from '../cursor.ts';
import type { Feed, LogSource } from '../feed.ts';
import { createCopyPlaces } from './copy-places.ts';
import { createLogPlaces } from './log-places.ts';
import type { FeedPlaces } from './places.ts';

export interface NodePlacesOptions {
  readonly source: LogSource;
  readonly clock: Clock;
  readonly registry: Pick<RegistryReader, 'current'>;
  readonly identity: StoreIdentity;
  readonly feedHorizonMs: number;
  /** A note of the copy of the registry, where `observations` is a copy too. */
  readonly copyNote?: (key: string) => string | undefined;
}

export type CreatePlaces = (parts: {
  readonly feed: Feed;
  readonly store: StoreFollower;
}) => Promise<FeedPlaces>;

const joinLookMs = 1_000;

/** On a node that has not joined yet, whoever follows waits. */
export function createNodePlaces(options: NodePlacesOptions): CreatePlaces {
  const { source, clock, registry, identity, feedHorizonMs, copyNote } = options;
  return async ({ feed, store }) => {
    const parts = { feed, store, source, clock };
    if (copyNote === undefined) {
      // Nobody asks for a moment here.
      return createLogPlaces({ ...parts, identity, config: { feedHorizonMs, asOfSettleMs: 0 } });
    }
    const { storeId, partitions } = await joined(clock, copyNote);
    const copy = { partitions, levelAt: () => -Infinity, settleMs: 0 };
    return createCopyPlaces({ ...parts, storeId, copy, registry, config: { feedHorizonMs } });
  };
}

async function joined(
  clock: Clock,
  copyNote: (key: string) => string | undefined,
): Promise<ClusterIdentity> {
  for (;;) {
    const note = copyNote(identityKey);
    if (note !== undefined) return identityOf(note);
    await sleep(clock, joinLookMs);
  }
}
