/** What the doors out are given, and what they offer. */
import type { Clock } from '../devices/clock.ts';
import type { JudgedTime } from '../devices/judged-time.ts';
import type { Random } from '../devices/random.ts';
import type { RegistryChanges } from '../devices/registry/changes.ts';
import type { StoreFollower } from '../ingest/store/store.ts';
import { type AccessAdmin } from './access/admin.ts';
import type { FollowerPort } from './access/followers.ts';
import { type AccessLog } from './access/log.ts';
import { type TimeRule } from './access/time-rule.ts';
import { type QuarantineAdmin } from './admin/quarantine.ts';
import type { AppendReading } from './admin/marker.ts';
import { type Marking, type ReadRegistry, type RegistryAdmin } from './admin/registry.ts';
import { type Balance } from './balance.ts';
import { type ReadFile } from './certificate.ts';
import type { ApiConfig } from './config.ts';
import type { StoreIdentity } from '../ingest/feed/cursor.ts';
import { type ReadConnections, type ReadHealth, type Readiness } from './health.ts';
import { type LogSource } from '../ingest/feed/feed.ts';
import { type HookPorts } from './hooks/open.ts';
import { type Manifests } from './manifests/manifests.ts';
import type { SecretFile } from './manifests/secret-file.ts';
import { type CopyOptions } from './past/past.ts';
import { type PublishingOptions } from './publishing.ts';
import { type Usage } from './usage/usage.ts';

export interface ApiOptions extends PublishingOptions {
  readonly config: ApiConfig;
  readonly clock: Clock;
  readonly random: Random;
  /** That the registry is changed by; without it, one of its own, which holds no change back. */
  readonly judgedTime?: JudgedTime;
  /** As `process.platform`. */
  readonly platform: string;
  /** Reads certificate files. */
  readonly readFile: ReadFile;
  /** Folder of the built web page; nothing is served at `/` when it does not exist. */
  readonly pageFolder: string;
  /** Database of what the API keeps for itself; made when it does not exist. */
  readonly keptPath: string;
  /** Folder of the files that it makes; made when it is needed. */
  readonly filesFolder: string;
  /** Where the private key of manifests is. */
  readonly signingKey: SecretFile;
  /** Owned by the API from here on: it applies batches and closes it. */
  readonly store: StoreFollower;
  readonly observations: LogSource;
  /** `observations` is this node's copy of the partitions of a network. */
  readonly copy?: CopyOptions;
  /** Only its durable end is read. Absent where it is not this node's ingest that settles it. */
  readonly readings?: Pick<LogSource, 'durableEnd'>;
  readonly registry: ReadRegistry;
  /** The way to change it. */
  readonly registryChanges: RegistryChanges;
  readonly registryMarking: Marking;
  readonly appendReading: AppendReading;
  readonly storeIdentity: StoreIdentity;
  /** States of the other rooms. */
  readonly health: ReadHealth;
  readonly connections: ReadConnections;
  /** What followers over MQTT were given by their keys; absent where the process has no broker. */
  readonly followers?: FollowerPort;
  /** The ways of deliveries to receivers in the internet. */
  readonly hooks: HookPorts;
  /** Metrics of all rooms, this one included, in the text format of Prometheus. */
  readonly metricsText: () => string | Promise<string>;
  /** Tells the other rooms that the registry has a new version. */
  readonly registryChanged: (version: number) => void | Promise<void>;
}

export interface Api {
  readonly httpPort: number;
  readonly isSecure: boolean;
  readonly metricsPort?: number;
  /** Templates of every address that can be read, described or not. */
  readonly addresses: readonly string[];
  /** The operators' work, for the control socket too. */
  readonly registryAdmin: RegistryAdmin;
  readonly quarantine: QuarantineAdmin;
  readonly access: AccessAdmin;
  /** Undefined where another node publishes. */
  readonly manifests: Manifests | undefined;
  /**
   * Both balance laws now, all terms of one batch. Undefined without `readings`: the batches of a
   * copy are of several partitions, and their workers tell what they have settled.
   */
  balance(): Balance | undefined;
  readiness(): Promise<Readiness>;
  /** Ends listeners and answers under way, then everything else. */
  close(): Promise<void>;
}

/** What must be done once is done by one node of a cluster: the one that is told to. */
export function isPublishing({ config, copy }: ApiOptions): boolean {
  return config.publishing ?? copy === undefined;
}

/** What the doors are made of beside the context. */
export type Parts = Pick<
  Api,
  'registryAdmin' | 'quarantine' | 'access' | 'balance' | 'readiness'
> & {
  /** By which embargoes and grants end and what was kept is deleted: a clock that jumps ahead does not count. */
  readonly judgedNow: () => number;
  readonly timeRule: TimeRule;
  readonly accessLog: AccessLog;
  readonly usage: Usage;
};
