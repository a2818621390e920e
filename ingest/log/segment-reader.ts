import type { SharedDurableEnd } from './durable-end.ts';
import { logError } from './errors.ts';
import type { LogReader, LogRecord, Position } from './log.ts';
import { decodeRewritten, flagRewritten, recordHeaderBytes } from './segment-format.ts';
import type { LogFolder } from './segment-folder.ts';
import { listFolder, openSegmentFile, pathOf } from './segment-folder.ts';
import { bufferBytesMin, SegmentScan, type Step } from './segment-scan.ts';

/** A record of segment files. */
export interface SegmentRecord extends LogRecord {
  /** Why the body was replaced; null for a body as it was written. */
  readonly reason: string | null;
}

export interface SegmentLogReader extends LogReader {
  read(bytesMax: number): Promise<readonly SegmentRecord[]>;
}

/** Positions that cannot be read, and where it goes on behind them. */
interface Damage {
  readonly first: Position;
  readonly last: Position;
  readonly code: 'LOG_RECORD_DAMAGED' | 'LOG_HEADER_DAMAGED' | 'LOG_SEGMENT_MISSING';
  readonly offset: number;
  /** Null: with the next segment. */
  readonly resumeOffset: number | null;
}

const readBytesMax = 16 * 1_048_576;

/** Retention may delete a segment between the listing and the opening. */
const openAttemptsMax = 3;

/**
 * Reads segment files up to the durable end. One `read` at a time. It never looks at bytes beyond
 * the end that it saw before reading them, and drops what it holds when the files' generation grew.
 */
export class SegmentReader implements SegmentLogReader {
  readonly #folder: LogFolder;
  readonly #durableEnd: SharedDurableEnd;
  #next: Position;
  #segments: readonly Position[];
  #generation: number;
  #scan: SegmentScan | null = null;
  /** Up to here the bytes in the scan's window were durable when they were read. */
  #windowEnd: Position = 0;
  #damage: Damage | null = null;
  #buffer: Buffer | null = null;
  #isSought = true;
  #reading: Promise<unknown> | null = null;
  #isClosed = false;
  /** Moving average of what a record takes in the file. */
  #recordBytes = 256;

  constructor(options: {
    readonly folder: LogFolder;
    readonly durableEnd: SharedDurableEnd;
    readonly segments: readonly Position[];
    readonly generation: number;
    readonly from: Position;
  }) {
    this.#folder = options.folder;
    this.#durableEnd = options.durableEnd;
    this.#segments = options.segments;
    this.#generation = options.generation;
    this.#next = options.from;
  }

  get next(): Position {
    return this.#next;
  }

  seek(position: Position): void {
    this.#next = Math.max(1, position);
    this.#isSought = true;
    this.#damage = null;
  }

  read(bytesMax: number): Promise<readonly SegmentRecord[]> {
    if (this.#isClosed) return Promise.reject(logError('LOG_CLOSED'));
    if (this.#reading !== null) return Promise.reject(new Error('A reader reads once at a time.'));
    const reading = this.#read(bytesMax).finally(() => {
      this.#reading = null;
    });
    this.#reading = reading;
    return reading;
  }

  async #read(bytesMax: number): Promise<readonly SegmentRecord[]> {
    // The end first, the generation then: the owner renews before it moves the end over new bytes.
    const end = this.#durableEnd.get();
    if (this.#generation !== this.#durableEnd.generation()) await this.#refresh();
    if (this.#damage !== null) throw this.#damageError(this.#damage);
    const fillBytes = Math.min(bytesMax, readBytesMax);
    const records: SegmentRecord[] = [];
    while (this.#next <= end) {
      const scan = await this.#scanAtNext();
      if (scan === null || this.#next > end) break;
      if (this.#next > this.#windowEnd) {
        scan.forget();
        await this.#fill(scan, fillBytes, end);
      }
      const step = this.#collect(scan, bytesMax, records);
      if (records.length > 0) break;
      if (step === 'more') await this.#fill(scan, fillBytes, end);
      else if (step !== 'record') await this.#leaveSegment(scan, end);
    }
    return records;
  }

  async #fill(scan: SegmentScan, bytes: number, end: Position): Promise<void> {
    try {
      await scan.fill(Math.min(bytes, this.#expectedBytes(end)));
    } catch (cause) {
      throw logError('LOG_READ_FAILED', { position: this.#next }, cause);
    }
    this.#windowEnd = end;
  }

  /** About what is there to read: a follower at the end need not copy the zeros behind it. */
  #expectedBytes(end: Position): number {
    return (end - this.#next + 1) * 2 * this.#recordBytes;
  }

  /** Takes records out of the window, as far as its bytes were durable when they were read. */
  #collect(scan: SegmentScan, bytesMax: number, records: SegmentRecord[]): Step {
    let bytes = 0;
    let step: Step = 'record';
    while (bytes < bytesMax && (this.#next <= this.#windowEnd || this.#next >= scan.limit)) {
      step = scan.step();
      if (step !== 'record') break;
      bytes += scan.bodyEnd - scan.bodyAt;
      this.#recordBytes +=
        (scan.bodyEnd - scan.bodyAt + recordHeaderBytes - this.#recordBytes) / 16;
      records.push(recordOf(scan));
      this.#next = scan.position;
    }
    return step;
  }

  /** The segment that holds `next`, at it; null where the log holds nothing there or behind. */
  async #scanAtNext(): Promise<SegmentScan | null> {
    if (this.#scan !== null && !this.#isSought) return this.#scan;
    await this.#closeScan();
    if (this.#next >= (this.#segments.at(-1) ?? 0)) await this.#relist();
    for (let attempt = 1; ; attempt++) {
      const oldest = this.#segments[0];
      if (oldest === undefined) return null;
      // What retention deleted is not damage: reading begins at the first kept record.
      if (this.#next < oldest) this.#next = oldest;
      const index = this.#segments.findLastIndex((first) => first <= this.#next);
      try {
        await this.#openSegment(index);
        this.#isSought = false;
        return this.#scan;
      } catch (error) {
        const code = codeOf(error);
        if (code === 'LOG_SEGMENT_MISSING' && attempt < openAttemptsMax) await this.#relist();
        else if (code === 'LOG_SEGMENT_MISSING' || code === 'LOG_HEADER_DAMAGED') {
          throw this.#segmentDamage(index, code);
        } else throw error;
      }
    }
  }

  async #openSegment(index: number): Promise<void> {
    const first = this.#segments[index] ?? 0;
    const { file, header } = await openSegmentFile(this.#folder, first);
    const scan = new SegmentScan({
      file,
      crc32c: this.#folder.crc32c,
      salt: header.salt,
      first,
      limit: this.#segments[index + 1] ?? Infinity,
      ...(this.#buffer === null ? {} : { buffer: this.#buffer }),
    });
    this.#scan = scan;
    this.#windowEnd = 0;
    if (this.#next === first) return;
    await scan.seek(this.#next);
    await this.#advanceTo(scan, this.#next);
  }

  /** From a place before it to the record of `target`, or to the damage that hides it. */
  async #advanceTo(scan: SegmentScan, target: Position): Promise<void> {
    while (scan.position < target) {
      const step = scan.step();
      if (step === 'record') continue;
      if (step === 'more') {
        await scan.fill(bufferBytesMin);
        continue;
      }
      const hole = { offset: scan.offset, position: scan.position };
      const next = await scan.findNext({ from: hole.offset, atLeast: hole.position, base: hole });
      if (next === null || next.position > target) scan.moveTo(hole.offset, target);
      else scan.moveTo(next.offset, next.position);
    }
    scan.forget();
  }

  /**
   * No record at `next`: on to the next segment where one begins there (behind the last record of
   * this one there may be zeros, or bytes that never counted); else it is damage, and is named.
   */
  async #leaveSegment(scan: SegmentScan, end: Position): Promise<void> {
    const position = this.#next;
    if (position < scan.limit) {
      await this.#relist();
      scan.limit = this.#segments.find((first) => first > scan.first) ?? Infinity;
    }
    if (position >= scan.limit) {
      this.#isSought = true;
      return;
    }
    const hole = { offset: scan.offset, position };
    const next = await scan.findNext({ from: hole.offset, atLeast: position, base: hole });
    const isReadable = next !== null && next.position <= end;
    this.#damage = {
      first: position,
      last: isReadable ? next.position - 1 : Math.min(end, scan.limit - 1),
      code: 'LOG_RECORD_DAMAGED',
      offset: hole.offset,
      resumeOffset: isReadable ? next.offset : null,
    };
    throw this.#damageError(this.#damage);
  }

  #segmentDamage(index: number, code: 'LOG_SEGMENT_MISSING' | 'LOG_HEADER_DAMAGED'): Error {
    const follower = this.#segments[index + 1];
    const last = follower === undefined ? this.#durableEnd.get() : follower - 1;
    this.#damage = { first: this.#next, last, code, offset: 0, resumeOffset: null };
    return this.#damageError(this.#damage);
  }

  #damageError(damage: Damage): Error {
    const { first, last, code, offset } = damage;
    const segment = this.#segments.findLast((one) => one <= first) ?? 0;
    return logError(code, {
      first,
      last,
      offset,
      segment: pathOf(this.#folder, segment, 'segment'),
    });
  }

  async skipDamaged(): Promise<{ readonly first: Position; readonly last: Position } | null> {
    const damage = this.#damage;
    if (damage === null) return null;
    this.#damage = null;
    this.#next = damage.last + 1;
    if (damage.resumeOffset !== null && this.#scan !== null) {
      this.#scan.moveTo(damage.resumeOffset, this.#next);
      this.#windowEnd = 0;
    } else {
      this.#isSought = true;
    }
    return { first: damage.first, last: damage.last };
  }

  async #refresh(): Promise<void> {
    await this.#closeScan();
    this.#isSought = true;
    this.#damage = null;
    await this.#relist();
  }

  async #relist(): Promise<void> {
    this.#generation = this.#durableEnd.generation();
    this.#segments = (await listFolder(this.#folder)).segments;
  }

  async #closeScan(): Promise<void> {
    const scan = this.#scan;
    if (scan === null) return;
    this.#scan = null;
    this.#buffer = scan.buffer;
    await scan.file.close();
  }

  /** Waits for a read under way, whose file must not be closed under it. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled([this.#reading]);
    await this.#closeScan();
  }
}

function recordOf(scan: SegmentScan): SegmentRecord {
  const body = scan.buffer.subarray(scan.bodyAt, scan.bodyEnd);
  if ((scan.flags & flagRewritten) === 0) {
    return { position: scan.recordPosition, body, rewritten: false, reason: null };
  }
  const rewritten = decodeRewritten(body);
  return {
    position: scan.recordPosition,
    body: rewritten.body,
    rewritten: true,
    reason: rewritten.reason,
  };
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
