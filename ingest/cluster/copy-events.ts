/** What happens to a node's copy of the observations: log line and figures together. */
import type { Telemetry } from '../../devices/telemetry.ts';
import type { Position } from '../log/log.ts';

export interface CopyEvents {
  opened(fields: { readonly position: Position; readonly positions: readonly Position[] }): void;
  closed(partitions: number): void;
  copied(rows: number): void;
  lagging(offsets: number): void;
  /** Nothing comes for now. */
  held(error: unknown): void;
  /** What the folder held cannot be gone on with: the copy begins anew. */
  lost(error: unknown): void;
  /** It begins behind these batches: what lies before is asked of InfluxDB. */
  begun(fields: { readonly knownFromAt: number; readonly floors: readonly Position[] }): void;
  /** The newest rows of silent series are here. */
  seeded(rows: number): void;
  seedingFailed(error: unknown): void;
  /** Days of series before the horizon went. */
  forgotten(fields: { readonly knownFromAt: number; readonly days: number }): void;
  forgettingFailed(error: unknown): void;
  /** The local disk did not take a batch; it is offered again. */
  refused(error: unknown): void;
}

export function openCopyEvents({ logger, metrics }: Telemetry): CopyEvents {
  const batches = metrics.counter('quantrac_copy_batches_total', 'Batches copied to this node');
  const rows = metrics.counter('quantrac_copy_rows_total', 'Rows copied to this node');
  const lag = metrics.gauge(
    'quantrac_copy_lag_offsets',
    'Offsets of the topic observations that this node has not copied yet, about',
  );
  const holds = metrics.counter(
    'quantrac_copy_failures_total',
    'Times that observations could not be copied; it is tried again',
  );
  const losses = metrics.counter(
    'quantrac_copy_losses_total',
    'Times that this node gave up its copy of the observations and began it anew',
  );
  let isHeld = false;
  return {
    opened: (fields) => logger.info(fields, 'the copy of the observations is open'),
    closed: (partitions) => logger.info({ partitions }, 'the copy of the observations is closed'),
    copied(count) {
      isHeld = false;
      batches.increase();
      rows.increase(count);
    },
    lagging: (offsets) => lag.set(offsets),
    held(error) {
      holds.increase();
      if (!isHeld) logger.warn({ error }, 'observations cannot be copied now, it is tried again');
      isHeld = true;
    },
    lost(error) {
      losses.increase();
      logger.error({ error }, 'the copy of the observations is given up, it begins anew');
    },
    begun: (fields) => logger.info(fields, 'the copy of the observations begins at its horizon'),
    seeded: (rows) => logger.info({ rows }, 'the newest row of every series is known'),
    seedingFailed: (error) =>
      logger.warn(
        { error },
        'the newest rows of silent series cannot be had now, it is tried again',
      ),
    forgotten: (fields) => logger.info(fields, 'the copy of the observations let go of old days'),
    forgettingFailed: (error) =>
      logger.warn({ error }, 'the copy of the observations keeps old days, it is tried again'),
    refused(error) {
      holds.increase();
      logger.error({ error }, 'the local copy was refused by its log, it is offered again');
    },
  };
}
