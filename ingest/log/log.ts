/**
 * A durable log of records: the port that carries both `readings` and `observations`. Embedded, it
 * is segment files; in the cluster, Kafka topics. One contract suite (`log.contract.ts`).
 */

/** The number of a record in its log: 1 for the first, without holes, never reused. */
export type Position = number;

export interface LogRecord {
  readonly position: Position;
  /** A view of a buffer that belongs to the caller until the next `read` of the same reader. */
  readonly body: Buffer;
  /** The body was replaced by `rewrite`; the original's hash is kept in the log. */
  readonly rewritten: boolean;
}

/** How far a log is on stable storage, shared between threads. */
export interface DurableEnd {
  /** The greatest durable position; 0 for an empty log. */
  get(): Position;
  /** Resolves once `get()` is greater than `position`, or the signal aborts. Never rejects. */
  waitBeyond(position: Position, signal?: AbortSignal): Promise<void>;
}

export interface LogWriter {
  readonly durableEnd: DurableEnd;
  /**
   * Adds a record of `sizeBytes` that `fill` writes into `target` from offset `at`. `done(null, p)`
   * is called once the record survives a loss of power (group commit: write, fdatasync), in the
   * order of the calls; `done(error)` when nothing was promised: the record may be found later or
   * not, and the caller may try again (at least once). `fill` is called before `append` returns, or
   * not at all where `append` refuses at once.
   */
  append(
    sizeBytes: number,
    fill: (target: Buffer, at: number) => void,
    done: (error: Error | null, position: Position) => void,
  ): void;
  /** True while records wait unwritten beyond `pendingBytesMax`: the caller should stop reading. */
  readonly saturated: boolean;
  /** Deletes sealed segments wholly before `position`, leaving a tombstone in the chain. */
  trimBefore(position: Position): Promise<void>;
  /** Waits for what was appended, then closes. */
  close(): Promise<void>;
}

export interface LogReader {
  /** Position of the record that `read` gives next. */
  readonly next: Position;
  /**
   * Records from `next` on that are durable, at most about `bytesMax` bytes (at least one record if
   * there is one); empty at the durable end. Rejects with LOG_… codes for a damaged record, after
   * which `skipDamaged` goes on behind it.
   */
  read(bytesMax: number): Promise<readonly LogRecord[]>;
  /**
   * Goes on behind the damage that the last `read` rejected for, and says which positions cannot be
   * read. Null when the last `read` did not reject for damage: nothing is skipped.
   */
  skipDamaged(): Promise<{ readonly first: Position; readonly last: Position } | null>;
  /** Moves to another position; a position before the first kept one is moved to that. */
  seek(position: Position): void;
  close(): Promise<void>;
}
