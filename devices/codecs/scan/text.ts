import { isAscii, isUtf8 } from 'node:buffer';
import { stop } from '../decoding.ts';

/** A text payload, without byte order mark and NUL padding. */
export interface TextPayload {
  readonly text: string;
  /** The byte in the payload at which the character of this index begins; fast when they grow. */
  byteOf(index: number): number;
}

/** Ends the decoding where the payload is not UTF-8. */
export function textOfPayload(payload: Uint8Array): TextPayload {
  const start = payload[0] === 0xef && payload[1] === 0xbb && payload[2] === 0xbf ? 3 : 0;
  let end = payload.length;
  while (end > start && payload[end - 1] === 0) end -= 1;
  const bytes = Buffer.from(payload.buffer, payload.byteOffset + start, end - start);
  if (isAscii(bytes)) {
    return { text: bytes.toString('latin1'), byteOf: (index) => start + index };
  }
  if (!isUtf8(bytes)) stop('CODEC_SYNTAX', start, 'UTF-8');
  const text = bytes.toString('utf8');
  let known = 0;
  let knownByte = start;
  return {
    text,
    byteOf(index) {
      if (index < known) return start + Buffer.byteLength(text.slice(0, index));
      knownByte += Buffer.byteLength(text.slice(known, index));
      known = index;
      return knownByte;
    },
  };
}
