import type { Telemetry } from '../../devices/telemetry.ts';
import type { Position } from './log.ts';
import type { RecoveryReport } from './recovery.ts';

interface Stretch {
  readonly first: Position;
  readonly last: Position;
}

interface CommitEvents {
  readonly committed: (commit: {
    readonly records: number;
    readonly bytes: number;
    readonly tookMs: number;
  }) => void;
  /** The disk refused a commit; it is about to be written again to a new segment. */
  readonly commitFailed: (error: unknown, records: number) => void;
  readonly stopped: (error: Error) => void;
  readonly probeFailed: (error: unknown) => void;
  readonly resumed: (failedMs: number) => void;
  readonly sized: (bytes: number, end: Position) => void;
  readonly nearlyFull: (fields: { readonly bytes: number; readonly warnBytesMax: number }) => void;
  readonly diskSized: (freeBytes: number) => void;
  readonly diskNearlyFull: (fields: {
    readonly freeBytes: number;
    readonly warnFreeBytesMin: number;
  }) => void;
}

interface FileEvents {
  readonly opened: (fields: {
    readonly end: Position;
    readonly segments: number;
    readonly bytes: number;
  }) => void;
  readonly closed: (end: Position) => void;
  readonly recovered: (report: RecoveryReport) => void;
  readonly damageFound: (stretch: Stretch) => void;
  readonly cleanupFailed: (error: unknown) => void;
  readonly sealed: (stretch: Stretch) => void;
  readonly sealFailed: (error: unknown, first: Position) => void;
  readonly trimmed: (segment: Stretch & { readonly bytes: number }) => void;
  readonly rewritten: (fields: { readonly records: number; readonly reason: string }) => void;
}

/** Everything that a log says and counts, one function an occurrence. */
export type LogEvents = CommitEvents & FileEvents;

/** `log` is the log's name, a label of all its metrics: `readings` or `observations`. */
export function createLogEvents(telemetry: Telemetry, log: string): LogEvents {
  return { ...createCommitEvents(telemetry, log), ...createFileEvents(telemetry, log) };
}

const commitSeconds = [0.000_1, 0.000_3, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10];
const secondMs = 1_000;

function counterOf(telemetry: Telemetry, log: string) {
  return (name: string, help: string): ((by: number) => void) => {
    const counter = telemetry.metrics.counter(`quantrac_log_${name}_total`, help, ['log']);
    return (by) => counter.increase(by, { log });
  };
}

function createCommitEvents(telemetry: Telemetry, log: string): CommitEvents {
  const { logger, metrics } = telemetry;
  const counter = counterOf(telemetry, log);
  const records = counter('records', 'Records made durable.');
  const written = counter('written_bytes', 'Bytes made durable.');
  const commits = counter('commits', 'Commits: one write and one flush each.');
  const failures = counter('commit_failures', 'Commits that the disk refused.');
  const failing = metrics.gauge('quantrac_log_failing', '1 while the log refuses records.', [
    'log',
  ]);
  const bytes = metrics.gauge('quantrac_log_bytes', 'Bytes of all segments.', ['log']);
  const free = metrics.gauge('quantrac_disk_free_bytes', 'Free bytes of the disk of the log.', [
    'log',
  ]);
  const end = metrics.gauge('quantrac_log_end_position', 'Greatest durable position.', ['log']);
  const duration = metrics.histogram(
    `quantrac_log_${log}_commit_seconds`,
    'Write and flush of one commit.',
    commitSeconds,
  );
  return {
    committed(commit) {
      records(commit.records);
      written(commit.bytes);
      commits(1);
      duration.observe(commit.tookMs / secondMs);
    },
    commitFailed(error, count) {
      failures(1);
      logger.warn(
        { log, error, records: count },
        'The disk refused a commit; it is written again to a new segment.',
      );
    },
    stopped(error) {
      failing.set(1, { log });
      logger.error(
        { log, error },
        'The log refuses records until there is room and the disk works.',
      );
    },
    probeFailed(error) {
      logger.debug({ log, error }, 'The disk still refuses the log.');
    },
    resumed(failedMs) {
      failing.set(0, { log });
      logger.warn({ log, failedMs }, 'The log takes records again.');
    },
    sized(total, position) {
      bytes.set(total, { log });
      end.set(position, { log });
    },
    nearlyFull(fields) {
      logger.warn({ log, ...fields }, 'The log nears its limit of bytes.');
    },
    diskSized: (freeBytes) => free.set(freeBytes, { log }),
    diskNearlyFull(fields) {
      logger.warn(
        { log, ...fields },
        'The disk is nearly full: make room, or acknowledgements will stop.',
      );
    },
  };
}

function createFileEvents(telemetry: Telemetry, log: string): FileEvents {
  const { logger } = telemetry;
  const counter = counterOf(telemetry, log);
  const torn = counter('torn_bytes', 'Bytes of unpromised tails cut at start.');
  const damaged = counter('damaged_records', 'Records found damaged.');
  const trimmedBytes = counter('trimmed_bytes', 'Bytes deleted by retention.');
  const rewrites = counter('rewritten_records', 'Records whose body a lawful erasure replaced.');
  const sealFailures = counter('seal_failures', 'Attempts to seal a segment that failed.');

  function damageFound(stretch: Stretch): void {
    damaged(stretch.last - stretch.first + 1);
    logger.error(
      { log, ...stretch },
      'Records of the log are damaged and cannot be read; all others can. Restore from a backup.',
    );
  }

  return {
    damageFound,
    opened: (fields) => logger.info({ log, ...fields }, 'The log is open.'),
    closed: (end) => logger.info({ log, end }, 'The log is closed.'),
    recovered({ tornBytes, tornPosition, removed, damaged: holes }) {
      torn(tornBytes);
      for (const hole of holes) damageFound(hole);
      if (tornBytes === 0 && removed.length === 0) return;
      logger.warn(
        { log, tornBytes, tornPosition, removed },
        'Unfinished writes of the last run were cut; none of them had been acknowledged.',
      );
    },
    cleanupFailed(error) {
      logger.warn(
        { log, error },
        'A file that no longer counts could not be cleaned up; the next start does it.',
      );
    },
    sealed: (stretch) => logger.info({ log, ...stretch }, 'A segment is sealed.'),
    sealFailed(error, first) {
      sealFailures(1);
      logger.warn({ log, error, first }, 'A segment could not be sealed; it is tried again.');
    },
    trimmed(segment) {
      trimmedBytes(segment.bytes);
      logger.info({ log, ...segment }, 'Retention deleted a segment and left its tombstone.');
    },
    rewritten(fields) {
      rewrites(fields.records);
      logger.info({ log, ...fields }, 'Records were rewritten.');
    },
  };
}
