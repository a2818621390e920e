import type { Telemetry } from '../../devices/telemetry.ts';
import type { Position } from './log.ts';
import type { RecoveryReport } from './recovery.ts';

/** Everything that a log says and counts. `log` is its name: `readings` or `observations`. */
export interface LogEvents {
  opened(fields: {
    readonly end: Position;
    readonly segments: number;
    readonly bytes: number;
  }): void;
  recovered(report: RecoveryReport): void;
  committed(fields: {
    readonly records: number;
    readonly bytes: number;
    readonly tookMs: number;
  }): void;
  commitFailed(error: unknown, records: number): void;
  stopped(error: Error): void;
  probeFailed(error: unknown): void;
  resumed(failedMs: number): void;
  cleanupFailed(error: unknown): void;
  sealed(fields: { readonly first: Position; readonly last: Position }): void;
  sealFailed(error: unknown, first: Position): void;
  damageFound(fields: { readonly first: Position; readonly last: Position }): void;
  trimmed(fields: {
    readonly first: Position;
    readonly last: Position;
    readonly bytes: number;
  }): void;
  rewritten(fields: { readonly records: number; readonly reason: string }): void;
  nearlyFull(fields: { readonly bytes: number; readonly warnBytesMax: number }): void;
  sized(bytes: number, end: Position): void;
  closed(end: Position): void;
}

const commitSeconds = [0.000_1, 0.000_3, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10];
const secondMs = 1_000;

export function createLogEvents(telemetry: Telemetry, log: string): LogEvents {
  const { logger, metrics } = telemetry;
  const labels = { log };
  const counter = (name: string, help: string) => {
    const one = metrics.counter(`quantrac_log_${name}_total`, help, ['log']);
    return (by = 1): void => one.increase(by, labels);
  };
  const records = counter('records', 'Records made durable.');
  const written = counter('written_bytes', 'Bytes made durable.');
  const commits = counter('commits', 'Commits: one write and one flush each.');
  const failures = counter('commit_failures', 'Commits that the disk refused.');
  const torn = counter('torn_bytes', 'Bytes of unpromised tails cut at start.');
  const damaged = counter('damaged_records', 'Records found damaged.');
  const trimmedBytes = counter('trimmed_bytes', 'Bytes deleted by retention.');
  const rewrites = counter('rewritten_records', 'Records whose body a lawful erasure replaced.');
  const sealFailures = counter('seal_failures', 'Attempts to seal a segment that failed.');
  const failing = metrics.gauge('quantrac_log_failing', '1 while the log refuses records.', [
    'log',
  ]);
  const bytes = metrics.gauge('quantrac_log_bytes', 'Bytes of all segments.', ['log']);
  const position = metrics.gauge('quantrac_log_end_position', 'Greatest durable position.', [
    'log',
  ]);
  const duration = metrics.histogram(
    `quantrac_log_${log}_commit_seconds`,
    'Write and flush of one commit.',
    commitSeconds,
  );

  return {
    opened(fields) {
      logger.info({ log, ...fields }, 'The log is open.');
      failing.set(0, labels);
    },
    recovered(report) {
      torn(report.tornBytes);
      if (report.tornBytes > 0 || report.removed.length > 0) {
        const { tornBytes, tornPosition, removed } = report;
        logger.warn(
          { log, tornBytes, tornPosition, removed },
          'Unfinished writes of the last run were cut; none of them had been acknowledged.',
        );
      }
      for (const hole of report.damaged) this.damageFound(hole);
    },
    committed(fields) {
      records(fields.records);
      written(fields.bytes);
      commits();
      duration.observe(fields.tookMs / secondMs);
    },
    commitFailed(error, count) {
      failures();
      logger.warn(
        { log, error, records: count },
        'The disk refused a commit; it is written again to a new segment.',
      );
    },
    stopped(error) {
      failing.set(1, labels);
      logger.error({ log, error }, 'The log refuses records until the disk takes them again.');
    },
    probeFailed(error) {
      logger.debug({ log, error }, 'The disk still refuses the log.');
    },
    resumed(failedMs) {
      failing.set(0, labels);
      logger.warn({ log, failedMs }, 'The log takes records again.');
    },
    cleanupFailed(error) {
      logger.warn(
        { log, error },
        'A file that no longer counts could not be cleaned up; the next start does it.',
      );
    },
    sealed(fields) {
      logger.info({ log, ...fields }, 'A segment is sealed.');
    },
    sealFailed(error, first) {
      sealFailures();
      logger.warn({ log, error, first }, 'A segment could not be sealed; it is tried again.');
    },
    damageFound(fields) {
      damaged(fields.last - fields.first + 1);
      logger.error(
        { log, ...fields },
        'Records of the log are damaged and cannot be read; all others can. Restore from a backup.',
      );
    },
    trimmed(fields) {
      trimmedBytes(fields.bytes);
      logger.info({ log, ...fields }, 'Retention deleted a segment and left its tombstone.');
    },
    rewritten(fields) {
      rewrites(fields.records);
      logger.info({ log, ...fields }, 'Records were rewritten.');
    },
    nearlyFull(fields) {
      logger.warn({ log, ...fields }, 'The log nears its limit of bytes.');
    },
    sized(total, end) {
      bytes.set(total, labels);
      position.set(end, labels);
    },
    closed(end) {
      logger.info({ log, end }, 'The log is closed.');
    },
  };
}
