import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import Decoder from 'kafkajs/src/protocol/decoder.js';
import decodeByKafkajs from 'kafkajs/src/protocol/recordBatch/v0/decoder.js';
import { describe, expect, it } from 'vitest';
import { batchOf, summed, writeBatch } from './fetch-answer.fixture.ts';
import { createBatchDecoder } from './record-batch.ts';

const decodeBatches = createBatchDecoder();

const content = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes));
// kafkajs takes what every object inherits for a header that came before.
const name = fc.string({ maxLength: 9, unit: 'grapheme' }).filter((text) => !(text in {}));
const record = fc.record({
  key: fc.option(fc.string({ maxLength: 20, unit: 'grapheme' })),
  value: fc.oneof(content, fc.constant(Buffer.alloc(3_000, 'v'))),
  headers: fc.dictionary(name, content, {
    maxKeys: 4,
    noNullPrototype: true,
  }),
});

/** Where the records of a batch begin. */
const recordsAt = 61;
const lengthAt = 8;

/** The same batch with its records compressed, as another client may have written it. */
function gzipped(batch: Buffer): Buffer {
  const records = gzipSync(batch.subarray(recordsAt));
  const bytes = Buffer.concat([batch.subarray(0, recordsAt), records]);
  bytes.writeInt16BE(1, 21);
  bytes.writeInt32BE(bytes.length - 12, lengthAt);
  return summed(bytes);
}

async function readByKafkajs(batch: Buffer) {
  const { records } = await decodeByKafkajs(new Decoder(batch));
  return records.map(({ offset, key, value, headers }) => {
    return { offset: Number(offset), key, value, headers };
  });
}

describe('a record batch', () => {
  it('is read as kafkajs reads it, compressed or not', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(record, { maxLength: 12 }),
        fc.nat(2 ** 40),
        async (records, offset) => {
          const batch = batchOf({ offset, records });
          const [read] = await decodeBatches(batch);
          expect(read?.records).toEqual(await readByKafkajs(batch));
          expect(read?.records).toHaveLength(records.length);
          expect(read).toMatchObject({ behind: offset + records.length, isMarker: false });
          const [unpacked] = await decodeBatches(gzipped(batch));
          expect(unpacked?.records).toEqual(read?.records);
        },
      ),
    );
  });

  it('says who wrote it, and whether it ends a transaction', async () => {
    const batches = [
      writeBatch({ offset: 3, texts: ['a'] }),
      writeBatch({ offset: 4, texts: ['b'], producer: 2 ** 40 }),
      writeBatch({ offset: 5, texts: [], producer: 7, marker: 'abort' }),
    ];
    expect(await decodeBatches(Buffer.concat(batches))).toMatchObject([
      { producerId: '-1', isTransactional: false, isMarker: false, behind: 4 },
      { producerId: `${2 ** 40}`, isTransactional: true, isMarker: false, behind: 5 },
      { producerId: '7', isTransactional: true, isMarker: true, behind: 6 },
    ]);
  });

  it('gives all contents of a name that comes twice, whatever the name', async () => {
    for (const name of ['a', '__proto__', 'constructor']) {
      const twice = { [`${name}`]: Buffer.from('1'), x: Buffer.from('2') };
      const batch = batchOf({
        offset: 0,
        records: [{ key: null, value: Buffer.alloc(0), headers: twice }],
      });
      const [read] = await decodeBatches(batch);
      expect(Object.keys(read?.records[0]?.headers ?? {})).toEqual(Object.keys(twice));
    }
    const pair = { ab: Buffer.from('1'), cd: Buffer.from('2') };
    const batch = batchOf({ offset: 0, records: [{ key: null, value: null, headers: pair }] });
    const renamed = Buffer.from(batch.toString('latin1').replace('cd', 'ab'), 'latin1');
    const [read] = await decodeBatches(summed(renamed));
    expect(read?.records).toEqual([
      { offset: 0, key: null, value: null, headers: { ab: [pair.ab, pair.cd] } },
    ]);
  });

  it('is never read as something else where bytes of it are wrong', async () => {
    const batch = batchOf({
      offset: 0,
      records: [{ key: 'k', value: Buffer.from('value'), headers: { h: Buffer.from('1') } }],
    });
    const changed = (at: number, byte: number): Buffer => {
      const bytes = Buffer.from(batch);
      bytes[at] = byte;
      return bytes;
    };
    const wrong = (at: number, byte: number) => decodeBatches(summed(changed(at, byte)));
    const told = (text: string) => ({
      code: 'KAFKA_BATCH_DAMAGED',
      fields: { reason: expect.stringContaining(text) as unknown },
    });
    await expect(wrong(16, 1)).rejects.toMatchObject(told('format 1, not 2'));
    await expect(wrong(recordsAt, 0x7e)).rejects.toMatchObject(told('ends behind its batch'));
    await expect(wrong(recordsAt, 0x01)).rejects.toMatchObject(told('ends behind its batch'));
    const shorter = batch[recordsAt]! - 2;
    await expect(wrong(recordsAt, shorter)).rejects.toMatchObject(told('not as long as it says'));
    await expect(wrong(60, 2)).rejects.toMatchObject(told('ends within a number'));
    // What lies before the format says where the batch lies, which the server may change.
    const place = fc.integer({ min: 16, max: batch.length - 1 });
    await fc.assert(
      fc.asyncProperty(place, fc.integer({ min: 1, max: 255 }), async (at, difference) => {
        const bytes = changed(at, batch[at]! ^ difference);
        await expect(decodeBatches(bytes)).rejects.toMatchObject({ code: 'KAFKA_BATCH_DAMAGED' });
      }),
    );
  });
});
