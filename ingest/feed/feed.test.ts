import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { createManualClock, type ManualClock } from '../../devices/clock-manual.ts';
import { createRecordedTelemetry, type RecordedTelemetry } from '../../devices/telemetry-silent.ts';
import type { LogReader } from '../log/log.ts';
import { encodeBatch } from '../observations/batch-codec.ts';
import type { Batch } from '../observations/batch.ts';
import type { StoreFollower } from '../store/store.ts';
import { createFeedEvents } from './events.ts';
import { batchOfResults } from './batch.fixture.ts';
import { openFeed, type Feed } from './feed.ts';

let clock: ManualClock;
let telemetry: RecordedTelemetry;
let batches: Batch[];
let damagedAt: number;
let held: number;
let heldByDatabase: number;
let wake: () => void;
let feed: Feed;
let seen: number[];

beforeEach(() => {
  clock = createManualClock(0);
  telemetry = createRecordedTelemetry();
  batches = [];
  damagedAt = 0;
  held = 0;
  heldByDatabase = 0;
  wake = () => undefined;
  seen = [];
});
afterEach(async () => {
  const closing = feed.close();
  await settle();
  clock.advance(5_000);
  await closing;
});

function readerFrom(from: number): LogReader {
  let next = from;
  return {
    get next() {
      return next;
    },
    async read() {
      const batch = batches[next - 1];
      if (next === damagedAt) throw new Error('damaged');
      if (batch === undefined) return [];
      next += 1;
      return [{ position: next - 1, body: Buffer.from(encodeBatch(batch)), rewritten: false }];
    },
    seek(to) {
      next = to;
    },
    skipDamaged: async () => null,
    close: async () => undefined,
  };
}

function open(registryVersion?: () => number): void {
  const store = {
    get position() {
      return held;
    },
    apply(position: number) {
      held = Math.max(held, position);
    },
    refresh() {
      held = Math.max(held, heldByDatabase);
    },
    saturated: false,
    tailBytes: 0,
  } as unknown as StoreFollower;
  feed = openFeed({
    source: {
      durableEnd: {
        get: () => batches.length,
        waitBeyond: (_position, signal) =>
          new Promise<void>((resolve) => {
            wake = resolve;
            signal?.addEventListener('abort', () => resolve());
          }),
      },
      openReader: readerFrom,
    },
    store,
    clock,
    events: createFeedEvents(telemetry),
    stepBytesMax: 1_000,
    ...(registryVersion === undefined ? {} : { registryVersion }),
  });
  feed.listen((position) => seen.push(position));
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe('the feed', () => {
  test('goes on where the store stands, and knows what was settled there', async () => {
    batches = [batchOfResults([1]), { ...batchOfResults([2]), consumed: 77 }];
    held = 2;
    open();
    await settle();
    expect([feed.position, feed.consumed, feed.publishedAt, feed.registryVersion]).toEqual([
      2, 77, 1_000, 1,
    ]);
    expect(seen).toEqual([]);
    batches.push(batchOfResults([3]));
    wake();
    await feed.waitFor(3);
    expect(seen).toEqual([3]);
    expect(feed.lastChangeOf(0)).toBe(3);
    expect(feed.lastChangeOf(5)).toBe(2);
  });

  test('tells how fresh what came in is, and nothing of what is judged anew', async () => {
    const { rows } = batchOfResults([7]);
    const decided = rows.map((row) => ({ ...row, receivedAt: 1_500, cause: 'value' as const }));
    const again = decided.map((row) => ({ ...row, cause: 'reprocess' as const }));
    batches = [decided, again].map((each) => ({ ...batchOfResults([]), rows: each }));
    clock.jumpTo(4_000);
    open();
    await feed.waitFor(2);
    expect(telemetry.value('quantrac_freshness_seconds')).toBe(2.5);
  });

  test('knows when a series changed, however great its number', async () => {
    const [row] = batchOfResults([1]).rows;
    const far = row === undefined ? [] : [{ ...row, series: 10_000 }];
    batches = [{ ...batchOfResults([]), rows: far }];
    open();
    await feed.waitFor(1);
    expect(feed.lastChangeOf(10_000)).toBe(1);
    expect(feed.lastChangeOf(9_999)).toBe(0);
  });

  test('says that it cannot read, and goes on once the view is behind the damage', async () => {
    batches = [batchOfResults([1]), batchOfResults([2]), batchOfResults([3])];
    damagedAt = 2;
    open();
    await settle();
    expect([feed.position, feed.problem]).toEqual([1, 'observations cannot be followed']);
    clock.advance(1_000);
    await settle();
    clock.advance(1_000);
    await settle();
    expect(telemetry.value('quantrac_api_follow_failed_total')).toBe(1);
    expect(feed.position).toBe(1);
    heldByDatabase = 2;
    clock.advance(1_000);
    await settle();
    expect([feed.position, feed.problem]).toEqual([3, null]);
    expect(seen).toEqual([1, 3]);
    expect(feed.lastChangeOf(99)).toBe(2);
  });

  test('starts also where the record that the store holds is damaged', async () => {
    batches = [batchOfResults([1])];
    held = 1;
    damagedAt = 1;
    open();
    await settle();
    batches.push(batchOfResults([2]));
    wake();
    await feed.waitFor(2);
    expect([feed.problem, seen]).toEqual([null, [2]]);
  });

  test('knows where the last batch stands among the partitions of a copy', async () => {
    const place = { partition: 1, positions: [4, 7] };
    batches = [{ ...batchOfResults([1]), place }];
    held = 1;
    open();
    expect(feed.head).toBeUndefined();
    await settle();
    expect(feed.head).toEqual({ position: 1, place });
    batches.push(batchOfResults([2]));
    wake();
    await feed.waitFor(2);
    expect(feed.head).toEqual({ position: 2, place: undefined });
  });

  test('shows a batch when the registry has come to its version, and says when that is late', async () => {
    let version = 1;
    batches = [
      { ...batchOfResults([1]), registryVersion: 1 },
      { ...batchOfResults([2]), registryVersion: 3 },
      { ...batchOfResults([3]), registryVersion: 3 },
    ];
    open(() => version);
    await settle();
    expect([seen, held, feed.problem]).toEqual([[1], 1, null]);
    for (let waitedMs = 0; waitedMs < 2_100; waitedMs += 20) {
      clock.advance(20);
      await settle();
    }
    expect([seen, held]).toEqual([[1], 1]);
    expect(feed.problem).toBe('version 3 of the registry has not come yet');
    version = 3;
    clock.advance(20);
    await settle();
    expect([seen, held, feed.problem]).toEqual([[1, 2, 3], 3, null]);
  });

  test('waits for the registry at its start too, and ends while it waits', async () => {
    batches = [{ ...batchOfResults([1]), registryVersion: 2 }];
    held = 1;
    open(() => 1);
    await settle();
    expect(feed.head).toBeUndefined();
    const closing = feed.close();
    clock.advance(20);
    await closing;
    expect(feed.position).toBe(1);
  });

  test('lets go of who waits when it closes', async () => {
    open();
    const waiting = feed.waitFor(10);
    await feed.close();
    await waiting;
    await feed.waitFor(11);
    expect(feed.position).toBe(0);
  });

  test('pauses for others in a long stretch', async () => {
    const many = Array.from({ length: 3_000 }, (_, index) => index + 1);
    batches = Array.from({ length: 4 }, () => batchOfResults(many));
    open();
    await feed.waitFor(4);
    expect(seen).toEqual([1, 2, 3, 4]);
  });
});
