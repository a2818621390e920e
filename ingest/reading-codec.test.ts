import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  appendReading,
  blankReading,
  decodeReading,
  readingSize,
  writeReading,
} from './reading-codec.ts';
import type { LogWriter } from './log/log.ts';
import { doors, readingKinds, type Reading } from './reading.ts';

const anyCount = fc.integer({ min: 0, max: 2 ** 49 - 1 });

const anyTravels = fc.record(
  {
    origin: fc.record({
      node: fc.integer({ min: 1, max: 65_535 }),
      position: anyCount,
      sequence: anyCount,
    }),
    passed: fc.record({ from: fc.integer({ min: 0, max: 1_023 }), registryVersion: anyCount }),
    fault: fc.record({
      code: fc.string({ maxLength: 40 }),
      detail: fc.string({ unit: 'grapheme', maxLength: 200 }),
      readings: anyCount,
    }),
  },
  { requiredKeys: [] },
);

const anyReading = fc.record({
  kind: fc.constantFrom(...readingKinds),
  door: fc.constantFrom(...doors),
  receivedAt: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
  device: fc.oneof(fc.string({ maxLength: 64 }), fc.string({ unit: 'grapheme', maxLength: 300 })),
  topic: fc.string({ unit: 'grapheme', maxLength: 300 }),
  payload: fc.uint8Array({ maxLength: 2_000 }),
});

function roundTrip(reading: Reading): Reading {
  const before = 5;
  const target = Buffer.alloc(readingSize(reading) + before, 0xaa);
  const end = writeReading(reading, target, before);
  expect(end).toBe(target.length);
  const { position, ...decoded } = decodeReading(7, target.subarray(before));
  expect(position).toBe(7);
  return { ...decoded, payload: new Uint8Array(decoded.payload) };
}

describe('the codec of readings', () => {
  it('gives back every reading exactly and writes as many bytes as it said', () => {
    fc.assert(
      fc.property(anyReading, (reading) => {
        expect(roundTrip(reading)).toEqual(reading);
      }),
      { numRuns: 500 },
    );
  });

  it('gives back where a reading came from, and leaves those of one machine as they were', () => {
    fc.assert(
      fc.property(anyReading, anyTravels, (reading, travels) => {
        expect(roundTrip({ ...reading, ...travels })).toEqual({ ...reading, ...travels });
        if (Object.keys(travels).length > 0) return;
        expect(readingSize({ ...reading, ...travels })).toBe(readingSize(reading));
      }),
      { numRuns: 500 },
    );
  });

  it('names the position of a body whose travels are cut short or not of this format', () => {
    const reading: Reading = {
      kind: 'message',
      door: 'mqtt',
      receivedAt: 1,
      device: 'a-device',
      topic: 'a/topic',
      payload: new Uint8Array(0),
      origin: { node: 300, position: 70_000, sequence: 128 },
      passed: { from: 3, registryVersion: 200 },
      fault: { code: 'SOME_CODE', detail: 'why', readings: 4 },
    };
    const body = Buffer.alloc(readingSize(reading));
    writeReading(reading, body, 0);
    const noTravels = Buffer.from(body);
    noTravels[7] = 0;
    const unknownTravels = Buffer.from(body);
    unknownTravels[7] = 8;
    const cut = Array.from(body, (_, length) => body.subarray(0, length));
    for (const bytes of [noTravels, unknownTravels, ...cut]) {
      expect(() => decodeReading(12, bytes)).toThrow(
        expect.objectContaining({ code: 'LOG_READING_UNKNOWN', fields: { position: 12 } }),
      );
    }
  });

  it('gives back topics of the own scheme, which it writes as one byte', () => {
    const endings = ['/obs', '/obs/backfill', '/state', '/meta', '/obs2', '', '/cmd/x', '/OBS'];
    fc.assert(
      fc.property(fc.string({ maxLength: 64 }), fc.constantFrom(...endings), (device, ending) => {
        const reading: Reading = {
          kind: 'message',
          door: 'mqtt',
          receivedAt: 1_700_000_000_000,
          device,
          topic: `env/v1/${device}${ending}`,
          payload: Uint8Array.of(1, 2, 3),
        };
        expect(roundTrip(reading)).toEqual(reading);
      }),
    );
  });

  it('adds nine bytes to device and payload for a topic of the own scheme', () => {
    const reading: Reading = {
      kind: 'message',
      door: 'mqtt',
      receivedAt: 1_700_000_000_000,
      device: 'station-0001',
      topic: 'env/v1/station-0001/obs',
      payload: Buffer.alloc(127),
    };
    expect(readingSize(reading)).toBe(12 + 127 + 9);
  });

  it('names the position of a body that is cut short or is no reading at all', () => {
    const reading: Reading = {
      kind: 'message',
      door: 'mqtt',
      receivedAt: 1,
      device: 'a-device',
      topic: 'a/topic',
      payload: new Uint8Array(0),
    };
    const body = Buffer.alloc(readingSize(reading));
    writeReading(reading, body, 0);
    for (let length = 0; length < body.length; length++) {
      expect(() => decodeReading(12, body.subarray(0, length))).toThrow(
        expect.objectContaining({ code: 'LOG_READING_UNKNOWN', fields: { position: 12 } }),
      );
    }
    const unknownKind = Buffer.from(body);
    unknownKind[0] = 15;
    const unknownDoor = Buffer.from(body);
    unknownDoor[0] = 7 << 4;
    const endless = Buffer.alloc(40, 0xff);
    endless[0] = 0;
    for (const bytes of [unknownKind, unknownDoor, endless]) {
      expect(() => decodeReading(12, bytes)).toThrow(
        expect.objectContaining({ code: 'LOG_READING_UNKNOWN' }),
      );
    }
    const unknownPattern = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 99]);
    expect(() => decodeReading(12, unknownPattern)).toThrow(
      expect.objectContaining({ code: 'LOG_READING_UNKNOWN' }),
    );
  });

  it('blanks who and what, and keeps kind, door and time', () => {
    fc.assert(
      fc.property(anyReading, (reading) => {
        const { position, ...blank } = decodeReading(1, blankReading(reading));
        expect(position).toBe(1);
        expect({ ...blank, payload: new Uint8Array(blank.payload) }).toEqual({
          ...reading,
          device: '',
          topic: '',
          payload: new Uint8Array(0),
        });
      }),
    );
  });

  it('appends to a log exactly what it would write, before append returns', () => {
    const reading: Reading = {
      kind: 'backfill',
      door: 'http',
      receivedAt: 1_700_000_000_123,
      device: 'trạm-01',
      topic: 'push/ecowitt',
      payload: Buffer.from('a=1'),
    };
    const target = Buffer.alloc(200);
    let sizeBytes = 0;
    let answered = 0;
    const writer = {
      append(
        size: number,
        fill: (into: Buffer, at: number) => void,
        done: (error: Error | null, position: number) => void,
      ) {
        sizeBytes = size;
        fill(target, 10);
        done(null, 5);
      },
    } as Pick<LogWriter, 'append'> as LogWriter;
    appendReading(writer, reading, (_, position) => void (answered = position));
    expect(answered).toBe(5);
    expect(decodeReading(5, target.subarray(10, 10 + sizeBytes))).toEqual({
      ...reading,
      position: 5,
    });
  });
});
