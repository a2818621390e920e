import type { CodedError } from '../../devices/coded-error.ts';
import type { LogConfig, LogRetention } from './config.ts';
import { logError } from './errors.ts';
import type { LogEvents } from './events.ts';

/** How full the log may become: a warning first, then refusal by name, then room again. */
export interface Capacity {
  /** Tells of the disk's free bytes as they are: a warning before they end. */
  noteFree(freeBytes: number): void;
  /** Null while a log of `bytes` may become that large. */
  refusalAt(bytes: number): CodedError | null;
  /** Tells of the log's size as it is; lifts a refusal once there is room for `marginBytes` more. */
  update(bytes: number, waitingBytes: number): void;
  /** Set while the log is full. */
  readonly error: CodedError | null;
}

/** Share of its limit at which a full log warns where the operator gave no other. */
const warnShare = 0.9;

/** Room that must be there before a full log takes records again, so that it does not flicker. */
const marginBytes = 1_024;

export function createCapacity(
  limits: LogRetention & Pick<LogConfig, 'warnFreeBytesMin'>,
  events: LogEvents,
  onChange: () => void,
): Capacity {
  const { totalBytesMax, warnFreeBytesMin } = limits;
  const warnBytesMax =
    limits.warnBytesMax ?? (totalBytesMax === null ? null : Math.floor(totalBytesMax * warnShare));
  let error: CodedError | null = null;
  let hasWarned = false;
  let hasWarnedOfDisk = false;
  return {
    noteFree(freeBytes) {
      const isScarce = freeBytes < warnFreeBytesMin;
      events.diskSized(freeBytes);
      if (isScarce && !hasWarnedOfDisk) events.diskNearlyFull({ freeBytes, warnFreeBytesMin });
      hasWarnedOfDisk = isScarce;
    },
    get error() {
      return error;
    },
    refusalAt(bytes) {
      if (totalBytesMax === null || bytes <= totalBytesMax) return null;
      if (error === null) {
        error = logError('LOG_FULL', { totalBytesMax });
        events.stopped(error);
        onChange();
      }
      return error;
    },
    update(bytes, waitingBytes) {
      if (warnBytesMax !== null && bytes > warnBytesMax && !hasWarned) {
        events.nearlyFull({ bytes, warnBytesMax });
      }
      hasWarned = warnBytesMax !== null && bytes > warnBytesMax;
      if (error === null || totalBytesMax === null) return;
      if (bytes + waitingBytes + marginBytes > totalBytesMax) return;
      error = null;
      events.resumed(0);
      onChange();
    },
  };
}
