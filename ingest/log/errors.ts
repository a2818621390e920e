import { CodedError, errorsOf, type ErrorTable } from '../../devices/coded-error.ts';
import { systemCode } from './file-system.ts';

export const logErrors = {
  LOG_OWNED: {
    message: 'Another process owns this log.',
    meaning: 'A server or a tool has the folder open. Stop it, or speak to it over its socket.',
    canRetry: true,
  },
  LOG_VERSION: {
    message: 'A file of the log has a format version that this program does not know.',
    meaning: 'The folder was written by a newer program. Nothing was changed; use that program.',
    canRetry: false,
  },
  LOG_HEADER_DAMAGED: {
    message: 'Both copies of the header of a segment are damaged.',
    meaning: 'The segment cannot be read. Restore this file from a backup and run verify.',
    canRetry: false,
  },
  LOG_RECORD_DAMAGED: {
    message: 'Records of the log are damaged.',
    meaning:
      'The bytes at the named positions are not what was written; all others are readable. Restore the file from a backup and run verify.',
    canRetry: false,
  },
  LOG_SEGMENT_MISSING: {
    message: 'A segment of the log is missing.',
    meaning: 'A file was removed by hand. Restore it from a backup and run verify.',
    canRetry: false,
  },
  LOG_SEAL_DAMAGED: {
    message: 'A seal of the log is damaged.',
    meaning:
      'The proof of one segment cannot be read; its records can. Restore the file, or remove it: the next start makes it anew.',
    canRetry: false,
  },
  LOG_SHORTENED: {
    message: 'The log ends before a position that it has already reached.',
    meaning:
      'The newest segments were removed or cut. Restore the folder from a backup: going on would give old positions to new records.',
    canRetry: false,
  },
  LOG_READ_FAILED: {
    message: 'The log could not be read.',
    meaning: 'The disk answered an error. Try again; if it stays, the disk is failing.',
    canRetry: true,
  },
  LOG_WRITE_FAILED: {
    message: 'The log could not be written.',
    meaning:
      'The disk answered an error; nothing was promised for this record. The log tries again by itself.',
    canRetry: true,
  },
  LOG_DISK_FULL: {
    message: 'The disk of the log is full.',
    meaning:
      'Nothing was promised for this record. The log goes on by itself within seconds once there is space.',
    canRetry: true,
  },
  LOG_FULL: {
    message: 'The log has reached its limit of bytes.',
    meaning:
      'Retention may not delete more yet. Raise the limit, shorten the retention, or find out why the consumer does not move on.',
    canRetry: true,
  },
  LOG_SATURATED: {
    message: 'Too many records wait to be written.',
    meaning: 'The caller went on while the log said it was saturated. Slow down and try again.',
    canRetry: true,
  },
  LOG_RECORD_TOO_LARGE: {
    message: 'A record is larger than the log takes.',
    meaning: 'The limit is the named key of the configuration.',
    canRetry: false,
  },
  LOG_CLOSED: {
    message: 'The log is closed.',
    meaning: 'The server is stopping; nothing was promised for this record.',
    canRetry: false,
  },
  LOG_POSITION_UNKNOWN: {
    message: 'The log holds no record at this position.',
    meaning: 'It was deleted by retention, or has not been written yet.',
    canRetry: false,
  },
  LOG_READING_UNKNOWN: {
    message: 'A record of the log is not a reading that this program knows.',
    meaning: 'It was written by a newer program, or the folder is not that of readings.',
    canRetry: false,
  },
} as const satisfies ErrorTable;

export const logError = errorsOf(logErrors);

/** What the disk answered to a write, by name. */
export function writeFailure(cause: unknown): CodedError {
  if (cause instanceof CodedError) return cause;
  const systemName = systemCode(cause);
  const isFull = systemName === 'ENOSPC' || systemName === 'EDQUOT';
  return logError(isFull ? 'LOG_DISK_FULL' : 'LOG_WRITE_FAILED', { systemName }, cause);
}
