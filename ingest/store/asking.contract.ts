/** Asks a store everything there is to ask, beside the plain answers. */
import { expect } from 'vitest';
import type { ObservationRow } from '../observation.ts';
import type { Position } from '../log/log.ts';
import type { HistoryReader } from './history.ts';
import { isCircularSeries, naiveStore } from './naive.contract.ts';
import type { HourRollup, RangeQuery, StoreReader } from './store.ts';
import { plainRow, worldStartAt, type World } from './world.contract.ts';

const allSeries = [0, 1, 2];

type Questioned = Pick<StoreReader | HistoryReader, 'range' | 'revisions' | 'kept' | 'hours'> & {
  series(): readonly number[] | Promise<readonly number[]>;
};
type Answer = readonly (ObservationRow | HourRollup | number)[];

/** A question of any reader, now or later answered, and what all batches say to it. */
interface Question {
  readonly ask: (reader: Questioned) => Answer | Promise<Answer>;
  readonly expected: Answer;
}

/** Asks everything and compares with the plain answers at the position that the store states. */
export function askAll(store: StoreReader, world: World, choice: number): void {
  const naive = naiveStore(world.batches, store.position, isCircularSeries);
  for (const { ask, expected } of questionsOf(naive, choice)) {
    expect(plain(ask(store) as Answer)).toEqual(plain(expected));
  }
  for (const series of allSeries) {
    const latest = store.latest(series);
    const expected = naive.latest(series);
    expect(latest && plainRow(latest)).toEqual(expected && plainRow(expected));
  }
  askEntries(store, naive, choice);
  const next = (choice % Math.max(1, store.position)) + 1;
  const publishedAt = world.batches.get(next)?.publishedAt ?? 0;
  for (const at of [publishedAt, publishedAt - 1, 0, 4e12]) {
    expect(store.positionAt(at)).toBe(naive.positionAt(at));
  }
}

/** The same of a reader that is not in this process, which holds all batches up to a position. */
export async function askHistory(
  reader: HistoryReader,
  world: World,
  position: Position,
  choice: number,
): Promise<void> {
  const naive = naiveStore(world.batches, position, isCircularSeries);
  for (const { ask, expected } of questionsOf(naive, choice)) {
    expect(plain(await ask(reader))).toEqual(plain(expected));
  }
  const newest = await reader.newest([...allSeries, 99]);
  const expected = allSeries.flatMap((series) => naive.latest(series) ?? []);
  expect(plain(allSeries.flatMap((series) => newest.get(series) ?? []))).toEqual(plain(expected));
  expect(newest.has(99)).toBe(false);
}

type Naive = ReturnType<typeof naiveStore>;

function* questionsOf(naive: Naive, choice: number): Generator<Question> {
  yield { ask: (reader) => reader.series(), expected: naive.series() };
  for (const series of allSeries) {
    yield rangeOf(naive, { series, fromAt: 0, toAt: 4e12, order: 'asc', limit: 10_000 });
    yield* pagesOf(naive, series, choice);
    const everything = naive.kept({ series, limit: 1e6 });
    yield { ask: (reader) => reader.kept({ series, limit: 1e6 }), expected: everything };
    const none = { series, endAt: 1, startAt: 1, heightMm: Number.NaN };
    const key = everything[choice % Math.max(1, everything.length)] ?? none;
    yield { ask: (reader) => reader.revisions(key), expected: naive.revisions(key) };
    const query = { series, after: key, limit: 5 };
    yield { ask: (reader) => reader.kept(query), expected: naive.kept(query) };
    const from = worldStartAt + (choice % 100) * 450_000;
    for (const [fromAt, toAt] of [[0, 4e12] as const, [from, from + 20 * 3_600_000] as const]) {
      const expected = naive.hours(series, fromAt, toAt);
      yield { ask: (reader) => reader.hours(series, fromAt, toAt), expected };
    }
  }
}

function rangeOf(naive: Naive, query: RangeQuery): Question {
  return { ask: (reader) => reader.range(query), expected: naive.range(query) };
}

/** Pages of both orders, now and at an earlier position, whole and cut. */
function* pagesOf(naive: Naive, series: number, choice: number): Generator<Question> {
  const fromAt = worldStartAt + (choice % 300) * 450_000;
  for (const order of ['asc', 'desc'] as const) {
    const asOf = choice % (naive.position + 1);
    yield rangeOf(naive, { series, fromAt: 0, toAt: 4e12, order, limit: 10_000, asOf });
    yield rangeOf(naive, { series, fromAt, toAt: fromAt + 9e7, order, limit: 1 + (choice % 9) });
    const limit = 1 + (choice % 13);
    const query = { series, fromAt: 0, toAt: 4e12, order, limit, asOf } as const;
    yield rangeOf(naive, query);
    for (let after = naive.range(query).at(-1); after !== undefined;) {
      const next: RangeQuery = { ...query, after };
      yield rangeOf(naive, next);
      after = naive.range(next).at(-1);
    }
  }
}

function plain(answer: Answer): unknown[] {
  return answer.map((one) => (typeof one === 'object' && 'raw' in one ? plainRow(one) : one));
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
