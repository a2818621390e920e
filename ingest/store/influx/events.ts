import type { Counter, Telemetry } from '../../../devices/telemetry.ts';

/** What happens between `observations` and InfluxDB, said once: line and counter together. */
export interface InfluxEvents {
  /** InfluxDB has them. */
  linesStored(lines: number, tookMs: number): void;
  /** Nothing was lost; the same lines are sent again after `waitMs`. */
  writeRepeated(error: unknown, waitMs: number): void;
  /** As above, and only an operator can mend it. */
  writeRefused(error: unknown, waitMs: number): void;
  /** One line that InfluxDB does not take: it stays in `observations`, and is not in the view. */
  lineSetAside(fields: { readonly line: string; readonly reason: string }): void;
  /** A partition cannot be read or understood now; it is tried again. */
  partitionHeld(fields: { readonly partition: number; readonly error: unknown }): void;
  /** Batches that Kafka no longer has: the view lacks them. */
  batchesMissing(fields: {
    readonly partition: number;
    readonly from: number;
    readonly to: number;
  }): void;
  /** From behind `whole` on nobody relies on InfluxDB for this partition, until it is built again. */
  partitionIncomplete(fields: {
    readonly partition: number;
    readonly whole: number;
    readonly position: number;
  }): void;
  /** Partitions carried here of which InfluxDB lacks rows. */
  incomplete(partitions: number): void;
  /** Where to go on could not be asked; it is tried again. */
  notesUnread(error: unknown): void;
  /** The next note covers it. */
  noteFailed(error: unknown): void;
  /** Kafka did not say where partitions end: how far the sink is behind stands still. */
  endsUnknown(error: unknown, isTold: boolean): void;
  assigned(partitions: readonly number[]): void;
  /** Batches of `observations` that are not in InfluxDB yet, about, over all partitions. */
  behind(batches: number): void;
  dropped(fields: { readonly measurement: string; readonly partitions: number }): void;
}

const secondMs = 1_000;

export function openInfluxEvents({ logger, metrics }: Telemetry): InfluxEvents {
  const count: Count = (name, help) => metrics.counter(`quantrac_influx_${name}_total`, help);
  const stored = count('lines_stored', 'Lines that InfluxDB took');
  const repeats = count('write_repeats', 'Requests that are sent again: busy, away, or no answer');
  const refusals = count('write_refusals', 'Requests refused for a reason that an operator mends');
  const aside = count('lines_set_aside', 'Lines that InfluxDB refuses for good');
  const held = count('partition_holds', 'Times that a partition could not be read or understood');
  const missing = count('batches_missing', 'Batches that Kafka no longer had');
  const lag = metrics.gauge(
    'quantrac_influx_behind_records',
    'Batches of observations that are not in InfluxDB yet, about',
  );
  const lacking = metrics.gauge(
    'quantrac_influx_incomplete_partitions',
    'Partitions written from here of which InfluxDB lacks rows: nodes let go of nothing behind them',
  );
  const took = metrics.histogram(
    'quantrac_influx_write_seconds',
    'Time of one request that stored lines',
    [0.005, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30],
  );
  return {
    linesStored(lines, tookMs) {
      stored.increase(lines);
      took.observe(tookMs / secondMs);
    },
    writeRepeated(error, waitMs) {
      logger.warn({ error, waitMs }, 'InfluxDB did not take a request, it is sent again');
      repeats.increase();
    },
    writeRefused(error, waitMs) {
      logger.error({ error, waitMs }, 'InfluxDB refuses what it is sent, it is tried again');
      refusals.increase();
    },
    lineSetAside(fields) {
      logger.error(fields, 'a line was set aside, the view in InfluxDB lacks it');
      aside.increase();
    },
    partitionHeld(fields) {
      logger.error(fields, 'a partition cannot be written to InfluxDB now');
      held.increase();
    },
    batchesMissing(fields) {
      logger.error(fields, 'batches are missing in Kafka, the view in InfluxDB lacks them');
      missing.increase(fields.to - fields.from + 1);
    },
    partitionIncomplete: (fields) =>
      logger.error(fields, 'the view in InfluxDB lacks rows: nodes keep all behind, until rebuild'),
    incomplete: (partitions) => lacking.set(partitions),
    ...eventsOfKafka(logger, count),
    assigned: (partitions) =>
      logger.info({ partitions }, 'partitions are written to InfluxDB from here'),
    behind: (batches) => lag.set(batches),
    dropped: (fields) => logger.info(fields, 'the view in InfluxDB was emptied'),
  };
}

type Count = (name: string, help: string) => Counter;
type EventsOfKafka = Pick<InfluxEvents, 'notesUnread' | 'noteFailed' | 'endsUnknown'>;

/** What Kafka is asked for beside the batches. */
function eventsOfKafka(logger: Telemetry['logger'], count: Count): EventsOfKafka {
  const noteFailures = count(
    'note_failures',
    'Notes of the position that Kafka did not take or give',
  );
  const endsFailures = count('ends_failures', 'Times that Kafka did not say where partitions end');
  return {
    notesUnread(error) {
      logger.warn({ error }, 'the position of the view in InfluxDB could not be read');
      noteFailures.increase();
    },
    noteFailed(error) {
      logger.warn({ error }, 'the position of the view in InfluxDB could not be noted');
      noteFailures.increase();
    },
    endsUnknown(error, isTold) {
      if (isTold) logger.error({ error }, 'how far InfluxDB is behind is not known any more');
      endsFailures.increase();
    },
  };
}
