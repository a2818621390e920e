/** What all connections of the MQTT doors have in common. */
import type { Clock } from '../../devices/clock.ts';
import type { Random } from '../../devices/random.ts';
import type { RegistryReader } from '../../devices/registry.ts';
import type { Authorizer } from '../authorize.ts';
import type { BrokerConfig } from '../config.ts';
import type { BrokerEvents } from '../events.ts';
import type { GivenBook } from '../given.ts';
import type { Receiver } from '../receive.ts';
import type { ChangeStreams } from './change-streams.ts';
import type { LoginLimit } from './limits.ts';
import type { OpenSubscriptions } from './open-subscriptions.ts';
import type { RetainedSet } from './retained.ts';
import type { Router } from './router.ts';
import type { Sessions } from './sessions.ts';
import type { SystemTopics } from './system-topics.ts';

/** Whether the reading log takes what is appended. */
export type LogState =
  | { readonly healthy: true }
  | { readonly healthy: false; readonly reason: string };

export interface MqttContext {
  readonly config: BrokerConfig;
  readonly clock: Clock;
  readonly random: Random;
  readonly events: BrokerEvents;
  readonly registry: RegistryReader;
  readonly authorizer: Authorizer;
  readonly receiver: Receiver;
  readonly logState: () => LogState;
  readonly router: Router;
  readonly retained: RetainedSet;
  readonly sessions: Sessions;
  readonly openSubscriptions: OpenSubscriptions;
  /** What clients with a key are given. */
  readonly given: GivenBook;
  /** The access log has been told the last: nobody with a key is let in. */
  readonly isClosedToKeys: () => boolean;
  readonly changeStreams: ChangeStreams;
  readonly systemTopics: SystemTopics;
  readonly logins: LoginLimit;
  readonly outbox: Outbox;
  /** Grows when the registry in force changes: what was concluded from the older one is void. */
  readonly rightsVersion: () => number;
}

/** Connections with something to send, flushed together behind the event that caused it. */
export interface Outbox {
  add(connection: { flush(): void }): void;
  /** Connections that are not read while the log is saturated. */
  whenWritable(connection: { resume(): void }): void;
}
