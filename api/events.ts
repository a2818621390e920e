import type { HeldTime } from '../devices/judged-time.ts';
import type { Telemetry } from '../devices/telemetry.ts';
import { createFeedEvents, type FeedEvents } from '../ingest/feed/events.ts';

type StreamEnd = 'stalled' | 'failed' | 'shed';

/** Everything that happens in this room, and the only place that logs or counts it. */
export interface ApiEvents extends FeedEvents {
  listening(httpPort: number, isSecure: boolean): void;
  closed(): void;
  requestAnswered(status: number, seconds: number): void;
  requestFailed(
    error: unknown,
    fields: { readonly requestId: string; readonly route: string },
  ): void;
  requestRefused(code: string): void;
  /** A client shares a bucket of quotas because all are in use. */
  quotaShared(): void;
  connectionRefused(reason: 'total' | 'address'): void;
  chartPainted(seconds: number): void;
  chartFailed(error: unknown): void;
  streamCut(end: StreamEnd, error: unknown): void;
  registryChanged(version: number, actor: string): void;
  registryUnmarked(error: unknown, version: number): void;
  registryUnreadable(error: unknown, version: number): void;
  /** A moment has come by which the registry must change, and it cannot be changed. */
  timeNotFollowed(error: unknown): void;
  /** The clock has jumped ahead too far to be believed, or is believed again. */
  clockHeld(state: HeldTime): void;
  judgedTimeNotKept(error: unknown): void;
  accessNoted(requests: number): void;
  accessDropped(requests: number): void;
  accessNotWritten(error: unknown): void;
  accessNotGathered(error: unknown): void;
  usageDropped(requests: number): void;
  usageNotWritten(error: unknown): void;
  quarantineDecided(decision: 'replay' | 'dismiss', position: number, actor: string): void;
  certificateReloaded(): void;
  certificateRefused(error: unknown): void;
}

const requestSeconds = [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60];

export function createApiEvents(telemetry: Telemetry): ApiEvents {
  return {
    ...requestEvents(telemetry),
    ...streamEvents(telemetry),
    ...stateEvents(telemetry),
    ...accessEvents(telemetry),
    ...chartEvents(telemetry),
  };
}

function chartEvents({
  logger,
  metrics,
}: Telemetry): Pick<ApiEvents, 'chartPainted' | 'chartFailed'> {
  const seconds = metrics.histogram(
    'quantrac_chart_paint_seconds',
    'Time to paint a chart as PNG, in the thread for it.',
    requestSeconds,
  );
  const failures = metrics.counter(
    'quantrac_chart_failures_total',
    'Charts that were not painted.',
  );
  return {
    chartPainted: (elapsedSeconds) => seconds.observe(elapsedSeconds),
    chartFailed(error) {
      failures.increase();
      logger.error({ err: error }, 'A chart could not be painted; its thread is replaced.');
    },
  };
}

type RequestEvents = Pick<
  ApiEvents,
  'requestAnswered' | 'requestFailed' | 'requestRefused' | 'quotaShared' | 'connectionRefused'
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
  const shared = metrics.counter(
    'quantrac_http_quota_shared_total',
    'Requests of clients that share a quota because quotaClientsMax others have one of their own.',
  );
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
    quotaShared() {
      shared.increase();
    },
    connectionRefused(reason) {
      connections.increase(1, { reason });
    },
  };
}

function streamEvents(telemetry: Telemetry): FeedEvents & Pick<ApiEvents, 'streamCut'> {
  const { logger, metrics } = telemetry;
  const cuts = metrics.counter('quantrac_http_streams_cut_total', 'Long answers cut short.', [
    'reason',
  ]);
  return {
    ...createFeedEvents(telemetry),
    streamCut(end, error) {
      cuts.increase(1, { reason: end });
      logger.warn({ err: error, end }, 'A long answer was cut; its client sees no end mark.');
    },
  };
}

type AccessEvents = Pick<
  ApiEvents,
  | 'timeNotFollowed'
  | 'clockHeld'
  | 'judgedTimeNotKept'
  | 'accessNoted'
  | 'accessDropped'
  | 'accessNotWritten'
  | 'accessNotGathered'
  | 'usageDropped'
  | 'usageNotWritten'
>;

function accessEvents({ logger, metrics }: Telemetry): AccessEvents {
  const noted = metrics.counter(
    'quantrac_access_noted_total',
    'Requests made with a key, by whether they are in the access log.',
    ['outcome'],
  );
  const uncounted = metrics.counter(
    'quantrac_usage_dropped_total',
    'Requests for data that the figures of usage lack.',
  );
  const heldClock = metrics.gauge(
    'quantrac_clock_held',
    '1 while the clock stands too far ahead to end embargoes or delete logs by it.',
  );
  return {
    clockHeld({ isHeld, clockAt, judgedAt }) {
      heldClock.set(isHeld ? 1 : 0);
      const fields = {
        clock: new Date(clockAt).toISOString(),
        judged: new Date(judgedAt).toISOString(),
      };
      if (isHeld) {
        logger.error(
          fields,
          'The clock has jumped ahead: embargoes, grants and logs do not end by it. Mend it, or see clockJumpMsMax.',
        );
      } else logger.info(fields, 'The clock counts again for embargoes, grants and logs.');
    },
    judgedTimeNotKept(error) {
      logger.warn(
        { err: error },
        'The time that was last believed cannot be written; a jump while the server is off shows less.',
      );
    },
    timeNotFollowed(error) {
      logger.warn(
        { err: error },
        'An embargo, a grant or a deadline has ended, and the registry cannot be changed; trying again.',
      );
    },
    accessNoted: (requests) => noted.increase(requests, { outcome: 'written' }),
    accessDropped: (requests) => noted.increase(requests, { outcome: 'dropped' }),
    usageDropped: (requests) => uncounted.increase(requests),
    usageNotWritten(error) {
      logger.error(
        { err: error },
        'Figures of usage cannot be written; what they lack is counted.',
      );
    },
    accessNotGathered(error) {
      logger.warn(
        { err: error },
        'What followers with a key were given could not be asked for; it is asked for again.',
      );
    },
    accessNotWritten(error) {
      logger.error({ err: error }, 'The access log cannot be written; what it lacks is counted.');
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
