import fc from 'fast-check';
import { expect, test } from 'vitest';

import { createManualClock } from '../../../devices/clock-manual.ts';
import { createPartitions } from '../../observations/partitions.fixture.ts';
import { batchOfResults } from '../batch.fixture.ts';
import { openSimulatedNode, type SimulatedNode } from './nodes.fixture.ts';

const partitionsMax = 3;
const partition = fc.nat({ max: partitionsMax - 1 });

/** Everything from a cursor, in pages, up to an end; gives the cursor behind it. */
async function readAll(
  node: SimulatedNode,
  after: string,
  { limit, until }: { readonly limit: number; readonly until?: string },
): Promise<{ readonly results: readonly (number | undefined)[]; readonly next: string }> {
  const results: (number | undefined)[] = [];
  let next = after;
  for (let pages = 0; pages < 1_000; pages++) {
    const page = await node.page(next, limit, until);
    results.push(...page.changes.map(({ result }) => result));
    ({ next } = page);
    if (page.atEnd) return { results, next };
  }
  throw new Error('no page was the last');
}

test('a reader stops exactly at a cursor of another node, and goes on without gap or repeat', async () => {
  const run = fc.record({
    batches: fc.array(fc.tuple(partition, fc.integer({ min: 0, max: 3 })), { maxLength: 20 }),
    /** The order in which the other node takes what there is; it stops somewhere. */
    taken: fc.array(partition, { maxLength: 20 }),
    mine: fc.array(partition, { maxLength: 80 }),
    isInside: fc.boolean(),
    limit: fc.integer({ min: 1, max: 4 }),
  });
  await fc.assert(
    fc.asyncProperty(run, async ({ batches, taken, mine, isInside, limit }) => {
      const partitions = createPartitions(partitionsMax);
      const clock = createManualClock(1_000_000);
      const [one, other] = [
        await openSimulatedNode({ partitions, clock }),
        await openSimulatedNode({ partitions, clock }),
      ];
      try {
        const begin = (await one.page(undefined, 1)).next;
        let result = 0;
        for (const [to, rows] of batches) {
          const results = Array.from({ length: rows }, () => result++);
          partitions.publish(to, batchOfResults(results, to));
        }
        for (const each of taken) await other.take(each);
        const theirs = await other.page(begin, 1_000);
        const last = theirs.changes.at(-1)?.cursor;
        const isPart = isInside && last !== undefined;
        const end = isPart ? theirs.changes[theirs.changes.length >> 1]!.cursor : theirs.next;
        for (const each of mine) await one.take(each);
        for (let each = 0; each < partitionsMax; each++) while (await one.take(each));
        const before = await readAll(other, begin, { limit, until: end });
        const part = await readAll(one, begin, { limit, until: end });
        expect([...part.results].sort(byNumber)).toEqual([...before.results].sort(byNumber));
        expect(part.next).toBe(end);
        const rest = await readAll(one, part.next, { limit });
        const all = [...part.results, ...rest.results].sort(byNumber);
        expect(all).toEqual(Array.from({ length: result }, (_, each) => each));
      } finally {
        await one.close();
        await other.close();
      }
    }),
    { numRuns: 150 },
  );
});

function byNumber(a: number | undefined, b: number | undefined): number {
  return (a ?? -1) - (b ?? -1);
}
