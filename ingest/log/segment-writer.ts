import type { CodedError } from '../../devices/coded-error.ts';
import type { LogWriter, Position } from './log.ts';
import type { Rewrite } from './rewrite-segment.ts';

/** Whether the log takes records; `error` says why not. */
export type LogState =
  | { readonly status: 'healthy' }
  | { readonly status: 'failing'; readonly error: CodedError };

/** The writer of segment files: the port, and what the owner of a log needs besides. */
export interface SegmentLogWriter extends LogWriter {
  readonly state: LogState;
  /** Bytes of all segment files. */
  readonly bytes: number;
  /** First position that is kept; one beyond the end for a log that holds none. */
  readonly firstPosition: Position;
  /**
   * Replaces the bodies of chosen records, each segment crash-safely by itself: after a loss of
   * power repeat the call. Positions and hashes of the originals stay; open readers see the new
   * bodies from their next read on. Resolves with the count of records replaced.
   */
  rewrite(rewrite: Rewrite): Promise<number>;
  /** Applies the retention policy, given how far the consumer has settled durably. */
  retain(consumed: Position): Promise<void>;
  /** Resolves once every closed segment is sealed, or sealing failed. */
  sealed(): Promise<void>;
}
