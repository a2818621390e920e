import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { KafkaRecord, OutgoingRecord } from '../log/kafka/kafka.ts';
import { doors, readingKinds, type Reading } from '../reading.ts';
import { readingToRecord, recordToReading } from './reading-record.ts';

const anyCount = fc.integer({ min: 1, max: 2 ** 49 - 1 });

const anyReading: fc.Arbitrary<Reading> = fc
  .record({
    reading: fc.record({
      kind: fc.constantFrom(...readingKinds),
      door: fc.constantFrom(...doors),
      receivedAt: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
      device: fc.string({ unit: 'grapheme', maxLength: 64 }),
      topic: fc.string({ unit: 'grapheme', maxLength: 200 }),
      payload: fc.uint8Array({ maxLength: 500 }),
      origin: fc.record({
        node: fc.integer({ min: 1, max: 65_535 }),
        position: anyCount,
        sequence: anyCount,
      }),
    }),
    passed: fc.option(
      fc.record({
        from: fc.integer({ min: 0, max: 1_023 }),
        registryVersion: fc.nat(),
      }),
    ),
    fault: fc.option(fc.string({ unit: 'grapheme', maxLength: 200 })),
  })
  .filter(({ reading, passed, fault }) => {
    const isMessage = reading.kind === 'message' || reading.kind === 'backfill';
    return passed === null || (isMessage && fault === null);
  })
  .map(({ reading, passed, fault }) => ({
    ...reading,
    ...(passed === null ? {} : { passed }),
    ...(fault === null
      ? {}
      : {
          fault: {
            code: 'INGEST_READING_UNREADABLE',
            detail: fault,
            readings: reading.origin.sequence,
          },
        }),
  }));

/** As a server gives it back. */
function stored(outgoing: OutgoingRecord): KafkaRecord {
  return {
    offset: 41,
    key: outgoing.key === null ? null : Buffer.from(outgoing.key),
    value: outgoing.value,
    headers: Object.fromEntries(
      Object.entries(outgoing.headers ?? {}).map(([name, text]) => [name, Buffer.from(text)]),
    ),
  };
}

function recordOf(reading: Reading): KafkaRecord {
  return stored(readingToRecord(reading, { topic: 'readings', partition: 3, key: 'station-1' }));
}

const aReading: Reading = {
  kind: 'message',
  door: 'mqtt',
  receivedAt: 1_700_000_000_000,
  device: 'device-1',
  topic: 'env/v1/device-1/obs',
  payload: Buffer.from('{"t":21}'),
  origin: { node: 7, position: 12, sequence: 4 },
};

describe('a reading as a record of the topic', () => {
  it('comes back exactly, with its origin, its passage and its fault', () => {
    fc.assert(
      fc.property(anyReading, (reading) => {
        const back = recordToReading(recordOf(reading), 43_011);
        expect({ ...back, payload: new Uint8Array(back.payload) }).toEqual({
          ...reading,
          position: 43_011,
        });
      }),
      { numRuns: 300 },
    );
  });

  it('goes where it is sent, with the payload untouched as its value', () => {
    const outgoing = readingToRecord(aReading, {
      topic: 'readings',
      partition: 3,
      key: 'station-1',
    });
    expect(outgoing).toEqual({
      topic: 'readings',
      partition: 3,
      key: 'station-1',
      value: Buffer.from('{"t":21}'),
      headers: {
        kind: 'message',
        door: 'mqtt',
        device: 'device-1',
        topic: 'env/v1/device-1/obs',
        receivedAt: '1700000000000',
        node: '7',
        position: '12',
        sequence: '4',
      },
    });
  });

  it.each([
    ['kind', 'telegram'],
    ['door', 'window'],
    ['receivedAt', '-1'],
    ['receivedAt', '1e3'],
    ['receivedAt', '999999999999999'],
    ['node', '-1'],
    ['node', '65536'],
    ['node', ''],
    ['position', '0'],
    ['position', '1.5'],
    ['sequence', '0x10'],
    ['from', '1024'],
    ['fault', 'not a code'],
    ['readings', '5'],
  ])('is quarantined with its bytes where the header %s is %j', (name, value) => {
    const record = recordOf({
      ...aReading,
      passed: { from: 2, registryVersion: 9 },
      fault: { code: 'INGEST_READING_ERASED', detail: 'erased', readings: 1 },
    });
    const headers = { ...record.headers, [name]: Buffer.from(value) };
    const reading = recordToReading({ ...record, headers }, 9);
    expect(reading).toEqual({
      position: 9,
      kind: 'message',
      door: 'internal',
      receivedAt: 0,
      device: '',
      topic: '',
      payload: Buffer.from('{"t":21}'),
      fault: {
        code: 'INGEST_RECORD_FOREIGN',
        detail: expect.stringContaining(name),
        readings: 1,
      },
    });
  });

  it('is quarantined where it was passed on and is no message, which alone can be', () => {
    const passed = { from: 2, registryVersion: 9 };
    const fault = { code: 'INGEST_READING_ERASED', detail: 'erased', readings: 1 };
    const others = readingKinds.filter((kind) => kind !== 'message' && kind !== 'backfill');
    for (const wrong of [{ fault }, ...others.map((kind) => ({ kind }))]) {
      const reading = recordToReading(recordOf({ ...aReading, passed, ...wrong }), 9);
      expect(reading.fault?.code).toBe('INGEST_RECORD_FOREIGN');
      expect(reading.origin).toBeUndefined();
    }
  });

  it('is quarantined where a header is missing, comes twice, or there is no value at all', () => {
    const { headers, ...rest } = recordOf(aReading);
    for (const name of Object.keys(headers)) {
      const { [name]: _, ...fewer } = headers;
      const twice = { ...headers, [name]: [Buffer.from('a'), Buffer.from('b')] };
      for (const wrong of [fewer, twice as unknown as KafkaRecord['headers']]) {
        const { fault } = recordToReading({ ...rest, headers: wrong }, 9);
        expect(fault?.code).toBe('INGEST_RECORD_FOREIGN');
        expect(fault?.detail).toContain(name);
      }
    }
    const nothing = recordToReading({ ...rest, headers, value: null }, 9);
    expect(nothing.fault?.code).toBe('INGEST_RECORD_FOREIGN');
    expect(nothing.payload).toHaveLength(0);
  });

  it('never fails, whatever another program wrote', () => {
    const anyHeaders = fc.dictionary(
      fc.oneof(
        fc.constantFrom('kind', 'door', 'node', 'position', 'fault', '__proto__'),
        fc.string(),
      ),
      fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
    );
    const anyBytes = fc.option(fc.uint8Array().map((bytes) => Buffer.from(bytes)));
    fc.assert(
      fc.property(anyBytes, anyHeaders, (value, headers) => {
        const reading = recordToReading({ offset: 0, key: null, value, headers }, 1);
        expect(reading.fault?.code).toBe('INGEST_RECORD_FOREIGN');
      }),
    );
  });
});
