import { expect, onTestFinished, test } from 'vitest';

import { createManualClock } from '../../../devices/clock-manual.ts';
import { createRecordedTelemetry } from '../../../devices/telemetry-silent.ts';
import { identityKey } from '../../cluster/registry/records.ts';
import { createPartitions } from '../../observations/partitions.fixture.ts';
import { batchOfResults, hubConfig, seriesOfPartitions } from '../batch.fixture.ts';
import { createChangeFeed, type ChangeMessage, type ChangeSink } from '../change-feed.ts';
import { createFeedEvents } from '../events.ts';
import { createNodePlaces } from './node-places.ts';
import { createHolder, openSimulatedNode, settle } from './nodes.fixture.ts';

test('a follower that leaves while its place is looked up is no failure of the feed', async () => {
  const clock = createManualClock(1_000_000);
  const partitions = createPartitions(1);
  const registry = seriesOfPartitions(1);
  const copy = partitions.openCopy();
  const telemetry = createRecordedTelemetry();
  const looking = Promise.withResolvers<void>();
  const sent: unknown[] = [];
  const createPlaces = createNodePlaces({
    source: copy,
    clock,
    registry: { current: () => registry },
    identity: { storeId: 'of the folder', earlier: [] },
    feedHorizonMs: 0,
    copyNote: () => JSON.stringify({ storeId: 'network', partitions: 1 }),
  });
  const feed = createChangeFeed({
    registry: { current: () => registry, at: () => registry },
    clock,
    source: copy,
    openStore: () => Object.assign(createHolder(copy, partitions), { close: () => undefined }),
    createPlaces: async (parts) => ({
      ...(await createPlaces(parts)),
      async read() {
        await looking.promise;
        throw new Error('database is not open');
      },
    }),
    config: hubConfig,
    events: createFeedEvents(telemetry),
    stepBytesMax: 400,
  });
  const sink: ChangeSink = {
    write: (chunk) => sent.push(chunk) > 0,
    pendingBytes: 0,
    onDrain: () => undefined,
    end: (problem) => void sent.push(problem),
    destroy: () => void sent.push('destroyed'),
  };
  const leave = feed.follow({ principal: 'anonymous', viewer: 'all', after: undefined }, sink);
  await settle();
  leave();
  looking.resolve();
  await settle();
  expect([sent, telemetry.lines]).toEqual([[], []]);
  await feed.close();
});

test('a broker alone gives the cursors of the api nodes of its network, once it has joined it', async () => {
  const clock = createManualClock(1_000_000);
  const partitions = createPartitions(2);
  const registry = seriesOfPartitions(2);
  const api = await openSimulatedNode({ partitions, clock });
  const copy = partitions.openCopy();
  for (const partition of [0, 1, 0])
    partitions.publish(partition, batchOfResults([1, 2], partition));
  for (const partition of [0, 1, 0]) {
    await api.take(partition);
    copy.take(partition);
  }
  const notes = new Map<string, string>();
  const feed = createChangeFeed({
    registry: { current: () => registry, at: () => registry },
    clock,
    source: copy,
    openStore: () => Object.assign(createHolder(copy, partitions), { close: () => undefined }),
    createPlaces: createNodePlaces({
      source: copy,
      clock,
      registry: { current: () => registry },
      identity: { storeId: 'of the folder', earlier: [] },
      feedHorizonMs: 0,
      copyNote: (key) => notes.get(key),
    }),
    config: hubConfig,
    events: createFeedEvents(createRecordedTelemetry()),
    stepBytesMax: 400,
  });
  onTestFinished(async () => {
    const closing = Promise.all([feed.close(), api.close()]);
    await settle();
    await closing;
  });
  const messages: ChangeMessage[] = [];
  const sink: ChangeSink = {
    write: (chunk) => messages.push(...chunk.messages) > 0,
    pendingBytes: 0,
    onDrain: () => undefined,
    end: () => undefined,
    destroy: () => undefined,
  };
  const leave = feed.follow({ principal: 'anonymous', viewer: 'all', after: undefined }, sink);
  onTestFinished(leave);
  for (let looks = 0; looks < 3; looks++) {
    clock.advance(1_000);
    await settle();
  }
  expect(messages).toEqual([]);
  notes.set(identityKey, JSON.stringify({ storeId: 'network', partitions: 2 }));
  clock.advance(1_000);
  await settle();
  const { changes } = await api.page(undefined, 100);
  expect(changes).toHaveLength(6);
  expect(messages.slice(1).map(({ cursor }) => cursor)).toEqual(
    changes.map(({ cursor }) => cursor),
  );
  const inTheMiddle = changes[2]?.cursor;
  const again = await api.page(messages[3]?.cursor, 100);
  expect(inTheMiddle).toBe(messages[3]?.cursor);
  expect(again.changes).toEqual(changes.slice(3));
});
