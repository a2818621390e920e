import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FrameReader } from './frames.ts';
import { packet } from './wire.ts';

/** Everything found in `bytes` when they arrive cut at `cuts`. */
function readAll(bytes: Buffer, cuts: readonly number[], limitBytes = Infinity) {
  const frames = new FrameReader();
  const found: Buffer[] = [];
  const edges = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
  for (let index = 1; index < edges.length; index += 1) {
    frames.feed(Buffer.from(bytes.subarray(edges[index - 1], edges[index])));
    for (;;) {
      const step = frames.next(limitBytes);
      if (step === 'more') break;
      if (step !== 'frame') return { found, end: step };
      const body = frames.buffer.subarray(frames.bodyAt, frames.endAt);
      found.push(packet(frames.first, Buffer.from(body)));
    }
  }
  return { found, end: 'more' };
}

const packets = fc
  .array(
    fc.record({
      first: fc.integer({ min: 0, max: 255 }),
      body: fc.oneof(
        fc.uint8Array({ maxLength: 20 }),
        fc.integer({ min: 100, max: 40_000 }).map((length) => new Uint8Array(length).fill(7)),
      ),
    }),
    { maxLength: 8 },
  )
  .map((list) => list.map(({ first, body }) => packet(first, Buffer.from(body))));

describe('framing', () => {
  test('finds the same packets however the bytes are cut', () => {
    fc.assert(
      fc.property(packets, fc.array(fc.nat(100_000), { maxLength: 30 }), (list, cuts) => {
        const bytes = Buffer.concat(list);
        const { found, end } = readAll(
          bytes,
          cuts.map((cut) => cut % (bytes.length + 1)),
        );
        expect(end).toBe('more');
        expect(Buffer.concat(found).equals(bytes)).toBe(true);
      }),
    );
  });

  test('finds packets that arrive a byte at a time', () => {
    const bytes = Buffer.concat([packet(0xc0), packet(0x30, Buffer.alloc(300)), packet(0xe0)]);
    const { found } = readAll(
      bytes,
      Array.from(bytes, (_, index) => index),
    );
    expect(found.map((each) => each.length)).toEqual([2, 303, 2]);
  });

  test('takes chunks that come before the last one has been read', () => {
    const frames = new FrameReader();
    frames.feed(packet(0x30, [1, 2, 3]).subarray(0, 3));
    frames.feed(packet(0x30, [1, 2, 3]).subarray(3));
    frames.feed(packet(0xc0));
    frames.feed(Buffer.alloc(0));
    expect(frames.next(100)).toBe('frame');
    expect(frames.next(100)).toBe('frame');
    expect(frames.next(100)).toBe('more');
  });

  test.each([[1], [2], [3], [4]])('refuses a longer packet by its header, cut at %i', (cut) => {
    const header = Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f]);
    expect(readAll(header, [cut], 65_536).end).toBe('too-large');
  });

  test('takes a packet of exactly the limit, and none of one more byte', () => {
    const bytes = packet(0x30, Buffer.alloc(1_000));
    expect(readAll(bytes, [], bytes.length).found.length).toBe(1);
    expect(readAll(bytes, [], bytes.length - 1).end).toBe('too-large');
    expect(readAll(bytes, [10], bytes.length - 1).end).toBe('too-large');
  });

  test.each([[[]], [[1]], [[2, 4]]])(
    'refuses a length of more than four bytes, cut at %j',
    (cuts) => {
      expect(readAll(Buffer.from([0x30, 0x80, 0x80, 0x80, 0x80, 1]), cuts).end).toBe(
        'length-malformed',
      );
    },
  );

  test('an announcement alone costs no memory', () => {
    const before = process.memoryUsage().arrayBuffers;
    const readers = Array.from({ length: 200 }, () => {
      const frames = new FrameReader();
      frames.feed(Buffer.from([0x30, 0xff, 0xff, 0x7f, 1, 2, 3]));
      frames.next(2 ** 28);
      return frames;
    });
    expect(readers.length).toBe(200);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 20);
  });
});
