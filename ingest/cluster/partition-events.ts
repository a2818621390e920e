/** What happens to the partitions of a worker: log line and figures together. */
import type { Telemetry } from '../../devices/telemetry.ts';
import type { Position } from '../log/log.ts';

export interface PartitionEvents {
  assigned(partitions: readonly number[]): void;
  opened(fields: {
    readonly partition: number;
    readonly consumed: Position;
    readonly batches: number;
    readonly tookMs: number;
  }): void;
  openFailed(fields: { readonly partition: number; readonly error: unknown }): void;
  /** The worker of the partition ended by itself: another took it over, or a defect. */
  ended(fields: { readonly partition: number; readonly error: unknown }): void;
  closed(partition: number): void;
  commitDoubtful(fields: {
    readonly partition: number;
    readonly position: Position;
    readonly error: unknown;
  }): void;
  membershipLost(error: unknown): void;
  viewDropped(fields: { readonly partition: number; readonly error: unknown }): void;
  /** Its view begins anew, behind a batch: what lies before is asked of InfluxDB. */
  viewBegun(fields: {
    readonly partition: number;
    readonly position: Position;
    readonly knownFromAt: number;
  }): void;
  /** Days of series before the horizon went. */
  forgotten(fields: {
    readonly partition: number;
    readonly knownFromAt: number;
    readonly days: number;
  }): void;
  forgettingFailed(fields: { readonly partition: number; readonly error: unknown }): void;
}

export function openPartitionEvents({ logger, metrics }: Telemetry): PartitionEvents {
  const held = metrics.gauge('quantrac_partitions_assigned', 'Partitions that this worker has');
  const opening = metrics.histogram(
    'quantrac_partition_open_seconds',
    'From the assignment of a partition until its readings are decided here',
    [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
  );
  const doubts = metrics.counter(
    'quantrac_partition_commits_doubtful_total',
    'Transactions of which Kafka did not say what became of them; the end of the partition told',
  );
  const endings = metrics.counter(
    'quantrac_partition_endings_total',
    'Partitions that ended by themselves: taken over by another worker, or a failure',
  );
  const losses = metrics.counter(
    'quantrac_membership_losses_total',
    'Times that this worker fell out of its group',
  );
  return {
    assigned(partitions) {
      logger.info({ partitions }, 'partitions are assigned to this worker');
      held.set(partitions.length);
    },
    opened(fields) {
      logger.info(fields, 'a partition is open');
      opening.observe(fields.tookMs / 1_000);
    },
    openFailed: (fields) =>
      logger.warn(fields, 'a partition could not be opened, it is tried again'),
    ended(fields) {
      logger.warn(fields, 'a partition ended by itself');
      endings.increase();
    },
    closed: (partition) => logger.info({ partition }, 'a partition is closed'),
    commitDoubtful(fields) {
      logger.warn(fields, 'Kafka did not say whether a batch was committed, its end is looked at');
      doubts.increase();
    },
    membershipLost(error) {
      logger.warn({ error }, 'the worker fell out of its group, it joins again');
      losses.increase();
    },
    forgotten: (fields) => logger.info(fields, 'the view of a partition let go of old days'),
    forgettingFailed: (fields) =>
      logger.warn(fields, 'the view of a partition keeps old days, it is tried again'),
    viewBegun: (fields) => logger.info(fields, 'the view of a partition begins at its horizon'),
    viewDropped(fields) {
      logger.error(
        fields,
        'the view of a partition knows batches that Kafka lost, it is built anew',
      );
    },
  };
}
