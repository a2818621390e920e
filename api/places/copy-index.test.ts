import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import {
  createPartitions,
  type PartitionsCopy,
} from '../../ingest/observations/partitions.fixture.ts';
import { batchOfResults } from '../live/batch.fixture.ts';
import { createCopyIndex } from './copy-index.ts';
import { hasAll } from './reach.ts';

const partitions = 3;
const records = 1_500;

/** A copy of so many records, of which one partition has few. */
function filledCopy(seed: number): PartitionsCopy {
  const network = createPartitions(partitions);
  const copy = network.openCopy();
  for (let index = 0; index < records; index++) {
    const partition = index % 97 === seed % 97 ? 2 : ((index * (seed + 1)) % 7) % 2;
    network.publish(partition, batchOfResults([]));
    copy.take(partition);
  }
  return copy;
}

/** The first record that holds more, found by looking at every one. */
function firstBeyond(copy: PartitionsCopy, read: readonly number[]): number {
  const found = copy.places().find(({ place }) => !hasAll(place.positions, read));
  return found?.position ?? records + 1;
}

const reads = fc.array(fc.nat({ max: records }), { minLength: partitions, maxLength: partitions });

describe('the index of a copy', () => {
  test('finds where reading goes on, from notes or from the log, in few reads', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: 200 }),
        fc.integer({ min: 1, max: records + 1 }),
        reads,
        async (seed, notedFrom, read) => {
          const copy = filledCopy(seed);
          const index = createCopyIndex(copy, partitions);
          for (const { position, place } of copy.places()) {
            if (position >= notedFrom) index.note(position, place);
          }
          const position = await index.locate(read);
          const first = firstBeyond(copy, read);
          expect(position).toBeLessThanOrEqual(first);
          expect(position).toBeGreaterThan(first - 65);
          expect(copy.reads).toBeLessThanOrEqual(2 + Math.log2(records));
          expect(copy.readers).toBe(0);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('reads nothing for who is less than a few records behind', async () => {
    const copy = filledCopy(1);
    const index = createCopyIndex(copy, partitions);
    for (const { position, place } of copy.places()) index.note(position, place);
    const read = copy.places()[records - 20]!.place.positions;
    expect(await index.locate(read)).toBeGreaterThan(records - 128);
    expect(copy.reads).toBe(0);
  });

  test('forgets every second note when there are many, and still finds', async () => {
    const copy = filledCopy(1);
    const index = createCopyIndex(copy, partitions);
    const { place } = copy.places()[0]!;
    const far = 4_096 * 64 * 3;
    for (let at = 1; at < far; at += 64) {
      index.note(at, { ...place, positions: [at, 0, 0] });
    }
    expect(await index.locate([far - 1_000, 0, 0])).toBeLessThanOrEqual(far - 999);
    expect(await index.locate([far, 0, 0])).toBeGreaterThan(records);
  });

  test('says that what is not kept any longer cannot be followed', async () => {
    const copy = filledCopy(1);
    copy.trimBefore(1_000);
    const index = createCopyIndex(copy, partitions);
    const placeAt = (position: number) => copy.places()[position - 1]!.place.positions;
    expect(await index.locate(placeAt(998))).toBeUndefined();
    expect(await index.locate([0, 0, 0])).toBeUndefined();
    expect(await index.locate(placeAt(999))).toBe(1_000);
    expect(await index.before()).toEqual(placeAt(999));
  });

  test('of an empty copy begins at its first record', async () => {
    const copy = createPartitions(partitions).openCopy();
    const index = createCopyIndex(copy, partitions);
    expect(await index.locate([0, 4, 0])).toBe(1);
    expect(await index.before()).toEqual([0, 0, 0]);
    expect(await index.positionsAt(0)).toEqual([0, 0, 0]);
    expect(await index.positionsAt(1)).toBeUndefined();
  });

  test('looks behind what is damaged', async () => {
    const copy = filledCopy(1);
    for (let position = 700; position < 800; position++) copy.damage(position);
    const index = createCopyIndex(copy, partitions);
    const placeAt = (position: number) => copy.places()[position - 1]!.place.positions;
    expect(await index.positionsAt(699)).toEqual(placeAt(699));
    expect(await index.positionsAt(750)).toEqual(placeAt(799));
    for (const position of [650, 690, 760, 801]) {
      const found = await index.locate(placeAt(position));
      expect(found).toBeLessThanOrEqual(position + 1);
      expect(found).toBeGreaterThan(Math.min(position, 700) - 65);
    }
  });

  test('refuses a record that has no place', async () => {
    const network = createPartitions(1);
    const copy = network.openCopy();
    network.publish(0, batchOfResults([1]));
    copy.take(0);
    const unplaced = { ...copy, openReader: (from: number) => withoutPlace(copy, from) };
    await expect(createCopyIndex(unplaced, 1).positionsAt(1)).rejects.toThrow('no place');
  });
});

/** A reader that gives an unplaced batch instead. */
function withoutPlace(
  copy: PartitionsCopy,
  from: number,
): ReturnType<PartitionsCopy['openReader']> {
  const reader = copy.openReader(from);
  return Object.assign(Object.create(reader) as typeof reader, {
    read: async () => [{ position: 1, body: Buffer.of(1, 0), rewritten: false }],
  });
}
