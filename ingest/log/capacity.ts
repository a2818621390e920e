import type { CodedError } from '../../devices/coded-error.ts';
import type { LogRetention } from './config.ts';
import { logError } from './errors.ts';
import type { LogEvents } from './events.ts';

/** How full the log may become: a warning first, then refusal by name, then room again. */
export interface Capacity {
  /** Null while a log of `bytes` may become that large. */
  refusalAt(bytes: number): CodedError | null;
  /** Tells of the log's size as it is; lifts a refusal once there is room for `marginBytes` more. */
  update(bytes: number, waitingBytes: number): void;
  /** Set while the log is full. */
  readonly error: CodedError | null;
}

/** Room that must be there before a full log takes records again, so that it does not flicker. */
const marginBytes = 1_024;

export function createCapacity(
  retention: LogRetention,
  events: LogEvents,
  onChange: () => void,
): Capacity {
  const { totalBytesMax, warnBytesMax } = retention;
  let error: CodedError | null = null;
  let hasWarned = false;
  return {
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
