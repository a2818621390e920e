/** What every store must do, whatever is behind it. */
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { Position } from '../log/log.ts';
import type { Batch } from '../observations/batch.ts';
import { askAll } from './asking.contract.ts';
import type { StoreFollower, StoreWriter } from './store.ts';
import { createWorld, worldStartAt, type BatchSeed, type World } from './world.contract.ts';

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

type Step =
  | { readonly do: 'grow'; readonly seed: BatchSeed }
  | { readonly do: 'slice'; readonly ms: number }
  | { readonly do: 'flush' }
  | { readonly do: 'reopen' }
  | { readonly do: 'reopenFollower' }
  | { readonly do: 'setBack'; readonly choice: number }
  | { readonly do: 'follow'; readonly count: number; readonly refresh: boolean }
  | { readonly do: 'ask'; readonly follower: boolean; readonly choice: number };

export const rowSeed = fc.record({
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
export const batchSeed = fc.record({
  rows: fc.array(rowSeed, { maxLength: 40 }),
  entries: fc.array(entrySeed, { maxLength: 3 }),
  waitMs: fc.nat({ max: 5_000 }),
}) as fc.Arbitrary<BatchSeed>;
/** None: a log that is no copy. */
const partitions = fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined });
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
    arbitrary: fc.record({
      do: fc.constant('follow'),
      count: fc.integer({ min: 1, max: 4 }),
      refresh: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('ask'), follower: fc.boolean(), choice: fc.nat() }),
  },
) as fc.Arbitrary<Step>;

/** The world, a writer and a follower over it, and the steps that happen to them. */
class Run {
  readonly world: World;
  readonly store: StoreUnderTest;
  writer: StoreWriter;
  follower: StoreFollower;

  constructor(store: StoreUnderTest, world: World) {
    this.store = store;
    this.world = world;
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
        this.follow(one.count, one.refresh);
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

  follow(count: number, refresh: boolean): void {
    if (refresh) this.follower.refresh();
    replay(
      this.follower,
      this.world.batches,
      Math.min(this.world.end, this.follower.position + count),
    );
  }

  end(): void {
    this.follow(this.world.end, true);
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
        fc.property(partitions, fc.array(step, { minLength: 1, maxLength: 40 }), (count, steps) => {
          const store = openOne();
          const run = new Run(store, createWorld(count));
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

    it('gives the same answers built in one go as grown step by step', () => {
      fc.assert(
        fc.property(fc.array(batchSeed, { minLength: 1, maxLength: 20 }), (seeds) => {
          const store = openOne();
          const world = createWorld();
          for (const seed of seeds) world.grow(seed);
          const writer = store.openWriter(world.end);
          replay(writer, world.batches, world.end);
          while (!writer.flushSlice(2)) askAll(writer, world, 3);
          askAll(writer, world, 4);
          writer.close();
          store.removeAll();
        }),
        { numRuns: 20 },
      );
    });

    it('states where ingest goes on: the last batch held, flushed or not', () => {
      const store = openOne();
      const world = createWorld();
      const writer = store.openWriter(0);
      expect([writer.position, writer.consumed, writer.publishedAt]).toEqual([0, 0, 0]);
      writer.apply(1, world.grow({ rows: [plainSeed], entries: [], waitMs: 5 }));
      writer.apply(2, world.grow({ rows: [{ ...plainSeed, slot: 8 }], entries: [], waitMs: 5 }));
      const last = world.batches.get(2)!;
      const expected = [2, last.consumed, last.publishedAt, last.registryVersion, last.totals];
      const said = (held: StoreWriter): unknown[] => [
        held.position,
        held.consumed,
        held.publishedAt,
        held.registryVersion,
        held.totals,
      ];
      expect(said(writer)).toEqual(expected);
      while (!writer.flushSlice(1));
      writer.close();
      const again = store.openWriter(2);
      expect(said(again)).toEqual(expected);
      again.close();
    });

    it('ignores a batch that it holds already', () => {
      const store = openOne();
      const world = createWorld();
      const writer = store.openWriter(0);
      const batch = world.grow({ rows: [plainSeed], entries: [], waitMs: 5 });
      writer.apply(1, batch);
      writer.apply(1, batch);
      while (!writer.flushSlice(1));
      writer.apply(1, batch);
      expect(writer.tailBytes).toBe(0);
      askAll(writer, world, 0);
      writer.close();
    });

    it('refuses a position that it does not hold yet', () => {
      const store = openOne();
      const writer = store.openWriter(0);
      const ask = { series: 0, fromAt: 0, toAt: 1, order: 'asc', limit: 1, asOf: 1 } as const;
      expect(() => writer.range(ask)).toThrow(
        expect.objectContaining({ code: 'STORE_POSITION_AHEAD', canRetry: true }),
      );
      expect(writer.range({ ...ask, asOf: 0 })).toEqual([]);
      expect(writer.range({ ...ask, asOf: 0, limit: 0 })).toEqual([]);
      writer.close();
    });

    it('knows the greatest end of each series, also of rows that never can be the latest', () => {
      const store = openOne();
      const world = createWorld();
      let writer = store.openWriter(0);
      expect(writer.newestAt(0)).toBe(-Infinity);
      const grow = (slot: number, kind: 'value' | 'backfill'): number => {
        const seed = { rows: [{ ...plainSeed, slot, kind }], entries: [], waitMs: 1 };
        const batch = world.grow(seed);
        writer.apply(world.end, batch);
        return batch.rows[0]!.endAt;
      };
      const first = grow(7, 'value');
      expect(writer.newestAt(0)).toBe(first);
      const newest = grow(9, 'backfill');
      grow(8, 'value');
      expect(writer.newestAt(0)).toBe(newest);
      while (!writer.flushSlice(1));
      writer.close();
      writer = store.openWriter(world.end);
      expect(writer.newestAt(0)).toBe(newest);
      expect(writer.newestAt(99)).toBe(-Infinity);
      writer.close();
    });

    it('never moves the latest by late, backfilled or deleted rows, and finds the one before', () => {
      const store = openOne();
      const world = createWorld();
      const writer = store.openWriter(0);
      const follower = store.openFollower();
      const latestSlots: (number | undefined)[] = [];
      const grow = (slot: number, kind: 'value' | 'backfill' | 'deletion'): void => {
        const seed = { rows: [{ ...plainSeed, slot, kind }], entries: [], waitMs: 1 };
        writer.apply(world.end + 1, world.grow(seed));
        replay(follower, world.batches, world.end);
        const [mine, theirs] = [writer.latest(0), follower.latest(0)];
        expect(theirs).toEqual(mine);
        latestSlots.push(mine === undefined ? undefined : (mine.endAt - worldStartAt) / 450_000);
      };
      grow(5, 'backfill');
      grow(10, 'value');
      grow(4, 'value');
      grow(20, 'value');
      grow(30, 'backfill');
      while (!writer.flushSlice(1));
      grow(20, 'deletion');
      grow(12, 'value');
      while (!writer.flushSlice(1));
      grow(12, 'deletion');
      grow(10, 'deletion');
      grow(4, 'deletion');
      expect(latestSlots).toEqual([undefined, 10, 10, 20, 20, 10, 12, 10, 4, undefined]);
      writer.close();
      follower.close();
    });
  });
}

export const plainSeed = { series: 0, day: 0, slot: 7, form: 0, value: 3, kind: 'value' } as const;
