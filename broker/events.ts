/**
 * What happens at the doors: one function for each occurrence, which writes the log line and moves
 * the counter. What happens with every message is counted in plain numbers and handed to telemetry
 * by `flush`, twice a second: a labelled counter would cost more than the message.
 */
import type { HeldTime } from '../devices/judged-time.ts';
import type { Telemetry } from '../devices/telemetry.ts';
import type { Refusal } from './authenticate.ts';

export type Listener = 'tcp' | 'tls' | 'websocket';

/** Why a login failed; the label of `quantrac_auth_failures_total`. */
export type LoginRefusal =
  | Refusal
  /** Of a device that is known. The client is told no more than one that is unknown. */
  | 'wrong-secret'
  | 'certificate-missing'
  | 'certificate-expired';

/** Why a connection ended; the label of `quantrac_mqtt_disconnects_total`. */
export type CloseReason =
  | 'disconnected'
  | 'lost'
  | 'connect-timeout'
  | 'connect-refused'
  | 'keep-alive'
  | 'malformed'
  | 'too-large'
  | 'denied'
  | 'unreleased-max'
  | 'taken-over'
  | 'revoked'
  | 'slow-subscriber'
  | 'log-failed'
  | 'log-stalled'
  | 'internal-error'
  | 'shutdown';

/** Outcome of a CONNECT; the label of `quantrac_mqtt_connects_total`. */
export type ConnectResult =
  | 'accepted'
  | 'protocol-level'
  | 'client-id'
  | 'log-unavailable'
  | 'stopping'
  | 'login'
  | 'will-denied';

/** Plain numbers that the doors count up themselves. */
interface BrokerCounts {
  readonly publishes: [number, number, number];
  acknowledged: number;
  bytesReceived: number;
  delivered: number;
  dropped: number;
}

interface BrokerGauges {
  readonly connections: number;
  readonly sessions: number;
  readonly retainedMessages: number;
  readonly subscriptions: number;
}

export interface BrokerEvents {
  readonly counts: BrokerCounts;
  listening(fields: {
    readonly listener: Listener;
    readonly host: string;
    readonly port: number;
  }): void;
  /** A listening socket reports a failure; it goes on if it can. */
  doorFailed(listener: Listener, error: Error): void;
  plainAndOpen(host: string): void;
  connectDecided(result: ConnectResult, listener: Listener): void;
  /** `device`: only one that is known, since people type secrets into the field of the name. */
  loginFailed(refused: {
    readonly listener: Listener;
    readonly reason: LoginRefusal;
    readonly address: string;
    readonly device: string | undefined;
  }): void;
  takenOver(clientId: string): void;
  closed(reason: CloseReason): void;
  protocolViolated(rule: string, address: string): void;
  /** A fault of this program, met in one connection: that one is closed, the others go on. */
  connectionFailed(error: unknown): void;
  denied(action: 'publish' | 'subscribe' | 'will' | 'retain', fields: DeniedFields): void;
  limited(
    what: 'connections' | 'connection-rate' | 'held-logins' | 'subscriptions' | 'followers',
  ): void;
  messageDropped(reason: 'slow' | 'queue-full'): void;
  notRetained(): void;
  sessionEvicted(reason: 'offline-max' | 'expired'): void;
  willFired(outcome: 'kept' | 'denied' | 'failed'): void;
  acknowledgementTook(ms: number): void;
  openFeedFailed(error: unknown): void;
  certificateReloaded(): void;
  certificateRejected(error: unknown): void;
  flush(gauges: BrokerGauges): void;
}

interface DeniedFields {
  readonly principal: string;
  readonly topic: string;
}

/** Lines about what hostile peers can cause: so many a second are written, the rest counted only. */
const hostileLinesPerSecondMax = 10;

const acknowledgementBuckets = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

export function createBrokerEvents(telemetry: Telemetry, monotonicMs: () => number): BrokerEvents {
  const meters = openMeters(telemetry);
  const hostile = createLineLimit(telemetry, monotonicMs);
  const { logger } = telemetry;
  const counts: BrokerCounts = {
    publishes: [0, 0, 0],
    acknowledged: 0,
    bytesReceived: 0,
    delivered: 0,
    dropped: 0,
  };
  return {
    counts,
    listening: (fields) => logger.info(fields, 'broker listens'),
    doorFailed: (listener, error) => logger.error({ listener, error }, 'door failed'),
    plainAndOpen: (host) =>
      logger.warn({ host }, 'MQTT without TLS is open to the network: secrets travel in the clear'),
    connectDecided: (result, listener) => meters.connects.increase(1, { result, listener }),
    loginFailed(refused) {
      const { listener, reason } = refused;
      meters.authFailures.increase(1, { listener, reason });
      hostile(refused, 'login failed');
    },
    takenOver(clientId) {
      meters.takeovers.increase();
      hostile({ clientId }, 'session was taken over by a new connection of the same credential');
    },
    closed: (reason) => meters.disconnects.increase(1, { reason }),
    connectionFailed: (error) => logger.error({ error }, 'a connection met a fault of the broker'),
    protocolViolated(rule, address) {
      meters.violations.increase();
      hostile({ rule, address }, 'connection broke a rule of MQTT and was closed');
    },
    denied(action, fields) {
      meters.denied.increase(1, { action });
      hostile({ action, ...fields }, 'client went beyond its rights');
    },
    limited: (what) => meters.limited.increase(1, { what }),
    messageDropped(reason) {
      counts.dropped += 1;
      meters.dropped.increase(1, { reason });
    },
    notRetained() {
      meters.dropped.increase(1, { reason: 'retained-max' });
      hostile({}, 'retained set is full: a message was not retained');
    },
    sessionEvicted: (reason) => meters.evicted.increase(1, { reason }),
    willFired: (outcome) => meters.wills.increase(1, { outcome }),
    acknowledgementTook: (ms) => meters.acknowledgementSeconds.observe(ms / 1000),
    openFeedFailed: (error) =>
      logger.warn({ error }, 'latest rows for a subscriber could not be read'),
    certificateReloaded: () => logger.info({}, 'certificate was replaced'),
    certificateRejected(error) {
      meters.certificateErrors.increase();
      logger.error({ error }, 'new certificate files are not usable: the old certificate stays');
    },
    flush: createFlush(meters, counts),
  };
}

function openMeters({ metrics }: Telemetry) {
  const name = (rest: string): string => `quantrac_${rest}`;
  const counter = (rest: string, help: string, labels: readonly string[] = []) =>
    metrics.counter(name(rest), help, labels);
  const gauge = (rest: string, help: string) => metrics.gauge(name(rest), help);
  return {
    connects: counter('mqtt_connects_total', 'CONNECT packets by result.', ['result', 'listener']),
    disconnects: counter('mqtt_disconnects_total', 'Connections ended, by reason.', ['reason']),
    authFailures: counter('auth_failures_total', 'Failed logins.', ['listener', 'reason']),
    takeovers: counter('mqtt_takeovers_total', 'Connections cut by a newer one of the session.'),
    violations: counter('mqtt_protocol_violations_total', 'Connections closed for a broken rule.'),
    denied: counter('acl_denied_total', 'Requests beyond the rights of the client.', ['action']),
    limited: counter('rate_limited_total', 'Refused at a limit of the server.', ['what']),
    dropped: counter('mqtt_messages_dropped_total', 'Messages not delivered.', ['reason']),
    evicted: counter('mqtt_sessions_evicted_total', 'Sessions ended for an absent client.', [
      'reason',
    ]),
    wills: counter('mqtt_wills_total', 'Last wills by outcome.', ['outcome']),
    certificateErrors: counter('tls_certificate_errors_total', 'Certificate files not usable.'),
    received: counter('mqtt_publish_received_total', 'PUBLISH packets received.', ['qos']),
    acknowledged: counter('mqtt_publish_acknowledged_total', 'PUBACK and PUBREC packets sent.'),
    delivered: counter('mqtt_publish_sent_total', 'PUBLISH packets sent.'),
    bytesReceived: counter('mqtt_received_bytes_total', 'Bytes received by the MQTT doors.'),
    connections: gauge('mqtt_connections', 'Open connections.'),
    sessions: gauge('mqtt_sessions', 'Sessions, connected or kept.'),
    retained: gauge('mqtt_retained_messages', 'Retained messages of devices.'),
    subscriptions: gauge('mqtt_subscriptions', 'Subscriptions of all sessions.'),
    acknowledgementSeconds: metrics.histogram(
      name('mqtt_puback_seconds'),
      'Arrival of a PUBLISH to its acknowledgement; the oldest of those sent together.',
      acknowledgementBuckets,
    ),
  };
}

function createFlush(meters: ReturnType<typeof openMeters>, counts: BrokerCounts) {
  const told: BrokerCounts = {
    publishes: [0, 0, 0],
    acknowledged: 0,
    bytesReceived: 0,
    delivered: 0,
    dropped: 0,
  };
  return (gauges: BrokerGauges): void => {
    for (const qos of [0, 1, 2] as const) {
      const grown = counts.publishes[qos] - told.publishes[qos];
      if (grown > 0) meters.received.increase(grown, { qos: String(qos) });
      told.publishes[qos] = counts.publishes[qos];
    }
    for (const what of ['acknowledged', 'bytesReceived', 'delivered'] as const) {
      const grown = counts[what] - told[what];
      if (grown > 0) meters[what].increase(grown);
      told[what] = counts[what];
    }
    meters.connections.set(gauges.connections);
    meters.sessions.set(gauges.sessions);
    meters.retained.set(gauges.retainedMessages);
    meters.subscriptions.set(gauges.subscriptions);
  };
}

/** With `cluster.ack` replicated. */
export interface ReplicationEvents {
  /** Kafka stays away: nothing is acknowledged. `refused`: readings that waited. */
  replicationStopped(error: Error, refused: number): void;
  /** A reading that was not even written. */
  replicationRefused(): void;
  replicationResumed(stoppedMs: number): void;
}

export function createReplicationEvents({ logger, metrics }: Telemetry): ReplicationEvents {
  const refused = metrics.counter(
    'quantrac_unreplicated_refused_total',
    'Readings not acknowledged because Kafka did not have them in time.',
  );
  const stopped = metrics.gauge(
    'quantrac_unreplicated',
    '1 while nothing is acknowledged because Kafka is away.',
  );
  return {
    replicationStopped(error, count) {
      refused.increase(count);
      stopped.set(1);
      logger.error({ error, refused: count }, 'nothing is acknowledged until Kafka has caught up');
    },
    replicationRefused: () => refused.increase(),
    replicationResumed(stoppedMs) {
      stopped.set(0);
      logger.warn({ stoppedMs }, 'Kafka has caught up: readings are acknowledged again');
    },
  };
}

/** Of those who follow changes. */
export interface FollowerEvents {
  listenerOpened(open: number): void;
  listenerClosed(end: string, open: number): void;
  followFailed(error: unknown): void;
  followed(rows: number): void;
  freshened(ageSeconds: number): void;
}

export function createFollowerEvents({ logger, metrics }: Telemetry): FollowerEvents {
  const followers = metrics.gauge(
    'quantrac_mqtt_change_followers',
    'Subscriptions to changes that are followed now.',
  );
  const ended = metrics.counter(
    'quantrac_mqtt_change_followers_ended_total',
    'Subscriptions to changes that are followed no more.',
    ['reason'],
  );
  const failures = metrics.counter(
    'quantrac_mqtt_change_feed_failed_total',
    'Times that the broker could not read the changes.',
  );
  return {
    listenerOpened: (open) => followers.set(open),
    listenerClosed(reason, open) {
      followers.set(open);
      ended.increase(1, { reason });
    },
    followFailed(error) {
      failures.increase();
      logger.error({ error }, 'changes cannot be read for subscribers; trying again');
    },
    // The api tells what becomes readable, and when.
    followed: () => {},
    freshened: () => {},
  };
}

/** Of the access log of a node without an api; an api counts its own under the same name. */
export interface AccessFileEvents {
  accessNoted(rows: number): void;
  accessDropped(rows: number): void;
  accessFileFailed(error: unknown): void;
  accessClockHeld(state: HeldTime): void;
}

export function createAccessFileEvents({ logger, metrics }: Telemetry): AccessFileEvents {
  const noted = metrics.counter(
    'quantrac_access_noted_total',
    'Requests made with a key, by whether they are in the access log.',
    ['outcome'],
  );
  return {
    accessNoted: (rows) => noted.increase(rows, { outcome: 'written' }),
    accessDropped: (rows) => noted.increase(rows, { outcome: 'dropped' }),
    accessFileFailed(error) {
      logger.error({ error }, 'the access log cannot be written; what it lacks is counted');
    },
    accessClockHeld(state) {
      logger.warn(
        { ...state },
        'the clock jumped: files of the access log stay until it is believed',
      );
    },
  };
}

function createLineLimit(telemetry: Telemetry, monotonicMs: () => number) {
  let second = -1;
  let written = 0;
  let suppressed = 0;
  return (fields: object, message: string): void => {
    const now = Math.floor(monotonicMs() / 1000);
    if (now !== second) {
      if (suppressed > 0)
        telemetry.logger.warn({ suppressed }, 'lines about clients were left out');
      second = now;
      written = 0;
      suppressed = 0;
    }
    written += 1;
    if (written <= hostileLinesPerSecondMax) telemetry.logger.warn(fields, message);
    else suppressed += 1;
  };
}
