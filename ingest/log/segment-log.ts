/**
 * The log: what "accepted means kept" rests on. A folder of segment files that one owner appends to
 * and many readers follow; `readings` and `observations` are both such logs.
 *
 * FORMAT (little-endian; segment-format.ts, seal.ts)
 *
 *   folder    := segment* · seal* · tombstone* · end · owner.lock
 *   segment   := "<first position, 16 digits>.segment": header [256] · record*
 *   header    := 2 × (magic · version · salt · first position · openedAt · base (reserved) · CRC)
 *   record    := crc u32 · bytes u32 · position u32 · flags u8 · body [bytes]      13 bytes + body
 *   flags     := 1 first of its commit · 2 rewritten (body: original hash [32] · reason · new body)
 *   seal      := "<first>.seal": first, last, SHA-256 over the records' SHA-256, chain
 *   tombstone := "<first>.tombstone": when and why retention deleted a segment, and its seal
 *   end       := a position that the log is known to have reached
 *
 * CRC-32C begins with the salt, a random number of the log, and covers length, position, flags and
 * body. So a record stands for itself: nothing else is needed to find, check and place it. There is
 * no index; a position is found by halving (about 11 reads of 64 KiB in 128 MiB).
 *
 * INVARIANTS
 *
 *   1. Positions begin at 1, have no holes and are never used twice for what was promised.
 *   2. `done(null)` for a record comes after write and fdatasync of it and of all before it; its
 *      segment's header and name were synced before that.
 *   3. A commit is written only after the one before it was synced. Its first record says so.
 *   4. A segment ends where the next one begins: a record whose position is not below the next
 *      segment's first was never promised, and nobody reads it.
 *   5. A descriptor whose write or sync failed is never used again. What was promised is left, what
 *      was not is cut, the unacknowledged is written once more to a new segment; if that fails too
 *      it is answered with an error and may exist or not: at least once, never lost.
 *   6. Readers look only at bytes that were durable before they read them.
 *   7. The open segment may be longer than what is written, by zeros; a record never begins with them.
 *   8. Closed segments change only by whole replacement (rename), and go only behind a tombstone.
 *      Seals do not change: a rewritten record carries the hash of what it was.
 *   9. Bounds: waiting bytes 2 × pendingBytesMax, a record recordBytesMax, the log totalBytesMax.
 *
 * RECOVERY (recovery.ts; the time is that of reading the last segment once)
 *
 *   - Unfinished files (`.new`), segments behind their tombstone and a last segment without a whole
 *     header are removed: nothing in them was promised.
 *   - The last segment is read from its start. Where its bytes stop being records: if a first of a
 *     commit stands behind, or `end` or a seal lies behind, that is damage to promised records; it is
 *     kept, named, and the log goes on behind it. Else it is a torn tail: cut and reported.
 *   - The last commit is written and synced once more before it counts: a process that died after a
 *     failed sync leaves pages that the system calls clean and that are not on the disk.
 *   - A log shorter than `end` or its newest seal is refused by name: positions must not be reused.
 *
 * FAILURE. Write, sync or open answers an error: rule 5. If the second try fails as well the log
 * refuses at once (LOG_DISK_FULL, LOG_WRITE_FAILED), says so through `onState`, and probes every
 * `probeIntervalMs` with a new segment; the first that can be made durable ends it. Reading goes on.
 */
import type { Clock } from '../../devices/clock.ts';
import type { Random } from '../../devices/random.ts';
import type { Telemetry } from '../../devices/telemetry.ts';
import type { LogConfig, LogRetention } from './config.ts';
import { createCrc32c } from './crc32c.ts';
import type { SharedDurableEnd } from './durable-end.ts';
import { createLogEvents } from './events.ts';
import type { FileSystem } from './file-system.ts';
import type { Position } from './log.ts';
import type { OwnerLock } from './owner-lock.ts';
import { recoverLog } from './recovery.ts';
import { listFolder } from './segment-folder.ts';
import { SegmentReader, type SegmentLogReader } from './segment-reader.ts';
import type { LogState, SegmentLogWriter } from './segment-writer.ts';
import { SegmentAppender } from './segment-appender.ts';

export interface LogWriterOptions {
  readonly fileSystem: FileSystem;
  readonly directory: string;
  /** `readings` or `observations`: names the log in lines and metrics. */
  readonly name: string;
  readonly config: LogConfig;
  /** None: everything is kept and the disk is the bound. */
  readonly retention?: LogRetention;
  readonly clock: Clock;
  readonly random: Random;
  readonly telemetry: Telemetry;
  /** Readers in any thread make theirs over the same buffer. */
  readonly durableEnd: SharedDurableEnd;
  /** Makes this the one owner of the folder or throws LOG_OWNED; null where nobody else can be. */
  readonly lock: ((directory: string) => OwnerLock) | null;
  /** Called whenever the log starts or stops to take records. */
  readonly onState?: (state: LogState) => void;
}

const keepEverything: LogRetention = {
  retainMs: null,
  retainBytesMax: null,
  warnBytesMax: null,
  totalBytesMax: null,
};

/**
 * Opens a log for appending: becomes its owner, recovers it, and moves the durable end to where the
 * log ends. Rejects with LOG_OWNED, LOG_SHORTENED, LOG_VERSION, LOG_HEADER_DAMAGED, or the disk's error.
 */
export async function openLogWriter(options: LogWriterOptions): Promise<SegmentLogWriter> {
  const { fileSystem, directory, random, durableEnd } = options;
  await fileSystem.makeDirectory(directory);
  const lock = options.lock?.(directory) ?? null;
  try {
    const folder = { fileSystem, directory, crc32c: createCrc32c() };
    const recovered = await recoverLog(folder);
    const events = createLogEvents(options.telemetry, options.name);
    events.recovered(recovered.report);
    const writer = new SegmentAppender({
      folder,
      recovered,
      durableEnd,
      events,
      lock,
      config: options.config,
      retention: options.retention ?? keepEverything,
      clock: options.clock,
      onState: options.onState ?? (() => undefined),
      salt: Math.floor(random.next() * 2 ** 32),
    });
    const segments = recovered.closed.length + (recovered.open === null ? 0 : 1);
    events.opened({ end: recovered.end, segments, bytes: writer.bytes });
    return writer;
  } catch (error) {
    lock?.release();
    throw error;
  }
}

export interface LogReaderOptions {
  readonly fileSystem: FileSystem;
  readonly directory: string;
  readonly durableEnd: SharedDurableEnd;
  /** First position to read; none: the first kept. */
  readonly from?: Position;
}

/** Opens a log for reading; any number of readers, in any thread, beside the owner. */
export async function openLogReader(options: LogReaderOptions): Promise<SegmentLogReader> {
  const { fileSystem, directory, durableEnd } = options;
  const folder = { fileSystem, directory, crc32c: createCrc32c() };
  const generation = durableEnd.generation();
  const { segments } = await listFolder(folder);
  const from = Math.max(options.from ?? 1, segments[0] ?? 1);
  return new SegmentReader({ folder, durableEnd, segments, generation, from });
}
