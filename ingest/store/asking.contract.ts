/** Asks a store everything there is to ask, beside the plain answers. */
import { expect } from 'vitest';
import { isCircularSeries, naiveStore } from './naive.contract.ts';
import type { RangeQuery, StoreReader } from './store.ts';
import { plainRow, worldStartAt, type World } from './world.contract.ts';

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
    const none = { series, endAt: 1, startAt: 1, heightMm: Number.NaN };
    const key = everything[choice % Math.max(1, everything.length)] ?? none;
    expect(store.revisions(key).map(plainRow)).toEqual(naive.revisions(key).map(plainRow));
    const query = { series, after: key, limit: 5 };
    expect(store.kept(query).map(plainRow)).toEqual(naive.kept(query).map(plainRow));
    expect(store.hours(series, 0, 4e12)).toEqual(naive.hours(series, 0, 4e12));
    const from = worldStartAt + (choice % 100) * 450_000;
    const to = from + 20 * 3_600_000;
    expect(store.hours(series, from, to)).toEqual(naive.hours(series, from, to));
  }
  askEntries(store, naive, choice);
  const publishedAt = world.batches.get((choice % Math.max(1, end)) + 1)?.publishedAt ?? 0;
  for (const at of [publishedAt, publishedAt - 1, 0, 4e12]) {
    expect(store.positionAt(at)).toBe(naive.positionAt(at));
    for (const partition of [0, 1, 2]) {
      expect(store.publishedBy(at, partition)).toEqual(naive.publishedBy(at, partition));
    }
  }
  for (const number of [0, choice % (end + 1), end]) {
    for (const partition of [0, 1, 2]) {
      const expected = naive.numberedUpTo(number, partition);
      expect(store.numberedUpTo(number, partition)).toEqual(expected);
    }
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
