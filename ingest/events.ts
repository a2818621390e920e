/**
 * What happens in ingest: one function for each occurrence, which writes the log line and moves the
 * counter. The balance of readings and measurements is not counted here: it travels with the batches
 * and api shows it.
 */
import { CodedError } from '../devices/coded-error.ts';
import type { Logger, Metrics, Telemetry } from '../devices/telemetry.ts';
import type { Batch } from './observations/batch.ts';
import type { Position } from './log/log.ts';

export interface IngestEvents {
  opened(fields: {
    readonly consumed: Position;
    readonly observations: Position;
    readonly replayedBatches: number;
    readonly carefulReadings: number;
  }): void;
  closed(fields: { readonly consumed: Position }): void;
  batchKept(batch: Batch, sizeBytes: number, tookMs: number): void;
  batchRefused(error: Error): void;
  readingFailed(fields: {
    readonly position: Position;
    readonly device: string;
    readonly error: unknown;
  }): void;
  measurementFailed(fields: { readonly channel: string; readonly error: unknown }): void;
  readingsUnreadable(fields: {
    readonly first: Position;
    readonly last: Position;
    readonly error: unknown;
  }): void;
  /** What a replay names cannot be read from the log now; it is tried again. */
  originalUnread(fields: { readonly position: Position; readonly error: unknown }): void;
  /** A node sent it again: it was settled before. */
  readingRepeated(): void;
  /** Readings of a node that never came: they are in quarantine by number. */
  readingsMissing(fields: {
    readonly position: Position;
    readonly node: number;
    readonly missing: number;
  }): void;
  /** Records that were deleted before they were read: they are in quarantine by offset. */
  readingsGone(fields: { readonly detail: string; readonly offsets: number }): void;
  /** Rows of days before the horizon are in the view now. */
  historyAdopted(rows: number, tookMs: number): void;
  /** They could not be had; it is tried again, for a while. */
  historyAway(error: unknown): void;
  readingCrashed(fields: { readonly position: Position; readonly device: string }): void;
  registryChanged(fields: { readonly position: Position; readonly version: number }): void;
  /** Ids of rules in the configuration that no datastream of the version in force has. */
  rulesUnused(
    fields: { readonly version: number; readonly ids: readonly string[] },
    isNews: boolean,
  ): void;
  flushFailed(error: unknown): void;
  held(): void;
  failed(error: unknown): void;
}

/** Ids that one line names; the gauge counts all. */
const idsToldMax = 20;

export function openIngestEvents({ logger, metrics }: Telemetry): IngestEvents {
  const batches = metrics.counter('quantrac_ingest_batches_total', 'Batches of observations kept');
  const bytes = metrics.counter('quantrac_ingest_batch_bytes_total', 'Bytes of the batches kept');
  const rows = metrics.counter('quantrac_ingest_rows_total', 'Rows decided, by what they are', [
    'kind',
  ]);
  const setAside = metrics.counter(
    'quantrac_ingest_quarantined_total',
    'Entries of quarantine opened, by code',
    ['code'],
  );
  const commits = metrics.histogram(
    'quantrac_ingest_commit_seconds',
    'From the end of a stretch until its batch is durable',
    [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1],
  );
  const refusals = metrics.counter(
    'quantrac_ingest_commit_failures_total',
    'Batches that the log refused; they are offered again',
  );
  const defects = metrics.counter(
    'quantrac_ingest_defects_total',
    'Readings or measurements at which the pipeline failed; they are in quarantine',
  );
  const flushes = metrics.counter(
    'quantrac_ingest_flush_failures_total',
    'Slices of the view that could not be written; they are tried again',
  );
  const holds = metrics.counter(
    'quantrac_ingest_holds_total',
    'Times that deciding waited for the view to be flushed',
  );
  return {
    ...lifeCycle(logger),
    batchKept(batch, sizeBytes, tookMs) {
      batches.increase();
      bytes.increase(sizeBytes);
      commits.observe(tookMs / 1_000);
      countRows(batch, (kind, count) => rows.increase(count, { kind }));
      for (const { state, code } of batch.quarantined) {
        if (state === 'open') setAside.increase(1, { code });
      }
    },
    batchRefused(error) {
      logger.error(
        { error },
        'a batch of observations was refused by the log, it is offered again',
      );
      refusals.increase();
    },
    readingFailed(fields) {
      logger.error(fields, 'the pipeline failed at a reading, it is in quarantine');
      defects.increase();
    },
    measurementFailed(fields) {
      logger.error(fields, 'the pipeline failed at a measurement, it is in quarantine');
      defects.increase();
    },
    flushFailed(error) {
      logger.error({ error }, 'the view could not be flushed, it is tried again');
      flushes.increase();
    },
    ...partitionEvents(logger, metrics),
    held: () => holds.increase(),
    rulesUnused: unusedRules(logger, metrics),
  };
}

function unusedRules(logger: Logger, metrics: Metrics): IngestEvents['rulesUnused'] {
  const unused = metrics.gauge(
    'quantrac_ingest_rules_unused',
    'Ids under checks.datastreams that no datastream has',
  );
  return ({ version, ids }, isNews) => {
    unused.set(ids.length);
    if (!isNews) return;
    logger.warn(
      { version, count: ids.length, ids: ids.slice(0, idsToldMax) },
      'rules under checks.datastreams are of no datastream, they judge nothing',
    );
  };
}

/** What only a partition of the cluster meets. */
function partitionEvents(logger: Logger, metrics: Metrics) {
  const repeats = metrics.counter(
    'quantrac_ingest_readings_repeated_total',
    'Readings that a node sent again; they are not settled twice',
  );
  const missing = metrics.counter(
    'quantrac_ingest_readings_missing_total',
    'Readings that a node sent and that never came; they are in quarantine by number',
  );
  const gone = metrics.counter(
    'quantrac_ingest_offsets_gone_total',
    'Offsets of the topic readings that were deleted before they were read; they are in quarantine',
  );
  const adopted = metrics.counter(
    'quantrac_ingest_history_rows_total',
    'Rows of days before the horizon that were fetched from InfluxDB to decide by',
  );
  const fetches = metrics.histogram(
    'quantrac_ingest_history_seconds',
    'Time of fetching the rows of some days before the horizon',
    [0.005, 0.01, 0.05, 0.1, 0.5, 1, 5],
  );
  const failures = metrics.counter(
    'quantrac_ingest_history_failures_total',
    'Times that rows of days before the horizon could not be fetched',
  );
  let isAway = false;
  return {
    historyAdopted(rows, tookMs) {
      isAway = false;
      adopted.increase(rows);
      fetches.observe(tookMs / 1_000);
    },
    historyAway(error) {
      failures.increase();
      if (!isAway) logger.warn({ error }, 'rows of days before the horizon cannot be had now');
      isAway = true;
    },
    readingRepeated: () => repeats.increase(),
    readingsMissing(fields) {
      logger.error(fields, 'readings of a node are missing, their numbers are in quarantine');
      missing.increase(fields.missing);
    },
    readingsGone(fields) {
      logger.error(fields, 'readings were deleted before they were read, they are in quarantine');
      gone.increase(fields.offsets);
    },
  } satisfies Partial<IngestEvents>;
}

/** What is so rare that the line alone says it. */
function lifeCycle(logger: Logger) {
  return {
    opened: (fields) => logger.info(fields, 'ingest opened'),
    closed: (fields) => logger.info(fields, 'ingest closed'),
    readingsUnreadable(fields) {
      logger.error(fields, 'readings cannot be read from the log, their places are in quarantine');
    },
    originalUnread: (fields) =>
      logger.warn(fields, 'the reading that a replay names cannot be read now, it is tried again'),
    readingCrashed(fields) {
      logger.error(fields, 'ingest died at this reading in every try, it is in quarantine');
    },
    registryChanged: (fields) => logger.info(fields, 'a registry version is in force'),
    failed(error) {
      // As it should be, where another worker has taken the partition.
      if (isFenced(error)) logger.warn({ error }, 'what was decided here is decided elsewhere');
      else logger.error({ error }, 'ingest stops');
    },
  } satisfies Partial<IngestEvents>;
}

function isFenced(error: unknown): boolean {
  return error instanceof CodedError && error.code === 'KAFKA_FENCED';
}

function countRows(batch: Batch, count: (kind: string, rows: number) => void): void {
  let inserts = 0;
  let history = 0;
  for (const { current, type } of batch.rows) {
    if (!current) history++;
    else if (type === 'insert') inserts++;
  }
  const corrections = batch.rows.length - inserts - history;
  if (inserts > 0) count('insert', inserts);
  if (corrections > 0) count('correction', corrections);
  if (history > 0) count('history', history);
}
