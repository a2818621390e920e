import { beforeEach, describe, expect, test } from 'vitest';

import { createManualClock, type ManualClock } from '../../devices/clock-manual.ts';
import type { Registry } from '../../devices/registry.ts';
import { createRecordedTelemetry, type RecordedTelemetry } from '../../devices/telemetry-silent.ts';
import type { LogReader } from '../log/log.ts';
import { encodeBatch } from '../observations/batch-codec.ts';
import type { Batch } from '../observations/batch.ts';
import { openPublicRows } from '../observations/public-row.ts';
import { createFeedEvents } from './events.ts';
import { createLogPlaces } from './places/log-places.ts';
import { batchOfResults, hubConfig, oneSeries } from './batch.fixture.ts';
import type { Feed, FeedListener, LogSource } from './feed.ts';
import { eventFraming } from './framing.ts';
import { Hub } from './hub.ts';
import { createTestSink, type TestSink } from './sink.fixture.ts';

let clock: ManualClock;
/** For so long the process stood still, with nothing that was due done. */
let stoodMs: number;
let telemetry: RecordedTelemetry;
let batches: Batch[];
let listener: FeedListener | null;
let opened: number;
let failing: Error | null;
let hub: Hub;
let followed: number;
let isAllowed: boolean;
/** Called when the log is read. */
let reading: () => void;

const registry: Registry = oneSeries;
let rows = openPublicRows(registry);
let mask = Uint8Array.of(1);

function readerFrom(position: number): LogReader {
  let next = position;
  return {
    get next() {
      return next;
    },
    async read() {
      if (failing !== null) throw failing;
      reading();
      const batch = batches[next - 1];
      if (batch === undefined) return [];
      const body = Buffer.from(encodeBatch(batch));
      next += 1;
      return [{ position: next - 1, body, rewritten: false }];
    },
    seek(to) {
      next = to;
    },
    skipDamaged: async () => null,
    async close() {
      opened -= 1;
    },
  };
}

beforeEach(() => {
  clock = createManualClock(0);
  stoodMs = 0;
  telemetry = createRecordedTelemetry();
  batches = [];
  listener = null;
  opened = 0;
  failing = null;
  followed = 0;
  isAllowed = true;
  reading = () => {};
  mask = Uint8Array.of(1);
  const feed = {
    get position() {
      return followed;
    },
    listen(given: FeedListener) {
      listener = given;
      return () => (listener = null);
    },
  } as unknown as Feed;
  const source: LogSource = {
    durableEnd: { get: () => batches.length, waitBeyond: () => Promise.resolve() },
    openReader(position) {
      opened += 1;
      return readerFrom(position);
    },
  };
  const config = {
    ...hubConfig,
    liveBufferBytesMax: 2_000,
    liveFrozenMs: 5_000,
    feedHorizonMs: 0,
    asOfSettleMs: 0,
  };
  const store = { position: 0, positionAt: () => 0 };
  const identity = { storeId: 's', earlier: [] };
  hub = new Hub({
    feed,
    source,
    places: createLogPlaces({ identity, feed, store, source, clock, config }),
    registryAt: () => registry,
    clock: { ...clock, monotonicMs: () => clock.monotonicMs() + stoodMs },
    events: createFeedEvents(telemetry),
    config,
  });
});

/** A batch becomes durable; `follow` then lets the feed come to it. */
function publish(...results: number[]): void {
  batches.push(batchOfResults(results));
}

function follow(): void {
  while (followed < batches.length) {
    followed += 1;
    const batch = batches[followed - 1];
    if (batch !== undefined) listener?.(followed, batch);
  }
}

function connect(from = { position: followed + 1, index: 0 }): TestSink & { gone: () => void } {
  const sink = createTestSink();
  const gone = hub.connect({
    framing: eventFraming,
    group: 'all',
    view: () => ({ interest: { principal: 'anonymous', mask, wants: () => true }, rows }),
    sink,
    from,
    isAllowed: () => isAllowed,
  });
  return Object.assign(sink, { gone });
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 100; turn++) await Promise.resolve();
}

const resultsOf = (sink: TestSink) =>
  [...sink.text().matchAll(/"result":(\d+)/g)].map(([, result]) => Number(result));
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

describe('the hub', () => {
  test('repeats nothing to one who had come further than the feed has', async () => {
    publish(1, 2, 3);
    publish(4);
    const inside = connect({ position: 1, index: 2 });
    const ahead = connect({ position: 2, index: 0 });
    await settle();
    follow();
    publish(5);
    follow();
    clock.advance(200);
    await settle();
    for (const sink of [inside, ahead]) sink.take();
    await settle();
    expect([resultsOf(inside), resultsOf(ahead)]).toEqual([
      [3, 4, 5],
      [4, 5],
    ]);
  });

  test('does not listen while nobody is there', async () => {
    expect(listener).toBeNull();
    const first = connect();
    const second = connect();
    expect(listener).not.toBeNull();
    first.gone();
    expect(listener).not.toBeNull();
    second.gone();
    second.gone();
    expect(listener).toBeNull();
    expect(hub.clients).toBe(0);
    expect(telemetry.value('quantrac_live_ended_total', { reason: 'closed' })).toBe(2);
  });

  test('gives everyone of a group the same bytes', async () => {
    const sinks = [connect(), connect()];
    for (const sink of sinks) sink.flow();
    await settle();
    publish(1, 2);
    follow();
    expect(sinks.map(resultsOf)).toEqual([
      [1, 2],
      [1, 2],
    ]);
    expect(opened).toBe(0);
  });

  test('gives nothing more by a key that was revoked, nor what was read by rights of before', async () => {
    for (const result of [1, 2]) publish(result);
    follow();
    const [live, late] = [connect(), connect({ position: 1, index: 0 })];
    for (const sink of [live, late]) sink.flow();
    // While the late one reads: another version, in which nobody sees the series.
    reading = () => {
      reading = () => {};
      mask = Uint8Array.of(0);
      rows = openPublicRows(registry);
    };
    await settle();
    publish(3);
    follow();
    await settle();
    expect([late.state(), resultsOf(late)]).toEqual(['open', []]);
    mask = Uint8Array.of(1);
    isAllowed = false;
    rows = openPublicRows(registry);
    publish(4);
    follow();
    await settle();
    const after = connect();
    expect([live, late, after].map((sink) => sink.state())).toEqual(['ended', 'ended', 'ended']);
    expect([live, late].map(resultsOf)).toEqual([[], []]);
  });

  test('lets a client that is behind read the log, and attaches it where it is level', async () => {
    for (const result of upTo(5)) publish(result);
    follow();
    const sink = connect({ position: 2, index: 0 });
    sink.flow();
    await settle();
    expect(resultsOf(sink)).toEqual([2, 3, 4, 5]);
    publish(6);
    follow();
    expect(resultsOf(sink)).toEqual([2, 3, 4, 5, 6]);
    expect(opened).toBe(0);
  });

  test('loses nothing that becomes durable while a client is catching up', async () => {
    publish(1);
    follow();
    const sink = connect({ position: 1, index: 0 });
    for (const result of [2, 3, 4]) {
      publish(result);
      follow();
    }
    sink.flow();
    await settle();
    publish(5);
    follow();
    await settle();
    expect(resultsOf(sink)).toEqual(upTo(5));
  });

  test('bounds what waits for a slow client, which then reads on from the log', async () => {
    const sink = connect();
    await settle();
    for (const result of upTo(40)) {
      publish(result);
      follow();
    }
    expect(sink.pendingBytes).toBeLessThanOrEqual(2_600);
    while (resultsOf(sink).length < 40) {
      sink.take();
      await settle();
      expect(sink.pendingBytes).toBeLessThanOrEqual(2_600);
    }
    expect(resultsOf(sink)).toEqual(upTo(40));
    sink.take();
    await settle();
    publish(41);
    follow();
    expect(resultsOf(sink)).toEqual(upTo(41));
    expect(opened).toBe(0);
  });

  test('stops inside a batch that is larger than the bound, and goes on there', async () => {
    publish(...upTo(50));
    follow();
    const sink = connect({ position: 1, index: 3 });
    await settle();
    const first = resultsOf(sink).length;
    expect(first).toBeGreaterThan(0);
    expect(first).toBeLessThan(47);
    sink.flow();
    await settle();
    expect(resultsOf(sink)).toEqual(upTo(50).slice(3));
  });

  test('cuts a client that takes nothing, and spares one that is slow but alive', async () => {
    const frozen = connect();
    const slow = connect();
    await settle();
    publish(1);
    follow();
    for (let second = 1; second <= 4; second++) {
      clock.advance(1_000);
      slow.take();
      publish(second + 1);
      follow();
    }
    expect(frozen.state()).toBe('open');
    clock.advance(2_000);
    expect(frozen.state()).toBe('destroyed');
    expect(slow.state()).toBe('open');
    expect(telemetry.value('quantrac_live_ended_total', { reason: 'frozen' })).toBe(1);
  });

  test('cuts nobody for the time in which the process itself stood still', async () => {
    const sink = connect();
    await settle();
    publish(1);
    follow();
    clock.advance(3_000);
    stoodMs = 60_000;
    clock.advance(1_500);
    expect(sink.state()).toBe('open');
    clock.advance(1_000);
    expect(sink.state()).toBe('destroyed');
  });

  test('tells a quiet client where it is, but only one that takes', async () => {
    const sink = connect();
    sink.flow();
    await settle();
    clock.advance(15_000);
    expect(sink.text()).toBe(`: \nid: ${Buffer.from('1:s:1:0').toString('base64url')}\n\n`);
  });

  test('ends a client whose token ended', async () => {
    const sink = connect();
    isAllowed = false;
    clock.advance(1_000);
    expect(sink.state()).toBe('ended');
  });

  test('lets clients look for themselves when the feed steps over a batch', async () => {
    const sink = connect();
    sink.flow();
    await settle();
    publish(1);
    publish(2);
    followed = 2;
    const batch = batches[1];
    if (batch !== undefined) listener?.(2, batch);
    await settle();
    expect(resultsOf(sink)).toEqual([1, 2]);
  });

  test('cuts a client whose log cannot be read, and says so', async () => {
    publish(1);
    follow();
    failing = new Error('the disk cannot be read');
    const sink = connect({ position: 1, index: 0 });
    await settle();
    expect(sink.state()).toBe('destroyed');
    expect(telemetry.value('quantrac_live_ended_total', { reason: 'failed' })).toBe(1);
    expect(opened).toBe(0);
  });

  test('ends everyone when it closes, also who is reading', async () => {
    for (const result of upTo(9)) publish(result);
    follow();
    const sinks = [connect(), connect({ position: 1, index: 0 })];
    hub.close();
    await settle();
    expect(sinks.map((sink) => sink.state())).toEqual(['ended', 'ended']);
    expect([hub.clients, opened]).toEqual([0, 0]);
  });
});
