/** Bytes as Kafka's protocol has them: big-endian numbers, zigzag varints. */

const bytesAtFirst = 262_144;
/** A buffer that one great request made larger than this is given back. */
const keptBytesMax = 4_194_304;

/** One buffer that grows and is used again. Whoever writes reserves first. */
export class WireWriter {
  buffer: Buffer = Buffer.allocUnsafeSlow(bytesAtFirst);
  view: DataView = viewOf(this.buffer);
  at = 0;

  begin(): void {
    this.at = 0;
    if (this.buffer.length > keptBytesMax) this.#renew(bytesAtFirst);
  }

  /** Room for so many bytes behind what is written. */
  reserve(bytes: number): void {
    const needed = this.at + bytes;
    if (needed > this.buffer.length) this.#renew(Math.max(2 * this.buffer.length, needed));
  }

  #renew(bytes: number): void {
    const old = this.buffer;
    this.buffer = Buffer.allocUnsafeSlow(bytes);
    this.view = viewOf(this.buffer);
    old.copy(this.buffer, 0, 0, this.at);
  }

  int16(value: number): void {
    this.view.setInt16(this.at, value);
    this.at += 2;
  }

  int32(value: number): void {
    this.view.setInt32(this.at, value);
    this.at += 4;
  }

  /** Seven bits a byte, the lowest first. */
  varint(value: number): void {
    const { buffer } = this;
    let rest = zigzag(value);
    for (; (rest & ~127) !== 0; rest >>>= 7) buffer[this.at++] = (rest & 127) | 128;
    buffer[this.at++] = rest;
  }

  /** Its length, then its bytes; `bytes` is what `contentLength` says of it. */
  content(content: string | Buffer | null, bytes: number): void {
    this.varint(bytes);
    if (content === null) return;
    if (typeof content === 'string') this.buffer.write(content, this.at, bytes, 'utf8');
    else content.copy(this.buffer, this.at);
    this.at += bytes;
  }

  written(): Buffer {
    return this.buffer.subarray(0, this.at);
  }
}

function viewOf(buffer: Buffer): DataView {
  return new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
}

function zigzag(value: number): number {
  return (value << 1) ^ (value >> 31);
}

export function varintBytes(value: number): number {
  let rest = zigzag(value);
  let bytes = 1;
  for (; (rest & ~127) !== 0; rest >>>= 7) bytes++;
  return bytes;
}

/** -1 for nothing, which is not the same as an empty text. */
export function contentLength(content: string | Buffer | null): number {
  if (content === null) return -1;
  return typeof content === 'string' ? Buffer.byteLength(content, 'utf8') : content.length;
}

/** Bytes of a content of that length, with its length before it. */
export function contentBytes(length: number): number {
  return varintBytes(length) + Math.max(0, length);
}
