import type { Clock, Scheduled } from '../../devices/clock.ts';
import { sleep } from '../../devices/clock.ts';
import type { CodedError } from '../../devices/coded-error.ts';
import { createCapacity, type Capacity } from './capacity.ts';
import { CommitBatch, type Done } from './commit-batch.ts';
import type { LogConfig, LogRetention } from './config.ts';
import type { SharedDurableEnd } from './durable-end.ts';
import { logError, writeFailure } from './errors.ts';
import type { LogEvents } from './events.ts';
import { writeWhole } from './file-system.ts';
import type { Position } from './log.ts';
import { Maintenance } from './maintenance.ts';
import { abandonSegment, allocateAhead, createSegment, type OpenSegment } from './open-segment.ts';
import type { OwnerLock } from './owner-lock.ts';
import { writeEnd, type ClosedSegment, type Recovered } from './recovery.ts';
import type { Rewrite } from './rewrite-segment.ts';
import type { LogState, SegmentLogWriter } from './segment-writer.ts';
import { headerBytes, recordHeaderBytes } from './segment-format.ts';
import type { LogFolder } from './segment-folder.ts';

export interface SegmentAppenderOptions {
  readonly folder: LogFolder;
  readonly config: LogConfig;
  readonly retention: LogRetention;
  readonly clock: Clock;
  readonly durableEnd: SharedDurableEnd;
  readonly events: LogEvents;
  readonly onState: (state: LogState) => void;
  readonly lock: OwnerLock | null;
  readonly salt: number;
  readonly recovered: Recovered;
}

/** What is deleted goes by whole segments: a log that is to be small has small ones. */
function segmentBytesMaxOf(limits: LogConfig & LogRetention): number {
  const keptBytesMax = limits.retainBytesMax ?? limits.totalBytesMax ?? Infinity;
  return Math.min(limits.segmentBytesMax, Math.floor(keptBytesMax / segmentsOfKept));
}

const segmentsOfKept = 4;

/** Space is made ahead only where at least so many commits fit in it. */
const allocateCommitsMin = 8;

export class SegmentAppender implements SegmentLogWriter {
  readonly durableEnd: SharedDurableEnd;

  readonly #options: SegmentAppenderOptions;
  readonly #closed: ClosedSegment[];
  readonly #maintenance: Maintenance;
  readonly #capacity: Capacity;
  readonly #record: {
    position: Position;
    readonly crc32c: LogFolder['crc32c'];
    readonly salt: number;
  };
  #segment: OpenSegment | null;
  readonly #segmentBytesMax: number;
  #closedBytes = 0;

  /** Collects appends; the other one is being written, or empty. */
  #pending: CommitBatch;
  #inFlight: CommitBatch;
  #zeros: Buffer = Buffer.alloc(0);
  #isCommitting = false;
  #idle: (() => void)[] = [];
  /** Work that needs the open segment for itself, done between two commits. */
  #between: (() => Promise<void>)[] = [];

  /** Why appends are answered with an error at once; null when they are taken. */
  #refusal: CodedError | null = null;
  #failedAtMs = 0;
  #probe: Scheduled | null = null;
  #probing: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(options: SegmentAppenderOptions) {
    const { folder, recovered, durableEnd } = options;
    this.#options = options;
    this.#pending = new CommitBatch(2 * options.config.pendingBytesMax);
    this.#inFlight = new CommitBatch(2 * options.config.pendingBytesMax);
    this.durableEnd = durableEnd;
    this.#closed = recovered.closed;
    this.#segment = recovered.open;
    this.#record = {
      position: recovered.end + 1,
      crc32c: folder.crc32c,
      salt: recovered.salt ?? options.salt,
    };
    const limits = { ...options.config, ...options.retention };
    this.#capacity = createCapacity(limits, options.events, () => options.onState(this.state));
    this.#segmentBytesMax = segmentBytesMaxOf(limits);
    this.#maintenance = new Maintenance({
      ...options,
      closed: this.#closed,
      onSizeChanged: () => this.#sizeChanged(),
    });
    this.#countClosed();
    durableEnd.advance(recovered.end);
    this.#maintenance.sealSoon();
  }

  get state(): LogState {
    const error = this.#refusal ?? this.#capacity.error;
    return error === null ? { status: 'healthy' } : { status: 'failing', error };
  }

  get bytes(): number {
    return this.#closedBytes + (this.#segment?.bytes ?? 0);
  }

  get firstPosition(): Position {
    return this.#closed[0]?.first ?? this.#segment?.first ?? this.durableEnd.get() + 1;
  }

  get saturated(): boolean {
    return this.#waitingBytes > this.#options.config.pendingBytesMax;
  }

  get #waitingBytes(): number {
    return this.#pending.usedBytes + this.#inFlight.usedBytes;
  }

  append(sizeBytes: number, fill: (target: Buffer, at: number) => void, done: Done): void {
    const refusal = this.#refusalOf(sizeBytes);
    if (refusal === null) {
      this.#pending.add(sizeBytes, fill, done, this.#record);
      this.#record.position++;
    } else {
      this.#pending.refuse(done, refusal);
    }
    if (!this.#isCommitting) this.#startCommitting();
  }

  #refusalOf(sizeBytes: number): CodedError | null {
    const { config } = this.#options;
    if (this.#refusal !== null) return this.#refusal;
    if (sizeBytes > config.recordBytesMax) {
      return logError('LOG_RECORD_TOO_LARGE', { sizeBytes, recordBytesMax: config.recordBytesMax });
    }
    const waiting = this.#waitingBytes;
    if (waiting > 0 && waiting + sizeBytes > 2 * config.pendingBytesMax) {
      return logError('LOG_SATURATED', { waitingBytes: waiting });
    }
    return this.#capacity.refusalAt(this.bytes + waiting + recordHeaderBytes + sizeBytes);
  }

  /** Starts after the caller's own turn, so that what it appends in a row goes into one commit. */
  #startCommitting(): void {
    this.#isCommitting = true;
    queueMicrotask(() => void this.#commitAll());
  }

  async #commitAll(): Promise<void> {
    while (!this.#pending.isEmpty || this.#between.length > 0) {
      for (let work = this.#between.shift(); work !== undefined; work = this.#between.shift()) {
        await work();
      }
      const batch = this.#pending;
      this.#pending = this.#inFlight;
      this.#inFlight = batch;
      const failure = batch.count === 0 ? null : await this.#commit(batch);
      if (failure === null) this.#settle(batch, null);
      else this.#stop(failure);
    }
    this.#isCommitting = false;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** Null: durable. A batch that the disk refused is tried once more in a new segment. */
  async #commit(batch: CommitBatch): Promise<CodedError | null> {
    const { events, clock } = this.#options;
    const startedMs = clock.monotonicMs();
    try {
      await this.#write(batch);
    } catch (first) {
      events.commitFailed(first, batch.count);
      await this.#abandon();
      try {
        await this.#write(batch);
      } catch (second) {
        await this.#abandon();
        return writeFailure(second);
      }
    }
    const tookMs = clock.monotonicMs() - startedMs;
    this.durableEnd.advance(batch.firstPosition + batch.count - 1);
    events.committed({ records: batch.count, bytes: batch.usedBytes, tookMs });
    this.#sizeChanged();
    return null;
  }

  async #write(batch: CommitBatch): Promise<void> {
    const { config, clock } = this.#options;
    if (this.#segment !== null && this.#isOver(this.#segment, batch.usedBytes)) {
      await this.#closeSegment();
    }
    this.#segment ??= await this.#openSegment();
    const segment = this.#segment;
    await writeWhole(segment.file, batch.buffer, batch.usedBytes, segment.bytes);
    await allocateAhead(segment, segment.bytes + batch.usedBytes, this.#zerosBehind(batch));
    if (config.sync === 'each') await segment.file.sync();
    if (config.commitDelayMs > 0) await sleep(clock, config.commitDelayMs);
    segment.bytes += batch.usedBytes;
  }

  /** As many zeros as the file shall grow behind this batch; large commits gain nothing by it. */
  #zerosBehind(batch: CommitBatch): Buffer {
    const { allocateBytesMax } = this.#options.config;
    if (batch.usedBytes > allocateBytesMax / allocateCommitsMin) return this.#zeros.subarray(0, 0);
    if (this.#zeros.length === 0) this.#zeros = Buffer.alloc(allocateBytesMax);
    const end = (this.#segment?.bytes ?? 0) + batch.usedBytes;
    return this.#zeros.subarray(0, Math.max(0, this.#segmentBytesMax - end));
  }

  #isOver(segment: OpenSegment, moreBytes: number): boolean {
    const { config, clock } = this.#options;
    if (segment.bytes === headerBytes) return false;
    return (
      segment.bytes + moreBytes > this.#segmentBytesMax ||
      clock.now() - segment.openedAt > config.segmentAgeMsMax
    );
  }

  #openSegment(): Promise<OpenSegment> {
    const { folder, clock, events } = this.#options;
    return createSegment(
      folder,
      {
        first: this.durableEnd.get() + 1,
        salt: this.#record.salt,
        openedAt: clock.now(),
        base: null,
      },
      (error) => events.cleanupFailed(error),
    );
  }

  /** Everything in it is durable: it only leaves the hand. */
  async #closeSegment(): Promise<void> {
    const segment = this.#segment;
    if (segment === null || segment.bytes === headerBytes) return;
    this.#segment = null;
    this.#noteClosed(segment);
    await segment.file.close();
  }

  #noteClosed(segment: OpenSegment): void {
    const { first, bytes } = segment;
    this.#closed.push({ first, last: this.durableEnd.get(), bytes, sealed: false });
    this.#countClosed();
    this.#maintenance.sealSoon();
  }

  #countClosed(): void {
    this.#closedBytes = this.#closed.reduce((sum, one) => sum + one.bytes, 0);
  }

  async #abandon(): Promise<void> {
    const segment = this.#segment;
    if (segment === null) return;
    const { folder, events } = this.#options;
    this.#segment = null;
    const isEmpty = segment.first > this.durableEnd.get();
    if (!isEmpty) this.#noteClosed(segment);
    // A reader may hold bytes of this file that will never count.
    this.durableEnd.renew();
    await abandonSegment(folder, segment, isEmpty).catch((error: unknown) =>
      events.cleanupFailed(error),
    );
  }

  /** Answers everything that waits, in order, and refuses from here on until a probe succeeds. */
  #stop(failure: CodedError): void {
    this.#refusal = failure;
    this.#failedAtMs = this.#options.clock.monotonicMs();
    this.#record.position = this.durableEnd.get() + 1;
    this.#options.events.stopped(failure);
    this.#options.onState(this.state);
    this.#settle(this.#inFlight, failure);
    this.#settle(this.#pending, failure);
    this.#scheduleProbe();
  }

  /** A `done` that throws is a broken invariant of its caller: the others are answered first. */
  #settle(batch: CommitBatch, error: CodedError | null): void {
    for (const problem of batch.settle(error)) {
      queueMicrotask(() => {
        throw problem;
      });
    }
  }

  #scheduleProbe(): void {
    const { clock, config } = this.#options;
    if (this.#isClosed) return;
    this.#probe = clock.schedule(config.probeIntervalMs, () => {
      this.#probing = this.#runProbe();
    });
  }

  async #runProbe(): Promise<void> {
    const { folder, config, events, clock, onState } = this.#options;
    try {
      const free = await folder.fileSystem.freeBytes(folder.directory);
      if (free < config.resumeFreeBytesMin) return this.#scheduleProbe();
      this.#segment = await this.#openSegment();
    } catch (error) {
      events.probeFailed(error);
      return this.#scheduleProbe();
    }
    this.#refusal = null;
    events.resumed(clock.monotonicMs() - this.#failedAtMs);
    onState(this.state);
    this.#maintenance.sealSoon();
  }

  /** Called by maintenance too, when closed segments became smaller or went. */
  #sizeChanged(): void {
    this.#countClosed();
    this.#options.events.sized(this.bytes, this.durableEnd.get());
    this.#capacity.update(this.bytes, this.#waitingBytes);
  }

  async rewrite(rewrite: Rewrite): Promise<number> {
    const end = this.durableEnd.get();
    if (this.#isClosed) throw logError('LOG_CLOSED');
    for (const position of rewrite.positions) {
      if (position > end) throw logError('LOG_POSITION_UNKNOWN', { position, end });
    }
    await this.#betweenCommits(() => this.#closeSegment());
    return this.#maintenance.rewrite(rewrite);
  }

  trimBefore(position: Position): Promise<void> {
    return this.#maintenance.trimBefore(position, 'trimmed');
  }

  /** The open segment is closed where it stands in the way: nothing may come that would do it. */
  async retain(consumed: Position): Promise<void> {
    const { folder, events } = this.#options;
    if (this.#isClosed) return;
    const free = folder.fileSystem.freeBytes(folder.directory);
    await free.then((bytes) => this.#capacity.noteFree(bytes), events.cleanupFailed);
    // A log that was closed meanwhile may have another owner.
    if (this.#isClosed) return;
    const isInTheWay = (segment: OpenSegment) =>
      this.#capacity.error !== null || this.#isOver(segment, 0);
    if (this.#segment !== null && isInTheWay(this.#segment)) {
      await this.#betweenCommits(() => this.#closeSegment());
    }
    await this.#maintenance.retain(consumed, () => this.bytes);
  }

  sealed(): Promise<void> {
    return this.#maintenance.settled();
  }

  /** Runs while no commit does, in line with them. */
  #betweenCommits(work: () => Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#between.push(() => work().then(resolve, reject));
      if (!this.#isCommitting) this.#startCommitting();
    });
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#refusal ??= logError('LOG_CLOSED');
    if (this.#isCommitting) await new Promise<void>((resolve) => this.#idle.push(resolve));
    this.#probe?.cancel();
    await this.#probing;
    await this.#maintenance.close();
    const { folder, events, lock } = this.#options;
    const end = this.durableEnd.get();
    if (end > 0) await writeEnd(folder, end).catch((error: unknown) => events.cleanupFailed(error));
    await this.#leaveSegment().catch((error: unknown) => events.cleanupFailed(error));
    lock?.release();
    events.closed(end);
  }

  /** Takes back what was allocated ahead, so that the file ends where the log does. */
  async #leaveSegment(): Promise<void> {
    const segment = this.#segment;
    if (segment === null) return;
    this.#segment = null;
    try {
      if (segment.allocatedBytes > segment.bytes) {
        await segment.file.truncate(segment.bytes);
        await segment.file.sync();
      }
    } finally {
      await segment.file.close();
    }
  }
}
