/** What happens to a node's copy of the observations: log line and figures together. */
import { CodedError } from '../../../devices/coded-error.ts';
import type { Telemetry } from '../../../devices/telemetry.ts';
import type { Position } from '../../log/log.ts';

export interface CopyEvents {
  opened(fields: { readonly position: Position; readonly positions: readonly Position[] }): void;
  closed(partitions: number): void;
  copied(rows: number): void;
  lagging(offsets: number): void;
  /** Nothing is taken for now: the local view or registry does not let it. */
  held(error: unknown): void;
  /** Nothing comes of a partition for now. */
  partitionHeld(fields: { readonly partition: number; readonly error: unknown }): void;
  /** Something does again. */
  partitionFreed(partition: number): void;
  /** Whether a batch is the one that Kafka holds cannot be told: it is not read from the local log. */
  notCompared(fields: {
    readonly partition: number;
    readonly number: Position;
    readonly error: unknown;
  }): void;
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
  const heldPartitions = createHeldPartitions({ logger, metrics });
  let isHeld = false;
  return {
    partitionHeld(fields) {
      holds.increase();
      heldPartitions.hold(fields);
    },
    partitionFreed: (partition) => heldPartitions.free(partition),
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
    notCompared: (fields) =>
      logger.warn(fields, 'a batch of the local copy cannot be compared with that of Kafka'),
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

/** Each is told once for each reason; one that passes by itself once for all partitions. */
function createHeldPartitions({ logger, metrics }: Telemetry) {
  const count = metrics.gauge(
    'quantrac_copy_partitions_held',
    'Partitions of which nothing can be copied to this node now',
  );
  const reasons = new Map<number, { readonly code: string; readonly isPassing: boolean }>();
  const tellCount = (): void => count.set(reasons.size);
  tellCount();
  return {
    hold({ partition, error }: { readonly partition: number; readonly error: unknown }): void {
      const { code, canRetry } = error instanceof CodedError ? error : noCode;
      const isKnown = canRetry
        ? [...reasons.values()].some((reason) => reason.code === code)
        : reasons.get(partition)?.code === code;
      reasons.set(partition, { code, isPassing: canRetry });
      tellCount();
      if (isKnown) return;
      const fields = { partition, error };
      if (canRetry) logger.warn(fields, 'observations cannot be copied now, it is tried again');
      else logger.error(fields, 'a partition of the observations cannot be copied, it is held');
    },
    free(partition: number): void {
      const reason = reasons.get(partition);
      reasons.delete(partition);
      tellCount();
      if (reason?.isPassing === false) {
        logger.info({ partition }, 'a partition of the observations is copied again');
      }
    },
  };
}

const noCode = { code: '', canRetry: false };
