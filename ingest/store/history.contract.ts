/** What every view that answers about observations must do, wherever it is. */
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { Position } from '../log/log.ts';
import type { Batch } from '../observations/batch.ts';
import { askHistory } from './asking.contract.ts';
import type { HistoryReader } from './history.ts';
import { batchSeed, plainSeed } from './store.contract.ts';
import {
  createWorld,
  worldStartAt,
  type BatchSeed,
  type RowSeed,
  type World,
} from './world.contract.ts';

/** One view under test; made anew for every run. */
export interface HistoryUnderTest {
  readonly reader: HistoryReader;
  /** Takes the batch of a position; they come in order, and any may come again. */
  take(position: Position, batch: Batch): Promise<void>;
  remove(): Promise<void>;
}

export interface HistorySuite {
  readonly open: () => Promise<HistoryUnderTest>;
  /** Runs of each property. */
  readonly numRuns: number;
  /** Why it cannot be run here: printed with the tests that are then skipped. */
  readonly missing?: string | undefined;
}

/** No decider says one revision of a key in two batches; what comes again is the batch. */
function withoutRepeats(seed: BatchSeed): BatchSeed {
  const rows = seed.rows.map((row) =>
    row.kind === 'repeat' ? { ...row, kind: 'value' as const } : row,
  );
  return { ...seed, rows };
}

export function describeHistory(name: string, suite: HistorySuite): void {
  const { open, numRuns, missing } = suite;
  const why = missing === undefined ? '' : ` (${missing})`;
  describe.skipIf(missing !== undefined)(`${name} as a view to ask${why}`, () => {
    const opened: HistoryUnderTest[] = [];
    async function openOne(): Promise<HistoryUnderTest> {
      const view = await open();
      opened.push(view);
      return view;
    }
    async function removeAll(): Promise<void> {
      for (const view of opened.splice(0)) await view.remove();
    }
    afterEach(removeAll);

    async function grow(view: HistoryUnderTest, world: World, rows: RowSeed[]): Promise<Batch> {
      const batch = world.grow({ rows, entries: [], waitMs: 5 });
      await view.take(world.end, batch);
      return batch;
    }

    it('answers as all batches say, also of an earlier position', async () => {
      const choice = fc.nat({ max: 1e6 });
      const seeds = fc.array(batchSeed.map(withoutRepeats), { minLength: 1, maxLength: 12 });
      await fc.assert(
        fc.asyncProperty(seeds, choice, choice, async (grown, first, last) => {
          const view = await openOne();
          const world = createWorld();
          for (const [at, seed] of grown.entries()) {
            await view.take(world.end + 1, world.grow(seed));
            const again = world.batches.get((first % world.end) + 1)!;
            if (at % 3 === 0) await view.take((first % world.end) + 1, again);
            if (at === first % grown.length) await askHistory(view.reader, world, world.end, first);
          }
          await askHistory(view.reader, world, world.end, last);
          await removeAll();
        }),
        { numRuns },
      );
    });

    it('takes a batch again without a difference', async () => {
      const view = await openOne();
      const world = createWorld();
      const kinds = ['value', 'value', 'history', 'history', 'deletion'] as const;
      for (const [at, kind] of kinds.entries()) {
        await grow(view, world, [{ ...plainSeed, value: at, kind }]);
      }
      for (const [position, batch] of world.batches) await view.take(position, batch);
      await askHistory(view.reader, world, world.end, 3);
    });

    it('finds every row of an instant that has more of them than a page', async () => {
      const view = await openOne();
      const world = createWorld();
      for (let round = 0; round < 6; round++) {
        const rows = Array.from({ length: 40 }, (_, at): RowSeed => {
          const kind = at % 5 === 4 ? 'history' : 'value';
          return { ...plainSeed, form: at % 4, value: round * 40 + at, kind };
        });
        await grow(view, world, rows);
      }
      await askHistory(view.reader, world, world.end, 11);
    });

    it('refuses a position that it does not hold yet', async () => {
      const { reader } = await openOne();
      const ask = { series: 0, fromAt: 0, toAt: 1, order: 'asc', limit: 1, asOf: 1 } as const;
      await expect(reader.range(ask)).rejects.toMatchObject({
        code: 'STORE_POSITION_AHEAD',
        canRetry: true,
      });
      expect(await reader.range({ ...ask, asOf: 0 })).toEqual([]);
      expect(await reader.range({ ...ask, asOf: 0, limit: 0 })).toEqual([]);
      expect(await reader.kept({ series: 0, limit: 0 })).toEqual([]);
    });

    it('never moves the latest by late, backfilled or deleted rows, and finds the one before', async () => {
      const view = await openOne();
      const world = createWorld();
      const latestSlots: (number | undefined)[] = [];
      const tell = async (slot: number, kind: RowSeed['kind']): Promise<void> => {
        await grow(view, world, [{ ...plainSeed, slot, kind }]);
        const row = (await view.reader.newest([0])).get(0);
        latestSlots.push(row === undefined ? undefined : (row.endAt - worldStartAt) / 450_000);
      };
      await tell(5, 'backfill');
      await tell(10, 'value');
      await tell(4, 'value');
      await tell(20, 'value');
      await tell(30, 'backfill');
      await tell(20, 'deletion');
      await tell(12, 'value');
      await tell(12, 'deletion');
      await tell(10, 'deletion');
      await tell(4, 'deletion');
      expect(latestSlots).toEqual([undefined, 10, 10, 20, 20, 10, 12, 10, 4, undefined]);
    });
  });
}
