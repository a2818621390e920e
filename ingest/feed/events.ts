import type { Telemetry } from '../../devices/telemetry.ts';

/** `revoked`: what a key opened is not open to it any more. */
export type ListenerEnd = 'frozen' | 'closed' | 'revoked' | 'expired' | 'failed';

/** What happens to a feed that is followed, and to those who listen to it. */
export interface FeedEvents {
  listenerOpened(open: number): void;
  listenerClosed(end: ListenerEnd, open: number): void;
  followed(rows: number): void;
  /** Rows that came in so long ago can be read here now. */
  freshened(ageSeconds: number): void;
  followFailed(error: unknown): void;
}

const freshnessSeconds = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 120, 600, 3_600];

/** As the API tells them. */
export function createFeedEvents({ logger, metrics }: Telemetry): FeedEvents {
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
