import { constants, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { codecConfigSchema } from './config.ts';
import type { Codec } from './codec.ts';
import { codecOf } from './decoding.ts';
import { decodeMessage } from './decode-message.ts';
import { decompress } from './decompress.ts';
import { codecFor } from './formats.ts';

const limits = codecConfigSchema.parse({});
const text = Buffer.from('{"ts":1700000000000,"a":1.50}');
const packings = [
  ['gzip', gzipSync],
  ['zlib', deflateSync],
  ['zstd', zstdCompressSync],
] as const;

function decode(payload: Uint8Array, codec: Codec = codecFor('json')!) {
  return decodeMessage(codec, { topic: '', payload }, limits);
}

describe('a packed message', () => {
  test.each(packings)('is unpacked from %s before the codec', (_, pack) => {
    expect(decode(pack(text))).toEqual(decode(text));
  });

  test('is unpacked from zlib of every level', () => {
    for (const level of [0, 1, 3, 6, 9]) {
      expect(decode(deflateSync(text, { level }))).toEqual(decode(text));
    }
  });

  test.each(packings)('that is damaged or cut short in %s is a fault, not a message', (_, pack) => {
    const packed = pack(text);
    for (let length = 4; length < packed.length; length += 1) {
      const { faults } = decode(packed.subarray(0, length));
      expect(faults).toMatchObject([{ code: 'CODEC_COMPRESSION', offset: -1 }]);
    }
  });

  test.each(packings)('may not grow beyond the bounds in %s', (_, pack) => {
    const code = (payload: Uint8Array, bounds: object) =>
      decompress(payload, { ...limits, ...bounds }).fault?.code;
    const packed = pack(Buffer.alloc(20_000, 'x'));
    expect(packed.length).toBeLessThan(200);
    const loose = { expansionRatioMax: 10_000 };
    expect(code(packed, loose)).toBeUndefined();
    expect(code(packed, { ...loose, decodedBytesMax: 20_000 })).toBeUndefined();
    expect(code(packed, { ...loose, decodedBytesMax: 19_999 })).toBe('CODEC_TOO_LARGE');
    expect(code(packed, { expansionRatioMax: 50 })).toBe('CODEC_TOO_LARGE');
  });

  test('may not ask for a large zstd window', () => {
    const params = { [constants.ZSTD_c_windowLog]: 27, [constants.ZSTD_c_contentSizeFlag]: 0 };
    const greedy = zstdCompressSync(Buffer.alloc(5_000, 'x'), { params });
    // A frame whose header asks for a window of 128 MiB (RFC 8878 §3.1.1.1.2).
    const header = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x88]);
    expect(decompress(Buffer.concat([header, greedy.subarray(6)]), limits).fault?.code).toBe(
      'CODEC_COMPRESSION',
    );
  });

  test('is not looked for in a text that only begins like zlib', () => {
    const csv = Buffer.from('x^2,a\n1700000000000,1');
    expect(decode(csv, codecFor('csv-row')!).measurements).toHaveLength(1);
    expect(decompress(Buffer.from('x\u0001'), limits).fault?.code).toBe('CODEC_COMPRESSION');
    expect(decompress(Buffer.from('xyz'), limits).payload).toEqual(Buffer.from('xyz'));
  });
});

test('a codec that fails at a payload makes a fault of that payload', () => {
  const codec = codecOf('broken', 3, () => {
    throw new TypeError('no such thing');
  });
  expect(decode(text, codec)).toEqual({
    measurements: [],
    faults: [{ code: 'CODEC_CRASHED', offset: -1, detail: 'broken@3: TypeError: no such thing' }],
  });
});
