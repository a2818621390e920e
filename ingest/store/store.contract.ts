/** What every store must do, whatever is behind it. */
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { Position } from '../log/log.ts';
import type { Batch } from '../observations/batch.ts';
import { naiveStore } from './naive.contract.ts';
import type { RangeQuery, StoreFollower, StoreReader, StoreWriter } from './store.ts';
import {
  createWorld,
  plainRow,
  worldStartAt,
  type BatchSeed,
  type World,
} from './world.contract.ts';

/** One store under test; made anew for every run. */
export interface StoreUnderTest {
  openWriter(logEnd: Position): StoreWriter;
  openFollower(): StoreFollower;
  /** Sets the store's files back to an earlier moment, `choice` of 0 to 1 of the way. */
  setBack?(choice: number): void;
  /** A moment that `setBack` may go back to; called while nothing is being written. */
  keepMoment?(): void;
  removeAll(): void;
}

export const isCircularSeries = (series: number): boolean => series === 2;

type Step =
  | { readonly do: 'grow'; readonly seed: BatchSeed }
  | { readonly do: 'slice'; readonly ms: number }
  | { readonly do: 'flush' }
  | { readonly do: 'reopen' }
  | { readonly do: 'reopenFollower' }
  | { readonly do: 'setBack'; readonly choice: number }
  | { readonly do: 'follow'; readonly count: number }
  | { readonly do: 'ask'; readonly follower: boolean; readonly choice: number };

const rowSeed = fc.record({
  series: fc.integer({ min: 0, max: 2 }),
  day: fc.integer({ min: 0, max: 2 }),
  slot: fc.integer({ min: 0, max: 39 }),
  form: fc.nat({ max: 120 }),
  value: fc.nat({ max: 2_000 }),
  kind: fc.constantFrom('value', 'value', 'history', 'deletion', 'repeat', 'backfill', 'null'),
});
const entrySeed = fc.record({
  reading: fc.integer({ min: 1, max: 6 }),
  channel: fc.integer({ min: 0, max: 2 }),
  end: fc.boolean(),
});
const batchSeed = fc.record({
  rows: fc.array(rowSeed, { maxLength: 40 }),
  entries: fc.array(entrySeed, { maxLength: 3 }),
  waitMs: fc.nat({ max: 5_000 }),
}) as fc.Arbitrary<BatchSeed>;
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('grow'), seed: batchSeed }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('slice'), ms: fc.integer({ min: 1, max: 9 }) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('flush', 'reopen', 'reopenFollower') }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('setBack'),
      choice: fc.double({ min: 0, max: 0.999, noNaN: true }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('follow'), count: fc.integer({ min: 1, max: 4 }) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('ask'), follower: fc.boolean(), choice: fc.nat() }),
  },
) as fc.Arbitrary<Step>;

/** The world, a writer and a follower over it, and the steps that happen to them. */
class Run {
  readonly world: World = createWorld();
  readonly store: StoreUnderTest;
  writer: StoreWriter;
  follower: StoreFollower;

  constructor(store: StoreUnderTest) {
    this.store = store;
    this.writer = store.openWriter(0);
    this.follower = store.openFollower();
    store.keepMoment?.();
  }

  take(one: Step): void {
    switch (one.do) {
      case 'grow':
        this.writer.apply(this.world.end + 1, this.world.grow(one.seed));
        return;
      case 'slice':
        this.writer.flushSlice(one.ms);
        this.store.keepMoment?.();
        return;
      case 'flush':
        for (let slices = 0; !this.writer.flushSlice(3); slices++) {
          this.store.keepMoment?.();
          if (slices > 10_000) throw new Error('The flush does not end');
        }
        this.store.keepMoment?.();
        return;
      case 'reopen':
        this.writer.close();
        this.openWriter();
        return;
      case 'reopenFollower':
        this.follower.close();
        this.follower = this.store.openFollower();
        return;
      case 'setBack':
        this.setBack(one.choice);
        return;
      case 'follow':
        this.follow(one.count);
        return;
      case 'ask':
        askAll(one.follower ? this.follower : this.writer, this.world, one.choice);
    }
  }

  openWriter(): void {
    this.writer = this.store.openWriter(this.world.end);
    replay(this.writer, this.world.batches, this.world.end);
  }

  setBack(choice: number): void {
    if (this.store.setBack === undefined) return;
    this.writer.close();
    this.follower.close();
    this.store.setBack(choice);
    this.openWriter();
    this.follower = this.store.openFollower();
  }

  follow(count: number): void {
    this.follower.refresh();
    replay(
      this.follower,
      this.world.batches,
      Math.min(this.world.end, this.follower.position + count),
    );
  }

  end(): void {
    this.follow(this.world.end);
    askAll(this.writer, this.world, 1);
    askAll(this.follower, this.world, 2);
    this.close();
  }

  close(): void {
    this.writer.close();
    this.follower.close();
  }
}

export function replay(
  store: StoreFollower,
  batches: ReadonlyMap<Position, Batch>,
  to: Position,
): void {
  for (let position = store.position + 1; position <= to; position++) {
    store.apply(position, batches.get(position)!);
  }
}

/** Asks everything and compares with the plain answers at the position that the store states. */
export function askAll(store: StoreReader, world: World, choice: number): void {
  const naive = naiveStore(world.batches, store.position, isCircularSeries);
  const end = store.position;
  expect(store.series()).toEqual(naive.series());
  for (let series = 0; series < 3; series++) {
    const latest = store.latest(series);
    const expected = naive.latest(series);
    expect(latest && plainRow(latest)).toEqual(expected && plainRow(expected));
    askRange(store, naive, { series, fromAt: 0, toAt: 4e12, order: 'asc', limit: 10_000 });
    askPages(store, naive, series, choice);
    const everything = naive.kept({ series, limit: 1e6 });
    expect(store.kept({ series, limit: 1e6 }).map(plainRow)).toEqual(everything.map(plainRow));
    const some = everything[choice % Math.max(1, everything.length)];
    if (some !== undefined) {
      const key = { ...some, series };
      expect(store.revisions(key).map(plainRow)).toEqual(naive.revisions(key).map(plainRow));
      const query = { series, after: key, limit: 5 };
      expect(store.kept(query).map(plainRow)).toEqual(naive.kept(query).map(plainRow));
    }
    expect(store.hours(series, 0, 4e12)).toEqual(naive.hours(series, 0, 4e12));
    const from = worldStartAt + (choice % 100) * 450_000;
    const to = from + 20 * 3_600_000;
    expect(store.hours(series, from, to)).toEqual(naive.hours(series, from, to));
  }
  askEntries(store, naive, choice);
  const publishedAt = world.batches.get((choice % Math.max(1, end)) + 1)?.publishedAt ?? 0;
  for (const at of [publishedAt, publishedAt - 1, 0, 4e12]) {
    expect(store.positionAt(at)).toBe(naive.positionAt(at));
  }
}

type Naive = ReturnType<typeof naiveStore>;

function askRange(store: StoreReader, naive: Naive, query: RangeQuery): void {
  expect(store.range(query).map(plainRow)).toEqual(naive.range(query).map(plainRow));
}

/** Pages of both orders, now and at an earlier position, whole and cut. */
function askPages(store: StoreReader, naive: Naive, series: number, choice: number): void {
  const fromAt = worldStartAt + (choice % 300) * 450_000;
  for (const order of ['asc', 'desc'] as const) {
    const asOf = choice % (store.position + 1);
    askRange(store, naive, { series, fromAt: 0, toAt: 4e12, order, limit: 10_000, asOf });
    askRange(store, naive, { series, fromAt, toAt: fromAt + 9e7, order, limit: 1 + (choice % 9) });
    const limit = 1 + (choice % 13);
    const query = { series, fromAt: 0, toAt: 4e12, order, limit, asOf } as const;
    const whole = naive.range({ ...query, limit: 10_000 }).map(plainRow);
    const paged: unknown[] = [];
    let page = store.range(query);
    while (page.length > 0 && paged.length <= whole.length) {
      paged.push(...page.map(plainRow));
      page = store.range({ ...query, after: page.at(-1)! });
    }
    expect(paged).toEqual(whole);
  }
}

function askEntries(store: StoreReader, naive: Naive, choice: number): void {
  const limit = 1 + (choice % 4);
  for (const query of [
    { limit: 100 },
    { limit },
    { limit, state: 'open' as const },
    { limit, state: 'replayed' as const },
    { limit, device: 'device-1' },
    { limit, beforePosition: 4 },
  ]) {
    expect(store.quarantine(query)).toEqual(naive.quarantine(query));
  }
  expect(store.control({ device: 'device-0', limit })).toEqual(
    naive.control({ device: 'device-0', limit }),
  );
}

export function describeStore(name: string, open: () => StoreUnderTest): void {
  describe(`${name} as a store`, () => {
    const opened: StoreUnderTest[] = [];
    const openOne = (): StoreUnderTest => {
      const store = open();
      opened.push(store);
      return store;
    };
    afterEach(() => {
      for (const store of opened.splice(0)) store.removeAll();
    });

    it('answers as all batches say, whatever is flushed, reopened or set back in between', () => {
      fc.assert(
        fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), (steps) => {
          const store = openOne();
          const run = new Run(store);
          try {
            for (const one of steps) run.take(one);
            run.end();
          } catch (error) {
            run.close();
            throw error;
          } finally {
            store.removeAll();
          }
        }),
        { numRuns: 60 },
      );
    });
  });
}
