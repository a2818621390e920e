import type { Clock } from '../devices/clock.ts';
import type { Database } from '../devices/database.ts';
import type { RegistryReader } from '../devices/registry.ts';
import type { StoreFollower } from '../ingest/store/store.ts';
import type { ApiConfig } from './config.ts';
import type { EarlierNetworks } from './earlier/networks.ts';
import type { ApiEvents } from './events.ts';
import type { Extents } from './limits/extents.ts';
import type { Gate } from './limits/gate.ts';
import type { ReadyBodies } from './limits/ready-bodies.ts';
import type { IntervalBook } from './windows/intervals.ts';
import type { Select } from './limits/selections.ts';
import type { Shares } from './limits/shares.ts';
import type { Turns } from './limits/turns.ts';
import type { RegistryAt } from '../ingest/feed/changes.ts';
import type { Feed, LogSource } from '../ingest/feed/feed.ts';
import type { Hub } from '../ingest/feed/hub.ts';
import type { ReaderPool } from '../ingest/feed/reader-pool.ts';
import type { Manifests } from './manifests/manifests.ts';
import type { Networks } from './network.ts';
import type { Places } from '../ingest/feed/places/places.ts';
import type { Questions } from './questions.ts';

/** What the routes work with. */
export interface ApiContext {
  readonly config: ApiConfig;
  readonly clock: Clock;
  readonly events: ApiEvents;
  readonly store: StoreFollower;
  /** What is asked about observations that the view may not hold. */
  readonly questions: Questions;
  readonly registry: Pick<RegistryReader, 'current' | 'authenticateToken' | 'tokenOf'>;
  readonly registryAt: RegistryAt;
  readonly networks: Networks;
  /** The registry as of earlier moments. */
  readonly earlier: EarlierNetworks;
  readonly intervals: IntervalBook;
  readonly storeId: string;
  /** Of all that answers depend on beside data, registry and question. */
  readonly edition: string;
  /** Where changes and answers are, as clients carry it. */
  readonly places: Places;
  readonly observations: LogSource;
  readonly feed: Feed;
  readonly hub: Hub;
  /** Readers of the change feed, kept between its pages. */
  readonly readers: ReaderPool;
  /** Long answers under way. */
  readonly streams: Shares;
  /** In which long answers work one after the other. */
  readonly streamTurns: Turns;
  /** Quotas, and who is sent away while the thread is late. */
  readonly gate: Gate;
  /** Bodies made for one and given to all who ask the same. */
  readonly bodies: ReadyBodies;
  /** The series that a filter lets through. */
  readonly select: Select;
  /** From when to when series have rows, for estimates of cost. */
  readonly extents: Extents;
  /** Charts being drawn. */
  readonly charts: Shares;
  /** Clients that follow `/live`. */
  readonly listeners: Shares;
  /** What the API keeps for itself. */
  readonly kept: Database;
  /** Signed manifests of the open data; undefined where another node publishes. */
  readonly manifests: Manifests | undefined;
  /** Folder of files that it makes. */
  readonly filesFolder: string;
}
