import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { createCrc32c } from './crc32c.ts';
import { viewOf } from './segment-format.ts';

const crc32c = createCrc32c();

/** Bit by bit, as RFC 3720 defines it. */
function reference(bytes: Uint8Array, seed: number): number {
  let crc = ~seed;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

describe('CRC-32C', () => {
  it('gives the check values of RFC 3720 appendix B.4', () => {
    const of = (bytes: Uint8Array): string =>
      crc32c(viewOf(bytes), 0, bytes.length, 0).toString(16).padStart(8, '0');
    const ascending = Uint8Array.from({ length: 32 }, (_, index) => index);
    expect(of(Buffer.from('123456789'))).toBe('e3069283');
    expect(of(new Uint8Array(32))).toBe('8a9136aa');
    expect(of(new Uint8Array(32).fill(0xff))).toBe('62a8ab43');
    expect(of(ascending)).toBe('46dd794e');
    expect(of(ascending.toReversed())).toBe('113fdb5c');
  });

  it('equals the definition bit by bit, at any offset and from any seed', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.nat({ max: 20 }),
        fc.nat({ max: 2 ** 32 - 1 }),
        (bytes, start, seed) => {
          const from = Math.min(start, bytes.length);
          expect(crc32c(viewOf(bytes), from, bytes.length, seed)).toBe(
            reference(bytes.subarray(from), seed),
          );
        },
      ),
    );
  });

  it('goes on from what it has', () => {
    const bytes = Uint8Array.from({ length: 100 }, (_, index) => index * 7);
    const view = viewOf(bytes);
    expect(crc32c(view, 37, 100, crc32c(view, 0, 37, 0))).toBe(crc32c(view, 0, 100, 0));
  });
});
