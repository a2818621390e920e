import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { codecConfigSchema } from './config.ts';
import type { Codec, Decoded, DecodedMeasurement } from './codec.ts';
import { decodeMessage } from './decode-message.ts';
import { codecErrors } from './errors.ts';
import { codecs } from './formats.ts';

const limits = codecConfigSchema.parse({});
const codes = new Set(Object.keys(codecErrors).filter((code) => code !== 'CODEC_CRASHED'));

function decode(codec: Codec, payload: Uint8Array): Decoded {
  return decodeMessage(codec, { topic: 'env/v1/a/obs', payload }, limits);
}

function payloadsOf(codecId: string): Buffer[] {
  const folder = join(import.meta.dirname, 'testcases', codecId);
  return readdirSync(folder).map((name) => readFileSync(join(folder, name, 'payload')));
}

/** What the port promises of any answer. */
function assertSound(decoded: Decoded): void {
  const { measurements, faults } = decoded;
  expect(measurements.length + faults.length).toBeGreaterThan(0);
  expect(measurements.length + faults.length).toBeLessThanOrEqual(limits.measurementsMax + 1);
  for (const fault of faults) {
    expect(codes).toContain(fault.code);
    expect(Number.isInteger(fault.offset) && fault.offset >= -1).toBe(true);
    const isAlone = measurements.length === 0 && faults.length === 1;
    expect(fault.channel !== undefined || isAlone).toBe(true);
  }
  for (const measurement of measurements) assertSoundMeasurement(measurement);
}

function assertSoundMeasurement(measurement: DecodedMeasurement): void {
  const { value, decimals, text, endAt, startAt, resultAt } = measurement;
  expect(value === null || Number.isFinite(value)).toBe(true);
  expect(Number.isInteger(decimals) && decimals >= -1 && decimals <= 15).toBe(true);
  const isOfText = value === null || Number(text) === value;
  expect(decimals >= 0 ? value !== null && text === null : isOfText).toBe(true);
  for (const at of [endAt, startAt, resultAt]) {
    expect(Number.isNaN(at) || Number.isInteger(at)).toBe(true);
  }
  expect(startAt > endAt).toBe(false);
}

type Edit = readonly ['flip' | 'insert' | 'remove' | 'cut' | 'repeat', number, number];

/** Damages a payload as a bad line, a bad program or a bad person would. */
function edited(payload: Buffer, edits: readonly Edit[]): Buffer {
  let bytes = payload;
  for (const [kind, place, byte] of edits) {
    const at = bytes.length === 0 ? 0 : place % bytes.length;
    const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
    if (kind === 'cut') bytes = before;
    else if (kind === 'remove') bytes = Buffer.concat([before, after.subarray(1 + (byte % 5))]);
    else if (kind === 'repeat') bytes = Buffer.concat([before, after, after]).subarray(0, 65_536);
    else if (kind === 'insert') bytes = Buffer.concat([before, Buffer.from([byte]), after]);
    else bytes = Buffer.concat([before, Buffer.from([byte]), after.subarray(1)]);
  }
  return bytes;
}

const structural = Buffer.from('{}[]",:\\-+.eE0123456789nN #\n=');

const edit: fc.Arbitrary<Edit> = fc.tuple(
  fc.constantFrom('flip', 'insert', 'remove', 'cut', 'repeat'),
  fc.nat(65_536),
  fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(...structural)),
);

describe.each(codecs.map((codec) => [codec.id, codec] as const))('%s', (codecId, codec) => {
  const payloads = payloadsOf(codecId);

  test('answers damaged payloads with measurements or faults of the table', () => {
    const damaged = fc
      .tuple(fc.constantFrom(...payloads), fc.array(edit, { minLength: 1, maxLength: 6 }))
      .map(([payload, edits]) => edited(payload, edits));
    fc.assert(
      fc.property(damaged, (payload) => assertSound(decode(codec, payload))),
      { numRuns: 3_000 },
    );
  });

  test('answers any bytes with measurements or faults of the table', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (payload) =>
        assertSound(decode(codec, payload)),
      ),
      { numRuns: 2_000 },
    );
  });

  test('gives the same answer whatever was decoded before', () => {
    const damaged = fc
      .tuple(fc.constantFrom(...payloads), fc.array(edit, { maxLength: 3 }))
      .map(([payload, edits]) => edited(payload, edits));
    fc.assert(
      fc.property(damaged, damaged, (payload, other) => {
        const first = decode(codec, payload);
        decode(codec, other);
        expect(decode(codec, payload)).toEqual(first);
      }),
      { numRuns: 500 },
    );
  });

  test('does not alter the payload', () => {
    for (const payload of payloads) {
      const before = Buffer.from(payload);
      decode(codec, payload);
      expect(payload.equals(before)).toBe(true);
    }
  });

  test('decodes a plain Uint8Array within a larger buffer as it does a Buffer', () => {
    for (const payload of payloads) {
      const larger = new Uint8Array(payload.length + 16).fill(0x7d);
      larger.set(payload, 8);
      const view = larger.subarray(8, 8 + payload.length);
      expect(decode(codec, view)).toEqual(decode(codec, payload));
    }
  });

  test.each([
    ['arrays', Buffer.alloc(1_000_000, '[')],
    ['objects', Buffer.from('{"a":'.repeat(200_000))],
    ['CBOR arrays', Buffer.alloc(1_000_000, 0x81)],
    ['CBOR maps with a break for a value', Buffer.from('bf00ff00'.repeat(250_000), 'hex')],
    ['empty objects', Buffer.from(`[${'{},'.repeat(300_000)}{}]`)],
    ['empty CBOR maps', Buffer.concat([Buffer.from('9f', 'hex'), Buffer.alloc(1_000_000, 0xa0)])],
    ['commas', Buffer.alloc(1_000_000, ',')],
    ['quotes', Buffer.alloc(1_000_000, '"')],
    ['digits', Buffer.alloc(1_000_000, '7')],
    ['line ends', Buffer.alloc(1_000_000, '\n')],
    ['texts beyond ASCII', Buffer.from(`{${'"\u1EC7":1,'.repeat(90_000)}"a":1}`)],
    ['fields beyond ASCII', Buffer.from(`\u1EC7 ${'\u1EC7=1,'.repeat(150_000)}b=1`)],
    ['backslashes', Buffer.from(`{"${'\\\\'.repeat(450_000)}":1}`)],
  ])('answers a megabyte of %s', (_, payload) => {
    assertSound(decode(codec, payload));
  });
});
