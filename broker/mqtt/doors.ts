/** The MQTT doors of a node, put together: what each part gets, and how they close. */
import type { Clock } from '../../devices/clock.ts';
import type { Random } from '../../devices/random.ts';
import type { RegistryReader } from '../../devices/registry.ts';
import type { Authorizer } from '../authorize.ts';
import type { BrokerConfig } from '../config.ts';
import { brokerError } from '../errors.ts';
import type { BrokerEvents, Listener } from '../events.ts';
import { createGivenBook, type GivenBook } from '../given.ts';
import type { Receiver } from '../receive.ts';
import { readPair, watchPair, type ReadFile } from './certificates.ts';
import type { ChangeFeed } from './change-feed.ts';
import { createChangeStreams } from './change-streams.ts';
import type { ConnectionDescription } from './connection.ts';
import type { LogState, MqttContext } from './context.ts';
import { createLoginLimit } from './limits.ts';
import { openTcpDoor, openTlsDoor, type Door } from './listeners.ts';
import type { OpenFeed } from './open-feed.ts';
import { createOpenSubscriptions } from './open-subscriptions.ts';
import { createOutbox } from './outbox.ts';
import { createRetainedSet } from './retained.ts';
import { openRouter, type Router } from './router.ts';
import { createConnections, type Connections } from './server.ts';
import { createSessions, type Sessions } from './sessions.ts';
import { createSystemTopics, type SystemFigures } from './system-topics.ts';

export interface MqttOptions {
  readonly config: BrokerConfig;
  readonly clock: Clock;
  readonly random: Random;
  readonly events: BrokerEvents;
  readonly readFile: ReadFile;
  readonly receiver: Receiver;
  readonly registry: RegistryReader;
  readonly authorizer: Authorizer;
  readonly openFeed: OpenFeed;
  readonly changeFeed: ChangeFeed;
  readonly logState: () => LogState;
}

export interface MqttDoors {
  /** Undefined for a door that is not open. */
  portOf(listener: Listener): number | undefined;
  /** The reader has a newer version in force. */
  registryRefreshed(): void;
  figures(): SystemFigures;
  connections(limit: number): ConnectionDescription[];
  readonly given: GivenBook;
  /** Cuts whoever is there with a key, behind what is on its way, and lets nobody in with one. */
  closeToKeys(): Promise<void>;
  close(): Promise<void>;
}

export async function openMqttDoors(options: MqttOptions): Promise<MqttDoors> {
  const router = await openRouter();
  const parts = createParts(options, router);
  const { connections, context } = parts;
  const doors: Door[] = [];
  let reload: { stop(): void } | undefined;

  async function close(): Promise<void> {
    reload?.stop();
    context.openSubscriptions.close();
    await connections.close(doors);
    await context.changeStreams.close();
    await router.close();
  }

  try {
    doors.push(await openTcpDoor(connections.door));
    const { openWebSocketDoor } = await import('./web-socket-door.ts');
    doors.push(await openWebSocketDoor(connections.door));
    reload = await openTls(options, connections, doors);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    portOf: (listener) => doors.find((door) => door.listener === listener)?.port,
    registryRefreshed: parts.registryRefreshed,
    figures: parts.figures,
    connections: (limit) => connections.list(limit),
    given: context.given,
    closeToKeys: () => connections.closeToKeys(),
    close,
  };
}

async function openTls(
  options: MqttOptions,
  connections: Connections,
  doors: Door[],
): Promise<{ stop(): void } | undefined> {
  const { config, clock, events, readFile } = options;
  const { tlsCertificateFile: certificate, tlsKeyFile: key } = config;
  if (certificate === undefined && key === undefined) return undefined;
  if (certificate === undefined || key === undefined) {
    throw brokerError('BROKER_TLS_INCOMPLETE', {
      tlsCertificateFile: certificate,
      tlsKeyFile: key,
    });
  }
  const files = { certificate, key };
  const initial = await readPair(readFile, files);
  const door = await openTlsDoor(connections.door, initial);
  doors.push(door);
  const everyMs = config.tlsReloadMs;
  const { replace } = door;
  return watchPair({ clock, everyMs, readFile, files, events, initial, replace });
}

interface Parts {
  readonly context: MqttContext;
  readonly connections: Connections;
  readonly registryRefreshed: () => void;
  readonly figures: () => SystemFigures;
}

function createParts(options: MqttOptions, router: Router): Parts {
  const { config, clock, events, registry, authorizer, receiver } = options;
  const monotonicMs = () => clock.monotonicMs();
  const mayRead = authorizer.subscribe;
  const sessions = createSessions({ limits: config, monotonicMs, events, mayRead });
  const retained = createRetainedSet(config);
  const outbox = createOutbox(receiver);
  const startedMs = monotonicMs();
  let rightsVersion = 0;

  const figures = (): SystemFigures => ({
    uptimeSeconds: (monotonicMs() - startedMs) / 1000,
    connections: connections.open,
    sessions: sessions.count,
    subscriptions: countSubscriptions(sessions),
    retainedMessages: retained.messages,
    publishesReceived: events.counts.publishes.reduce((sum, each) => sum + each, 0),
    publishesAcknowledged: events.counts.acknowledged,
    publishesSent: events.counts.delivered,
    messagesDropped: events.counts.dropped,
    bytesReceived: events.counts.bytesReceived,
  });
  const systemTopics = createSystemTopics({ router, everyMs: config.systemTopicsMs, figures });
  const failed = (error: unknown): void => events.openFeedFailed(error);
  const openSubscriptions = createOpenSubscriptions({ feed: options.openFeed, router, failed });
  const context: MqttContext = {
    config,
    clock,
    random: options.random,
    events,
    registry,
    authorizer,
    receiver,
    logState: options.logState,
    router,
    retained,
    sessions,
    openSubscriptions,
    given: createGivenBook({ clock, countersMax: config.accessCountersMax }),
    isClosedToKeys: () => connections.isClosedToKeys,
    changeStreams: createChangeStreams({
      feed: options.changeFeed,
      bounds: config,
    }),
    systemTopics,
    logins: createLoginLimit(config),
    outbox,
    rightsVersion: () => rightsVersion,
  };
  const swept = (nowMs: number): void => {
    sessions.expire();
    systemTopics.renew(nowMs);
    events.flush(figures());
  };
  const connections = createConnections({ config, clock, events, context, outbox, swept });
  const registryRefreshed = (): void => {
    rightsVersion += 1;
    const { devices } = registry.current();
    retained.forgetUnless((device) => devices.has(device));
    discardUnknown(sessions, devices);
    connections.recheck();
  };
  return { context, connections, registryRefreshed, figures };
}

/** Sessions kept for devices that are no more. */
function discardUnknown(sessions: Sessions, devices: ReadonlyMap<string, unknown>): void {
  for (const session of sessions.all()) {
    const { principal } = session.requester;
    if (principal === 'anonymous' || principal.kind !== 'device') continue;
    if (session.outlet === null && !devices.has(principal.subject)) sessions.discard(session);
  }
}

function countSubscriptions(sessions: Sessions): number {
  let total = 0;
  for (const session of sessions.all()) total += session.subscriptions.size;
  return total;
}
