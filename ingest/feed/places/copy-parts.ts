import type { Clock } from '../../../devices/clock.ts';
import type { Registry } from '../../../devices/registry.ts';
import type { Position } from '../../log/log.ts';
import type { StoreFollower } from '../../store/store.ts';
import type { Feed, LogSource } from '../feed.ts';
import type { CopyCursors } from './copy-cursor.ts';
import type { CopyIndex } from './copy-index.ts';
import type { Reach } from './reach.ts';

/** What a node knows of the network whose `observations` it copies. */
export interface CopiedNetwork {
  /** Of the topic: fixed when that was created, at most 64. */
  readonly partitions: number;
  /**
   * The latest instant of which it is known that all that the partition held then is durable in this
   * node's log; −Infinity before the first. Settled moments (`asOf`) wait for it.
   */
  readonly levelAt: (partition: number) => number;
  /** A batch that was published at a moment is in its partition so long after it, or never is. */
  readonly settleMs: number;
}

export interface CopyPlacesOptions {
  readonly storeId: string;
  readonly copy: CopiedNetwork;
  readonly feed: Pick<Feed, 'position' | 'head'>;
  readonly store: Pick<StoreFollower, 'position' | 'publishedBy' | 'numberedUpTo' | 'horizon'>;
  /** Where the node need not hold everything: who knows what lies before. */
  readonly past?: { publishedBefore(at: number, partition: number): Promise<Position> } | undefined;
  readonly source: LogSource;
  readonly registry: { current(): Pick<Registry, 'bySeries'> };
  readonly clock: Clock;
  readonly config: { readonly feedHorizonMs: number };
}

/** What places and moments of a copy are made with. */
export interface CopyParts extends CopyPlacesOptions {
  readonly cursors: CopyCursors;
  readonly index: CopyIndex;
  /** Of each partition the last batch that the log holds up to a position. */
  readonly positionsAt: (position: Position) => Promise<readonly Position[]>;
  /** Whether everything behind the reach has been followed here. */
  readonly isMet: (reach: Reach) => boolean;
}
