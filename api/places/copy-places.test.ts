import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { createManualClock } from '../../devices/clock-manual.ts';
import { createPartitions } from '../../ingest/observations/partitions.fixture.ts';
import { batchOfResults } from '../live/batch.fixture.ts';
import { openSimulatedNode, settle, type Change, type SimulatedNode } from './nodes.fixture.ts';

const partitionsMax = 3;
const nodesMax = 3;

type Step =
  | { readonly do: 'publish'; readonly partition: number; readonly rows: number }
  | { readonly do: 'take'; readonly node: number; readonly partition: number }
  | { readonly do: 'page'; readonly node: number; readonly limit: number }
  | { readonly do: 'live'; readonly node: number; readonly takes: readonly number[] }
  | { readonly do: 'restart'; readonly node: number };

const node = fc.nat({ max: nodesMax - 1 });
const partition = fc.nat({ max: partitionsMax - 1 });
const steps = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('publish'),
        partition,
        rows: fc.integer({ min: 0, max: 4 }),
      }),
    },
    { weight: 6, arbitrary: fc.record({ do: fc.constant('take'), node, partition }) },
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constant('page'),
        node,
        limit: fc.integer({ min: 1, max: 3 }),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('live'),
        node,
        takes: fc.array(partition, { maxLength: 4 }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('restart'), node }) },
  ) as fc.Arbitrary<Step>,
  { minLength: 5, maxLength: 60 },
);

/** A network, and one follower that goes from node to node with the last cursor it was given. */
async function openRun() {
  const partitions = createPartitions(partitionsMax);
  const clock = createManualClock(1_000_000);
  const nodes: SimulatedNode[] = [];
  for (let index = 0; index < nodesMax; index++) {
    nodes.push(await openSimulatedNode({ partitions, clock }));
  }
  const published: number[][] = Array.from({ length: partitionsMax }, () => []);
  const seen: Change[] = [];
  let after = (await nodes[0]!.page(undefined, 1)).next;
  let next = 0;

  function publish(to: number, rows: number): void {
    const results = Array.from({ length: rows }, () => next++);
    published[to]!.push(...results);
    partitions.publish(to, batchOfResults(results, to));
  }

  async function page(at: SimulatedNode, limit: number): Promise<boolean> {
    const given = await at.page(after, limit);
    seen.push(...given.changes);
    // A client may go on from the page's end or from its last change: it is the same.
    const last = given.changes.at(-1)?.cursor;
    after = last !== undefined && next % 2 === 0 ? last : given.next;
    return given.atEnd;
  }

  async function live(at: SimulatedNode, takes: readonly number[]): Promise<void> {
    const client = await at.connect(after);
    await settle();
    for (const from of takes) {
      await at.take(from);
      clock.advance(100);
      await settle();
    }
    client.leave();
    seen.push(...client.changes);
    after = client.lastId;
  }

  async function take(step: Step): Promise<void> {
    if (step.do === 'publish') return publish(step.partition, step.rows);
    const at = nodes[step.node]!;
    if (step.do === 'take') return void (await at.take(step.partition));
    if (step.do === 'page') return void (await page(at, step.limit));
    if (step.do === 'live') return live(at, step.takes);
    return at.restart();
  }

  async function end(): Promise<void> {
    for (const [index, each] of nodes.entries()) {
      for (let from = 0; from < partitionsMax; from++) {
        while (await each.take((from + index) % partitionsMax));
      }
    }
    for (let pages = 0; !(await page(nodes[pages % nodesMax]!, 2)); pages++) {
      if (pages > 1_000) throw new Error('the feed has no end');
    }
  }

  return {
    take,
    end,
    published,
    resultsOf: (of: number) =>
      seen.filter(({ datastream }) => datastream === `d${of}`).map(({ result }) => result),
    readers: () => nodes.map(({ copy }) => copy.readers),
    async close() {
      await Promise.all(nodes.map((each) => each.close()));
    },
  };
}

describe('a follower that goes from node to node', () => {
  test('sees each change once, and those of a datastream in order, wherever it goes when', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const run = await openRun();
        try {
          for (const step of all) await run.take(step);
          await run.end();
          for (const [of, results] of run.published.entries()) {
            expect(run.resultsOf(of)).toEqual(results);
          }
        } finally {
          await run.close();
        }
        expect(run.readers()).toEqual([0, 0, 0]);
      }),
      { numRuns: 60 },
    );
  });
});
