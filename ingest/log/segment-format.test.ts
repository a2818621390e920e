import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { createCrc32c } from './crc32c.ts';
import {
  decodeHeader,
  decodeRewritten,
  encodeHeader,
  encodeRewritten,
  hashBytes,
  headerBytes,
  headerCopyBytes,
  positionOf,
  type SegmentHeader,
} from './segment-format.ts';

const crc32c = createCrc32c();
const anyHash = fc
  .uint8Array({ minLength: hashBytes, maxLength: hashBytes })
  .map((bytes) => Buffer.from(bytes));
const anyHeader: fc.Arbitrary<SegmentHeader> = fc.record({
  first: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  salt: fc.nat({ max: 2 ** 32 - 1 }),
  openedAt: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
  base: fc.option(fc.record({ position: fc.nat(), hash: anyHash })),
});

describe('The header of a segment', () => {
  it('comes back as it was, base and all', () => {
    fc.assert(
      fc.property(anyHeader, (header) => {
        const bytes = encodeHeader(header, crc32c);
        expect(bytes.length).toBe(headerBytes);
        expect(decodeHeader(bytes, crc32c)).toEqual({ header, damaged: [false, false] });
      }),
    );
  });

  it('survives any one flipped bit, and says which copy has it', () => {
    fc.assert(
      fc.property(anyHeader, fc.nat({ max: 8 * headerBytes - 1 }), (header, bit) => {
        const bytes = encodeHeader(header, crc32c);
        bytes[bit >> 3]! ^= 1 << (bit & 7);
        const isSecond = bit >> 3 >= headerCopyBytes;
        expect(decodeHeader(bytes, crc32c)).toEqual({ header, damaged: [!isSecond, isSecond] });
      }),
    );
  });

  it('is none where it was cut short', () => {
    const bytes = encodeHeader({ first: 1, salt: 2, openedAt: 3, base: null }, crc32c);
    expect(decodeHeader(bytes.subarray(0, 100), crc32c).header).toBeNull();
    expect(decodeHeader(bytes.subarray(0, 200), crc32c)).toMatchObject({
      header: { first: 1 },
      damaged: [false, true],
    });
  });
});

describe('A position', () => {
  it('is known from its low half, anywhere in a segment', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2 ** 52 }),
        fc.nat({ max: 2 ** 32 - 1 }),
        (first, ahead) => {
          expect(positionOf((first + ahead) >>> 0, first)).toBe(first + ahead);
        },
      ),
    );
  });
});

describe('A rewritten body', () => {
  it('gives back hash, reason and new body', () => {
    fc.assert(
      fc.property(
        anyHash,
        fc.string({ unit: 'grapheme', maxLength: 200 }),
        fc.uint8Array(),
        (originalHash, reason, body) => {
          const decoded = decodeRewritten(encodeRewritten(originalHash, reason, body));
          expect(decoded.originalHash.equals(originalHash)).toBe(true);
          expect(decoded.reason).toBe(reason);
          expect(new Uint8Array(decoded.body)).toEqual(body);
        },
      ),
    );
  });

  it('is empty where the bytes are too few to be one', () => {
    expect(decodeRewritten(Buffer.alloc(10))).toMatchObject({ reason: '', body: Buffer.alloc(0) });
  });
});
