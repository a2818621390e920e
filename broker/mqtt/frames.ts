/**
 * Cuts a byte stream into MQTT packets, in front of everything else.
 *
 * A packet is a first byte (type and flags), one to four bytes of remaining length (§2.2.3) and
 * that many bytes. The announced length is judged before any of it is buffered, and an unfinished
 * packet is kept in a buffer that grows with what has arrived, not with what was announced: a peer
 * costs at most twice the bytes it has really sent, up to `limitBytes`.
 *
 * A packet that lies whole inside one chunk, which is the rule, is read in place without a copy.
 */
export type FrameStep = 'frame' | 'more' | 'length-malformed' | 'too-large';

const lengthBytesMax = 4;
const firstCapacityBytes = 64;

export class FrameReader {
  /** Of the packet that `next` found; good until the next call of `next` or `feed`. */
  buffer: Buffer = Buffer.alloc(0);
  first = 0;
  bodyAt = 0;
  endAt = 0;

  #chunk: Buffer | null = null;
  #at = 0;
  readonly #waiting: Buffer[] = [];
  #partial: Buffer | null = null;
  #partialBytes = 0;
  /** Length of the remaining-length field of the last `#measure`, and the length that it states. */
  #fieldBytes = 0;
  #bodyBytes = 0;

  feed(chunk: Buffer): void {
    if (chunk.length === 0) return;
    if (this.#chunk === null) {
      this.#chunk = chunk;
      this.#at = 0;
    } else {
      this.#waiting.push(chunk);
    }
  }

  /** First byte of the packet that `next` would go on with; -1 when nothing has come of it yet. */
  get upcoming(): number {
    if (this.#partial !== null) return this.#partial[0]!;
    return this.#chunk === null ? -1 : this.#chunk[this.#at]!;
  }

  /** Finds the next packet. After anything but 'frame' and 'more' the stream cannot be read on. */
  next(limitBytes: number): FrameStep {
    for (;;) {
      const chunk = this.#chunk;
      if (chunk === null) return 'more';
      const step =
        this.#partial === null
          ? this.#inPlace(chunk, limitBytes)
          : this.#complete(chunk, limitBytes);
      if (this.#chunk !== null && this.#at >= this.#chunk.length) this.#nextChunk();
      if (step !== 'more' || this.#chunk === null) return step;
    }
  }

  #nextChunk(): void {
    this.#chunk = this.#waiting.shift() ?? null;
    this.#at = 0;
  }

  #inPlace(chunk: Buffer, limitBytes: number): FrameStep {
    const at = this.#at;
    const measured = this.#measure(chunk, at, chunk.length);
    if (measured === 'length-malformed') return measured;
    const totalBytes = 1 + this.#fieldBytes + this.#bodyBytes;
    if (measured === 'frame' && totalBytes > limitBytes) return 'too-large';
    if (measured === 'frame' && totalBytes <= chunk.length - at) {
      this.#found(chunk, at, totalBytes);
      this.#at = at + totalBytes;
      return 'frame';
    }
    const restBytes = chunk.length - at;
    this.#partial = Buffer.allocUnsafeSlow(Math.max(firstCapacityBytes, restBytes));
    chunk.copy(this.#partial, 0, at);
    this.#partialBytes = restBytes;
    this.#at = chunk.length;
    return 'more';
  }

  /** Adds bytes of the chunk to the unfinished packet; never more than belong to it. */
  #complete(chunk: Buffer, limitBytes: number): FrameStep {
    for (;;) {
      const partial = this.#partial!;
      const measured = this.#measure(partial, 0, this.#partialBytes);
      if (measured === 'length-malformed') return measured;
      if (measured === 'more') {
        if (this.#at >= chunk.length) return 'more';
        this.#append(chunk, 1);
        continue;
      }
      const totalBytes = 1 + this.#fieldBytes + this.#bodyBytes;
      if (totalBytes > limitBytes) return 'too-large';
      const missing = totalBytes - this.#partialBytes;
      this.#append(chunk, Math.min(missing, chunk.length - this.#at));
      if (this.#partialBytes < totalBytes) return 'more';
      this.#found(this.#partial!, 0, totalBytes);
      this.#partial = null;
      this.#partialBytes = 0;
      return 'frame';
    }
  }

  #append(chunk: Buffer, bytes: number): void {
    let partial = this.#partial!;
    const needed = this.#partialBytes + bytes;
    if (needed > partial.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(needed, partial.length * 2));
      partial.copy(grown, 0, 0, this.#partialBytes);
      this.#partial = partial = grown;
    }
    chunk.copy(partial, this.#partialBytes, this.#at, this.#at + bytes);
    this.#partialBytes = needed;
    this.#at += bytes;
  }

  #found(buffer: Buffer, at: number, totalBytes: number): void {
    this.buffer = buffer;
    this.first = buffer[at]!;
    this.bodyAt = at + 1 + this.#fieldBytes;
    this.endAt = at + totalBytes;
  }

  /** Reads the fixed header at `at`; 'more' when it is not whole before `endAt`. */
  #measure(buffer: Buffer, at: number, endAt: number): 'frame' | 'more' | 'length-malformed' {
    let bodyBytes = 0;
    let factor = 1;
    for (let field = 1; field <= lengthBytesMax; field += 1) {
      if (at + field >= endAt) return 'more';
      const byte = buffer[at + field]!;
      bodyBytes += (byte & 0x7f) * factor;
      if (byte < 0x80) {
        this.#fieldBytes = field;
        this.#bodyBytes = bodyBytes;
        return 'frame';
      }
      factor *= 128;
    }
    return 'length-malformed';
  }
}
