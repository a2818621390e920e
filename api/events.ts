import type { Telemetry } from '../devices/telemetry.ts';

type StreamEnd = 'stalled' | 'failed';
export type ListenerEnd = 'frozen' | 'closed' | 'expired' | 'failed';

/** Everything that happens in this room, and the only place that logs or counts it. */
export interface ApiEvents {
  listening(httpPort: number, isSecure: boolean): void;
  closed(): void;
  requestAnswered(status: number, seconds: number): void;
  requestFailed(
    error: unknown,
    fields: { readonly requestId: string; readonly route: string },
  ): void;
  requestRefused(code: string): void;
  connectionRefused(reason: 'total' | 'address'): void;
  streamCut(end: StreamEnd, error: unknown): void;
  listenerOpened(open: number): void;
  listenerClosed(end: ListenerEnd, open: number): void;
  followed(rows: number): void;
  /** Rows that came in so long ago can be read here now. */
  freshened(ageSeconds: number): void;
  followFailed(error: unknown): void;
  registryChanged(version: number, actor: string): void;
  registryUnmarked(error: unknown, version: number): void;
  registryUnreadable(error: unknown, version: number): void;
  quarantineDecided(decision: 'replay' | 'dismiss', position: number, actor: string): void;
  certificateReloaded(): void;
  certificateRefused(error: unknown): void;
}

const requestSeconds = [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60];
const freshnessSeconds = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 120, 600, 3_600];

export function createApiEvents(telemetry: Telemetry): ApiEvents {
  return { ...requestEvents(telemetry), ...streamEvents(telemetry), ...stateEvents(telemetry) };
}

type RequestEvents = Pick<
  ApiEvents,
  'requestAnswered' | 'requestFailed' | 'requestRefused' | 'connectionRefused'
>;

function requestEvents({ logger, metrics }: Telemetry): RequestEvents {
  const requests = metrics.counter('quantrac_http_requests_total', 'Answers by status class.', [
    'status',
  ]);
  const seconds = metrics.histogram(
    'quantrac_http_request_seconds',
    'Time from a request to the end of its answer.',
    requestSeconds,
  );
  const failures = metrics.counter('quantrac_http_failures_total', 'Faults of the server itself.');
  const refused = metrics.counter('quantrac_http_refused_total', 'Requests refused, by code.', [
    'code',
  ]);
  const connections = metrics.counter(
    'quantrac_http_connections_refused_total',
    'Connections closed at once because a bound was reached.',
    ['reason'],
  );
  return {
    requestAnswered(status, elapsedSeconds) {
      requests.increase(1, { status: `${Math.floor(status / 100)}xx` });
      seconds.observe(elapsedSeconds);
    },
    requestFailed(error, fields) {
      failures.increase();
      logger.error({ err: error, ...fields }, 'A request could not be answered.');
    },
    requestRefused(code) {
      refused.increase(1, { code });
    },
    connectionRefused(reason) {
      connections.increase(1, { reason });
    },
  };
}

type StreamEvents = Pick<
  ApiEvents,
  'streamCut' | 'listenerOpened' | 'listenerClosed' | 'followed' | 'freshened' | 'followFailed'
>;

function streamEvents({ logger, metrics }: Telemetry): StreamEvents {
  const cuts = metrics.counter('quantrac_http_streams_cut_total', 'Long answers cut short.', [
    'reason',
  ]);
  const listeners = metrics.gauge('quantrac_live_clients', 'Clients of the live stream.');
  const ended = metrics.counter('quantrac_live_ended_total', 'Live streams that ended.', [
    'reason',
  ]);
  const rows = metrics.counter('quantrac_api_rows_followed_total', 'Rows followed by the API.');
  const freshness = metrics.histogram(
    'quantrac_freshness_seconds',
    'From the arrival of a reading at a door until it can be read here; the newest of each batch.',
    freshnessSeconds,
  );
  const failures = metrics.counter(
    'quantrac_api_follow_failed_total',
    'Times that the API could not read the log of observations.',
  );
  return {
    streamCut(end, error) {
      cuts.increase(1, { reason: end });
      logger.warn({ err: error, end }, 'A long answer was cut; its client sees no end mark.');
    },
    listenerOpened(open) {
      listeners.set(open);
    },
    listenerClosed(end, open) {
      listeners.set(open);
      ended.increase(1, { reason: end });
    },
    followed(count) {
      rows.increase(count);
    },
    freshened: (ageSeconds) => freshness.observe(ageSeconds),
    followFailed(error) {
      failures.increase();
      logger.error({ err: error }, 'The log of observations cannot be followed; trying again.');
    },
  };
}

type StateEvents = Pick<
  ApiEvents,
  | 'listening'
  | 'closed'
  | 'registryChanged'
  | 'registryUnmarked'
  | 'registryUnreadable'
  | 'quarantineDecided'
  | 'certificateReloaded'
  | 'certificateRefused'
>;

function stateEvents({ logger, metrics }: Telemetry): StateEvents {
  const version = metrics.gauge('quantrac_registry_version', 'Newest version of the registry.');
  const decisions = metrics.counter(
    'quantrac_quarantine_decisions_total',
    'Decisions of operators about quarantined readings.',
    ['decision'],
  );
  const reloads = metrics.counter(
    'quantrac_http_certificate_reloads_total',
    'Certificate files read again.',
    ['outcome'],
  );
  return {
    listening(httpPort, isSecure) {
      logger.info({ httpPort, isSecure }, 'The API is listening.');
    },
    closed() {
      logger.info({}, 'The API is closed.');
    },
    registryChanged(changedTo, actor) {
      version.set(changedTo);
      logger.info({ version: changedTo, actor }, 'The registry has changed.');
    },
    registryUnmarked(error, unmarked) {
      logger.error(
        { err: error, version: unmarked },
        'The marker of a registry version could not be logged; trying again.',
      );
    },
    registryUnreadable(error, asked) {
      logger.error({ err: error, version: asked }, 'A version of the registry cannot be read.');
    },
    quarantineDecided(decision, position, actor) {
      decisions.increase(1, { decision });
      logger.info(
        { decision, position, actor },
        'An operator decided about a quarantined reading.',
      );
    },
    certificateReloaded() {
      reloads.increase(1, { outcome: 'used' });
      logger.info({}, 'The certificate files were read again.');
    },
    certificateRefused(error) {
      reloads.increase(1, { outcome: 'refused' });
      logger.error({ err: error }, 'The new certificate files cannot be used; the old ones stay.');
    },
  };
}
