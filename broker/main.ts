/**
 * The doors in. `openBroker` opens every door of this node; what they receive goes through
 * `receive.ts` into the log of readings, and nothing is acknowledged before it is kept there.
 */
import type { Clock } from '../devices/clock.ts';
import type { Random } from '../devices/random.ts';
import type { RegistryReader } from '../devices/registry.ts';
import type { Telemetry } from '../devices/telemetry.ts';
import type { LogWriter } from '../ingest/log/log.ts';
import { createAuthorizer } from './authorize.ts';
import type { BrokerConfig } from './config.ts';
import { createBrokerEvents } from './events.ts';
import type { GivenPage } from './given.ts';
import type { ReadFile } from './mqtt/certificates.ts';
import type { ConnectionDescription } from './mqtt/connection.ts';
import type { LogState } from './mqtt/context.ts';
import { openMqttDoors } from './mqtt/doors.ts';
import type { ChangeFeed } from './mqtt/change-feed.ts';
import type { OpenFeed } from './mqtt/open-feed.ts';
import type { SystemFigures } from './mqtt/system-topics.ts';
import { isLoopback } from './mqtt/transport.ts';
import { createReceiver } from './receive.ts';

export interface BrokerOptions {
  readonly config: BrokerConfig;
  readonly clock: Clock;
  readonly random: Random;
  readonly telemetry: Telemetry;
  /** Reads certificate files. */
  readonly readFile: ReadFile;
  /** The log of readings; its owner closes it after the broker. */
  readonly readings: LogWriter;
  readonly registry: RegistryReader;
  readonly openFeed: OpenFeed;
  readonly changeFeed: ChangeFeed;
  /** Whether the log of readings can be written now. */
  readonly logState: () => LogState;
}

interface BrokerAddresses {
  readonly mqttPort: number;
  readonly mqttsPort?: number;
  readonly mqttWsPort: number;
}

export interface Broker {
  readonly addresses: BrokerAddresses;
  /**
   * The registry has a new version: it is refreshed, and every connection is held to it before the
   * call returns or, of many, within a few turns of the event loop.
   */
  registryChanged(): void;
  readonly stats: SystemFigures;
  /** Clients that are connected now, at most so many. */
  connections(limit: number): ConnectionDescription[];
  /** What clients with a key were given since it was last asked for, in pages of so many. */
  given(most: number): GivenPage;
  /** Lets go whoever is there with a key, and lets nobody in with one: what was given is then the last. */
  closeToKeys(): Promise<void>;
  /** Lets what is owed be acknowledged, up to 2 s, then closes every connection and door. */
  close(): Promise<void>;
}

/** Rejects with BROKER_PORT_IN_USE, BROKER_LISTEN_FAILED or BROKER_TLS_…; nothing stays open. */
export async function openBroker(options: BrokerOptions): Promise<Broker> {
  const { config, clock, registry } = options;
  const monotonicMs = () => clock.monotonicMs();
  const events = createBrokerEvents(options.telemetry, monotonicMs);
  const receiver = createReceiver({ log: options.readings, monotonicMs });
  const authorizer = createAuthorizer({
    registry: () => registry.current(),
    anonymousPublish: config.anonymousPublish,
  });
  const mqtt = await openMqttDoors({ ...options, events, receiver, authorizer });
  if (!isLoopback(config.host)) events.plainAndOpen(config.host);
  const mqttsPort = mqtt.portOf('tls');
  return {
    addresses: {
      mqttPort: mqtt.portOf('tcp') ?? 0,
      mqttWsPort: mqtt.portOf('websocket') ?? 0,
      ...(mqttsPort === undefined ? {} : { mqttsPort }),
    },
    registryChanged() {
      registry.refresh();
      mqtt.registryRefreshed();
    },
    get stats() {
      return mqtt.figures();
    },
    connections: (limit) => mqtt.connections(limit),
    given: (most) => mqtt.given.take(most),
    closeToKeys: () => mqtt.closeToKeys(),
    close: () => mqtt.close(),
  };
}
