import { constants, gunzipSync, inflateSync, zstdDecompressSync } from 'node:zlib';
import type { DecodeFault, DecodeLimits } from './codec.ts';
import { tooLarge } from './decoding.ts';

/** Either the bytes to decode or why there are none. */
export type Decompressed =
  | { readonly payload: Uint8Array; readonly fault?: undefined }
  | { readonly payload?: undefined; readonly fault: DecodeFault };

/**
 * Unpacks gzip (RFC 1952), zlib (RFC 1950) and zstd (RFC 8878), known by their first bytes; anything
 * else passes through. One layer only. The output is bounded before it is made, and so is the
 * memory that a zstd frame may ask for.
 */
export function decompress(payload: Uint8Array, limits: DecodeLimits): Decompressed {
  const kind = compressionOf(payload);
  if (kind === 'none') return { payload };
  const bytesMax = Math.min(limits.decodedBytesMax, payload.length * limits.expansionRatioMax);
  try {
    return { payload: unpack(kind, payload, bytesMax) };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ERR_BUFFER_TOO_LARGE') return { fault: tooLarge(bytesMax) };
    // `x^` is how zlib may begin, and how a text may.
    if (kind === 'zlib' && payload[1] === 0x5e) return { payload };
    return { fault: { code: 'CODEC_COMPRESSION', offset: -1, detail: `${kind}, whole (${code})` } };
  }
}

type Compression = 'none' | 'gzip' | 'zlib' | 'zstd';

function compressionOf(payload: Uint8Array): Compression {
  const [first, second, third, fourth] = payload;
  if (first === 0x1f && second === 0x8b) return 'gzip';
  if (first === 0x28 && second === 0xb5 && third === 0x2f && fourth === 0xfd) return 'zstd';
  const isZlib = second === 0x01 || second === 0x5e || second === 0x9c || second === 0xda;
  return first === 0x78 && isZlib ? 'zlib' : 'none';
}

function unpack(kind: Compression, payload: Uint8Array, bytesMax: number): Uint8Array {
  const maxOutputLength = bytesMax;
  if (kind === 'gzip') return gunzipSync(payload, { maxOutputLength });
  if (kind === 'zlib') return inflateSync(payload, { maxOutputLength });
  // A window of 8 MiB is what level 19 asks for; the format would allow 128 MiB for a few bytes.
  const params = { [constants.ZSTD_d_windowLogMax]: 23 };
  return zstdDecompressSync(payload, { maxOutputLength, params });
}
