import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';

import { createManualClock } from '../../../devices/clock-manual.ts';
import { createPartitions } from '../../observations/partitions.fixture.ts';
import { batchOfResults } from '../batch.fixture.ts';
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

const codeOf = (given: Promise<unknown>) =>
  given.then(
    () => 'nothing',
    (error: unknown) => (error as { readonly code?: string }).code,
  );

/** Two nodes that hold the same of two partitions, in different order, and a third batch each. */
async function openTwo() {
  const partitions = createPartitions(2);
  const clock = createManualClock(1_000_000);
  const level = { at: -Infinity, held: new Map<number, number>() };
  const levelAt = (partition: number) => level.held.get(partition) ?? level.at;
  const options = { partitions, clock, levelAt };
  const one = await openSimulatedNode(options);
  const other = await openSimulatedNode(options);
  onTestFinished(() => Promise.all([one.close(), other.close()]).then(() => undefined));
  const publish = (to: number, result: number, publishedAt: number) =>
    partitions.publish(to, { ...batchOfResults([result], to), publishedAt });
  for (const nth of [0, 1, 2]) {
    publish(0, nth, 1_000 + nth * 100);
    publish(1, nth, 1_250 + nth * 100);
  }
  for (const of of [0, 0, 1, 1]) await one.take(of);
  for (const of of [1, 0, 1, 0]) await other.take(of);
  /** Until it is so, while time runs and everything else does. */
  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= 100) {
      await settle();
      clock.advance(100);
    }
    await settle();
  };
  return { partitions, clock, level, one, other, publish, pass };
}

describe('places on the nodes of a network', () => {
  test('have the same cursors and tags where the same was copied, and pins of their own', async () => {
    const { one, other } = await openTwo();
    const [here, there] = [await one.places.at(4), await other.places.at(4)];
    expect([here.cursor, here.tag, here.pin]).toEqual([there.cursor, there.tag, there.pin]);
    const earlier = await one.places.at(3);
    expect(earlier.cursor).not.toBe(here.cursor);
    expect(await one.places.at(4)).toBe(await one.places.at(4));
    const [mine, theirs] = await Promise.all(
      [one, other].map(({ places }) => places.ofPin(earlier.pin)),
    );
    expect([mine?.cursor, theirs?.cursor]).toEqual([earlier.cursor, earlier.cursor]);
    // Both of partition 0, and of partition 1 one: what is before its second in each log.
    expect([mine?.pinOf(0), mine?.pinOf(1)]).toEqual([4, 3]);
    expect([theirs?.pinOf(0), theirs?.pinOf(1)]).toEqual([4, 2]);
    expect(mine?.pinOf(99)).toBe(0);
    const pins = other.places.pinsBefore(earlier.tag, there);
    expect([pins?.pinOf(0), pins?.pinOf(1)]).toEqual([4, 2]);
    expect(other.places.pinsBefore(here.tag, earlier)).toBeUndefined();
    for (const wrong of ['', 'zz', 'AgQE']) {
      expect(other.places.pinsBefore(wrong, here)).toBeUndefined();
    }
  });

  test('know by which version of the registry the last batch of each partition was decided', async () => {
    const partitions = createPartitions(partitionsMax);
    const clock = createManualClock(1_000_000);
    const one = await openSimulatedNode({ partitions, clock });
    onTestFinished(async () => {
      const closing = one.close();
      await settle();
      await closing;
    });
    for (const [at, registryVersion] of [
      [1, 6],
      [0, 3],
      [1, 7],
      [0, 4],
    ] as const) {
      partitions.publish(at, { ...batchOfResults([registryVersion], at), registryVersion });
      await one.take(at);
    }
    const versionOf = await one.places.versionsAt(one.feed.position);
    expect([0, 1, 2, 9].map(versionOf)).toEqual([4, 7, undefined, undefined]);
  });

  test('wait a while for what another node has, then say that they cannot answer', async () => {
    const { one, other, pass } = await openTwo();
    await one.take(0);
    const moment = await one.places.at(5);
    const waiting = other.places.ofPin(moment.pin);
    await pass(2_000);
    await other.take(0);
    await pass(200);
    expect((await waiting).cursor).toBe(moment.cursor);
    await one.take(1);
    const { pin } = await one.places.at(6);
    const code = codeOf(other.places.ofPin(pin));
    await pass(11_000);
    expect(await code).toBe('API_UNAVAILABLE');
    expect(await codeOf(other.places.ofPin(4))).toBe('API_PAGE_EXPIRED');
    expect(await codeOf(other.places.ofPin('garbage'))).toBe('API_PAGE_INVALID');
  });

  test('tell a moment of which more could come only when it cannot', async () => {
    const { one, other, level, pass } = await openTwo();
    const passed = await one.places.asOf(1_050);
    expect(passed.cursor).toBe((await other.places.asOf(1_050)).cursor);
    expect([passed.pinOf(0), passed.pinOf(1)]).toEqual([1, 2]);
    const code = codeOf(one.places.asOf(1_300));
    await pass(12_000);
    expect(await code).toBe('API_UNAVAILABLE');
    level.at = 1_300 + 1_000;
    const settled = await one.places.asOf(1_300);
    expect([settled.pinOf(0), settled.pinOf(1)]).toEqual([4, 3]);
    expect((await other.places.asOf(1_300)).cursor).toBe(settled.cursor);
  });

  test('tell no moment behind which a partition has stopped, however level the others are', async () => {
    const { one, other, level, publish, pass } = await openTwo();
    level.at = 10_000;
    level.held.set(1, 2_500);
    publish(0, 3, 3_000);
    while (await one.take(0));
    while (await other.take(0));
    for (const { places } of [one, other]) {
      const before = await places.asOf(1_420);
      const code = codeOf(places.asOf(3_000));
      await pass(12_000);
      expect(await code).toBe('API_UNAVAILABLE');
      // What was told of earlier moments stays as it was.
      expect((await places.asOf(1_420)).cursor).toBe(before.cursor);
    }
  });

  test('hold a live client that comes from further on until this node has come there', async () => {
    const { one, other, pass } = await openTwo();
    for (const of of [0, 1]) await one.take(of);
    const client = await other.connect((await one.page('now', 1)).next);
    await pass(1_000);
    await other.take(0);
    await pass(1_000);
    expect(client.changes).toEqual([]);
    await other.take(1);
    await pass(200);
    expect(client.changes).toEqual([]);
    client.leave();
  });

  test('keep a live client waiting whose cursor nobody ever had, and let it go', async () => {
    const { one, pass, publish } = await openTwo();
    const bytes = Buffer.concat([Buffer.from('2:network:'), Buffer.of(2, 100, 100)]);
    const client = await one.connect(bytes.toString('base64url'));
    publish(0, 9, 2_000);
    for (const of of [0, 0]) await one.take(of);
    await pass(20_000);
    expect(client.changes).toEqual([]);
    expect(client.lastId).toBe(bytes.toString('base64url'));
    client.leave();
    await pass(200);
    expect(one.copy.readers).toBe(1);
  });

  test('read on behind a record that cannot be read', async () => {
    const { one, publish } = await openTwo();
    publish(1, 3, 3_000);
    for (const of of [1, 0, 1]) await one.take(of);
    const { next } = await one.page(undefined, 1);
    await one.restart();
    one.copy.damage(5);
    expect((await one.page(next, 9)).changes.length).toBeGreaterThan(0);
    const results: unknown[] = [];
    for (let after = next, isEnd = false; !isEnd;) {
      const page = await one.page(after, 9);
      results.push(...page.changes.map(({ datastream, result }) => `${datastream}:${result}`));
      after = page.next;
      isEnd = page.atEnd;
    }
    // The record 5 is the third of partition 1; the one behind it is shown.
    expect(results).toEqual(['d0:1', 'd1:0', 'd1:1', 'd0:2', 'd1:3']);
    expect(await codeOf(Promise.resolve(one.places.at(7)))).toBe('nothing');
    one.copy.damage(7);
    await one.restart();
    expect(await codeOf(Promise.resolve(one.places.at(7)))).toBe('API_UNAVAILABLE');
  });

  test('refuse more partitions than a cursor can name', async () => {
    const options = { partitions: createPartitions(65), clock: createManualClock(0) };
    await expect(openSimulatedNode(options)).rejects.toThrow('64 partitions');
  });
});

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
