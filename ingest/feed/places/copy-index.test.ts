import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import {
  createPartitions,
  type Partitions,
  type PartitionsCopy,
} from '../../observations/partitions.fixture.ts';
import { batchOfResults } from '../batch.fixture.ts';
import { createCopyIndex, pinBehind } from './copy-index.ts';
import { createHolder } from './nodes.fixture.ts';
import { hasAll } from './reach.ts';

const partitions = 3;
const records = 60;

interface Filled {
  readonly network: Partitions;
  readonly copy: PartitionsCopy;
}

/** A copy of so many records, of which one partition has few. */
function fill(seed: number): Filled {
  const network = createPartitions(partitions);
  const copy = network.openCopy();
  for (let index = 0; index < records; index++) {
    const partition = index % 17 === seed % 17 ? 2 : ((index * (seed + 1)) % 7) % 2;
    network.publish(partition, batchOfResults([]));
    copy.take(partition);
  }
  return { network, copy };
}

function indexOf({ network, copy }: Filled) {
  const store = createHolder(copy, network);
  return { store, index: createCopyIndex({ source: copy, store, partitions }) };
}

const placeAt = ({ copy }: Filled, position: number) =>
  copy.places()[position - 1]!.place.positions;

/** The first record that holds more, found by looking at every one. */
function firstBeyond({ copy }: Filled, read: readonly number[]): number {
  const found = copy.places().find(({ place }) => !hasAll(place.positions, read));
  return found?.position ?? records + 1;
}

const reads = fc.array(fc.nat({ max: records }), { minLength: partitions, maxLength: partitions });

describe('the index of a copy', () => {
  test('finds where reading goes on, and reads no more than the first record, once', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: 200 }), reads, reads, async (seed, one, other) => {
        const filled = fill(seed);
        const { index } = indexOf(filled);
        expect(await index.locate(one)).toBe(firstBeyond(filled, one));
        expect(await index.locate(other)).toBe(firstBeyond(filled, other));
        expect([filled.copy.reads, filled.copy.readers]).toEqual([1, 0]);
      }),
    );
  });

  test('knows up to where a batch is the last of its partition', () => {
    fc.assert(
      fc.property(fc.nat({ max: 200 }), reads, (seed, read) => {
        const filled = fill(seed);
        const { store } = indexOf(filled);
        for (const [partition, number] of read.entries()) {
          const pin = pinBehind(store, partition, number);
          const isBeyond = ({
            partition: of,
            positions,
          }: {
            partition: number;
            positions: readonly number[];
          }) => of === partition && positions[of]! > number;
          const next = filled.copy.places().find(({ place }) => isBeyond(place));
          expect(pin).toBe((next?.position ?? records + 1) - 1);
        }
      }),
    );
  });

  test('says that what is not kept any longer cannot be followed', async () => {
    const filled = fill(1);
    filled.copy.trimBefore(40);
    const { index } = indexOf(filled);
    expect(await index.locate(placeAt(filled, 38))).toBeUndefined();
    expect(await index.locate([0, 0, 0])).toBeUndefined();
    expect(await index.locate(placeAt(filled, 39))).toBe(40);
    expect(await index.before()).toEqual(placeAt(filled, 39));
  });

  test('of an empty copy begins at its first record', async () => {
    const network = createPartitions(partitions);
    const { index } = indexOf({ network, copy: network.openCopy() });
    expect(await index.locate([0, 4, 0])).toBe(1);
    expect(await index.before()).toEqual([0, 0, 0]);
    expect(await index.positionsAt(0)).toEqual([0, 0, 0]);
    expect(await index.positionsAt(1)).toBeUndefined();
  });

  test('looks behind what is damaged', async () => {
    const filled = fill(1);
    for (const position of [20, 21, 22]) filled.copy.damage(position);
    const { index } = indexOf(filled);
    expect(await index.positionsAt(19)).toEqual(placeAt(filled, 19));
    expect(await index.positionsAt(20)).toEqual(placeAt(filled, 22));
    filled.copy.damage(records);
    expect(await index.positionsAt(records)).toBeUndefined();
  });

  test('goes on where it can behind batches that the view never saw', async () => {
    const filled = fill(1);
    const { store } = indexOf(filled);
    const [first] = placeAt(filled, records);
    const hidden = (from: number, to: number): Parameters<typeof createCopyIndex>[0]['store'] => ({
      ...store,
      position: records,
      numberedUpTo(number, partition) {
        const found = store.numberedUpTo(number, partition);
        if (partition !== 0 || found === undefined || found.number < from) return found;
        if (found.number > to) return found;
        return from === 1 ? undefined : store.numberedUpTo(from - 1, partition);
      },
    });
    const locate = (given: ReturnType<typeof hidden>, read: readonly number[]) =>
      createCopyIndex({ source: filled.copy, store: given, partitions }).locate(read);
    const everything = [0, records, records];
    expect(await locate(hidden(1, 3), everything)).toBeUndefined();
    expect(pinBehind(hidden(1, 3), 0, 1)).toBe(0);
    const fourth = store.numberedUpTo(4, 0)!.position;
    expect(await locate(hidden(5, 6), [4, records, records])).toBe(fourth + 1);
    expect(pinBehind(hidden(5, 6), 0, 4)).toBe(fourth);
    expect(first).toBeGreaterThan(6);
  });

  test('refuses a record that has no place', async () => {
    const filled = fill(1);
    const { store } = indexOf(filled);
    const source = {
      ...filled.copy,
      openReader: (from: number) => withoutPlace(filled.copy, from),
    };
    const index = createCopyIndex({ source, store, partitions });
    await expect(index.positionsAt(1)).rejects.toThrow('no place');
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
