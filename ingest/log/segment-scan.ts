import type { Crc32c } from './crc32c.ts';
import type { OpenFile } from './file-system.ts';
import { readWhole } from './file-system.ts';
import type { Position } from './log.ts';
import {
  flagsKnown,
  headerBytes,
  positionOf,
  recordHeaderBytes,
  viewOf,
} from './segment-format.ts';

/**
 * Goes through the records of one segment file: recovery, readers, seals, rewrites and verify all
 * read through here. `fill` loads a window of bytes, `step` looks at the next record in it.
 */
export interface ScanOptions {
  readonly file: OpenFile;
  readonly crc32c: Crc32c;
  readonly salt: number;
  readonly first: Position;
  /** First position of the next segment: what stands at or beyond it here was never promised. */
  readonly limit: Position;
  /** Lets a reader keep one buffer over many segments. */
  readonly buffer?: Buffer;
}

/**
 * `record`: fields tell of it. `more`: call `fill`. `end`: the segment has no more records.
 * `damaged`: what stands at `offset` is not the record of `position`.
 */
export type Step = 'record' | 'more' | 'end' | 'damaged';

/** What is read at once where the need is not known. */
export const bufferBytesMin = 64 * 1_024;
const fillBytesMin = 4_096;

export class SegmentScan {
  readonly file: OpenFile;
  readonly first: Position;
  limit: Position;
  /** Of the next record to look at. */
  position: Position;
  offset: number = headerBytes;

  /** The record that `step` found last; the body is `buffer` from `bodyAt` to `bodyEnd`. */
  buffer: Buffer;
  recordOffset = 0;
  recordPosition: Position = 0;
  flags = 0;
  bodyAt = 0;
  bodyEnd = 0;

  readonly #crc32c: Crc32c;
  readonly #salt: number;
  #view: DataView;
  /** Offset in the file of the first byte of the window, and how many bytes it holds. */
  #windowOffset = headerBytes;
  #windowBytes = 0;
  #atEnd = false;
  #needBytes = 0;

  constructor(options: ScanOptions) {
    this.file = options.file;
    this.first = options.first;
    this.limit = options.limit;
    this.position = options.first;
    this.buffer = options.buffer ?? Buffer.allocUnsafeSlow(bufferBytesMin);
    this.#view = viewOf(this.buffer);
    this.#crc32c = options.crc32c;
    this.#salt = options.salt;
  }

  /** Goes on at a record that begins at `offset`, with the given position. */
  moveTo(offset: number, position: Position): void {
    this.offset = offset;
    this.position = position;
    this.forget();
  }

  /** Drops the window: its bytes may have been written over since. */
  forget(): void {
    this.#windowOffset = this.offset;
    this.#windowBytes = 0;
    this.#atEnd = false;
  }

  /** Loads at least the next record, and about `bytesWanted` bytes. Earlier views lose their bytes. */
  async fill(bytesWanted: number): Promise<void> {
    const length = await this.#fillLength(bytesWanted);
    if (length > this.buffer.length) this.#grow(length);
    const got = await readWhole(this.file, this.buffer, length, this.offset);
    this.#windowOffset = this.offset;
    this.#windowBytes = got;
    this.#atEnd = got < length || this.#needBytes > length;
    this.#needBytes = 0;
  }

  /**
   * A damaged length must not make us ask for gigabytes: beyond the end of the file it is damage. Nor
   * does the buffer grow beyond what the file can fill.
   */
  async #fillLength(bytesWanted: number): Promise<number> {
    const wanted = Math.ceil(Math.max(bytesWanted, fillBytesMin));
    if (Math.max(wanted, this.#needBytes) <= this.buffer.length) {
      return Math.max(wanted, this.#needBytes);
    }
    const left = (await this.file.size()) - this.offset;
    if (this.#needBytes > left) return Math.min(wanted, this.buffer.length);
    return Math.max(this.#needBytes, this.buffer.length, Math.min(wanted, left));
  }

  step(): Step {
    if (this.position >= this.limit) return 'end';
    const at = this.offset - this.#windowOffset;
    const left = this.#windowBytes - at;
    if (left < recordHeaderBytes) {
      if (!this.#atEnd) return 'more';
      return left === 0 ? 'end' : 'damaged';
    }
    const bytes = this.#view.getUint32(at + 4, true);
    if (left < recordHeaderBytes + bytes) {
      if (this.#atEnd) return 'damaged';
      this.#needBytes = recordHeaderBytes + bytes;
      return 'more';
    }
    return this.#check(at, bytes);
  }

  #check(at: number, bytes: number): Step {
    const view = this.#view;
    const end = at + recordHeaderBytes + bytes;
    const flags = view.getUint8(at + 12);
    if (
      view.getUint32(at + 8, true) !== this.position >>> 0 ||
      (flags & ~flagsKnown) !== 0 ||
      view.getUint32(at, true) !== this.#crc32c(view, at + 4, end, this.#salt)
    ) {
      return 'damaged';
    }
    this.recordOffset = this.offset;
    this.recordPosition = this.position;
    this.flags = flags;
    this.bodyAt = at + recordHeaderBytes;
    this.bodyEnd = end;
    this.offset += recordHeaderBytes + bytes;
    this.position++;
    return 'record';
  }

  /**
   * Behind damage: finds the next sound record at or behind `from` whose position is at least
   * `atLeast` and below the limit; null where there is none that begins before `until`.
   */
  async findNext(search: Search): Promise<Place | null> {
    const { from, until = Infinity } = search;
    let need = 0;
    for (let start = from; start < until;) {
      const length = Math.max(bufferBytesMin, need);
      if (length > this.buffer.length) this.#grow(length);
      const got = await readWhole(this.file, this.buffer, length, start);
      const size = got < length ? start + got : await this.file.size();
      const found = this.#findIn(search, start, got, size);
      this.forget();
      if (found.position !== null) return { offset: found.offset, position: found.position };
      if (got < length && found.need === 0) return null;
      start = found.offset;
      need = found.need;
    }
    return null;
  }

  /** `need` > 0: a candidate at `offset` wants that many bytes before it can be judged. */
  #findIn(search: Search, start: number, got: number, size: number): Found {
    const { atLeast, base, until = Infinity } = search;
    const view = this.#view;
    for (let at = 0; at + recordHeaderBytes <= got; at++) {
      if (start + at >= until) break;
      if ((view.getUint8(at + 12) & ~flagsKnown) !== 0) continue;
      const position = positionOf(view.getUint32(at + 8, true), this.first);
      if (position < atLeast || position >= this.limit) continue;
      // A record takes 13 bytes at least, so no position can be farther on than that.
      if ((position - base.position) * recordHeaderBytes > start + at - base.offset) continue;
      const end = at + recordHeaderBytes + view.getUint32(at + 4, true);
      if (start + end > size) continue;
      if (end > got) return { offset: start + at, position: null, need: end - at };
      if (view.getUint32(at, true) === this.#crc32c(view, at + 4, end, this.#salt)) {
        return { offset: start + at, position, need: 0 };
      }
    }
    return {
      offset: Math.max(start + 1, start + got - recordHeaderBytes + 1),
      position: null,
      need: 0,
    };
  }

  #grow(bytes: number): void {
    this.buffer = Buffer.allocUnsafeSlow(bytes);
    this.#view = viewOf(this.buffer);
  }

  /**
   * Moves to the record of `target`, or to a readable place not far before it. A record says its own
   * position, so no index has to be kept, synced and believed: the place is guessed from the mean
   * size of the records between two known places, and where the guess was bad, by halving.
   */
  async seek(target: Position): Promise<void> {
    let low: Place = { offset: headerBytes, position: this.first };
    let high: Place = { offset: await this.file.size(), position: this.limit };
    let isHalving = this.limit === Infinity;
    while (low.position < target) {
      const span = high.offset - low.offset;
      const bytesAhead = (target - low.position) * meanBytes(low, high, this.first);
      if (span <= bufferBytesMin || bytesAhead <= bufferBytesMin / 2) break;
      const guess = isHalving ? span / 2 : bytesAhead - bufferBytesMin / 4;
      const from = low.offset + Math.max(1, Math.min(span - 1, Math.floor(guess)));
      const found = await this.findNext({
        from,
        until: high.offset,
        atLeast: low.position,
        base: low,
      });
      if (found === null) high = { offset: from, position: high.position };
      else if (found.position > target) high = { offset: from, position: found.position };
      else low = found;
      isHalving = high.offset - low.offset > span / 2;
    }
    this.moveTo(low.offset, low.position);
  }
}

/** Between the two places or, where the position of the high one is not known, before the low one. */
function meanBytes(low: Place, high: Place, first: Position): number {
  if (high.position !== Infinity) {
    return (high.offset - low.offset) / Math.max(1, high.position - low.position);
  }
  return low.position === first
    ? fillBytesMin
    : (low.offset - headerBytes) / (low.position - first);
}

export interface Place {
  readonly offset: number;
  readonly position: Position;
}

export interface Search {
  readonly from: number;
  readonly atLeast: Position;
  /** A place that is known to be right, before `from`: bounds which positions can be here. */
  readonly base: Place;
  readonly until?: number;
}

interface Found {
  readonly offset: number;
  readonly position: Position | null;
  readonly need: number;
}
