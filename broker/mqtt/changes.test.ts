/** Subscriptions to the change feed: which filters ask for what, and how a session takes it. */
import { describe, expect, test } from 'vitest';
import {
  changeFilterOf,
  type ChangeFeed,
  type ChangeRequest,
  type ChangeSink,
} from './change-feed.ts';
import { createLateChangeFeed } from './change-feed.ts';
import type { Rig } from './rig.ts';
import { closedFor, expectQuiet, granted, leave, nextPublish, useRig } from './scene.ts';
import { acknowledgement, connectPacket, openWire, unsubscribePacket, type Wire } from './wire.ts';

interface Follower {
  readonly request: ChangeRequest;
  readonly sink: ChangeSink;
  drained: number;
}

interface HandFeed extends ChangeFeed {
  readonly followers: Follower[];
  left: number;
  tell(...cursors: readonly string[]): void;
}

function createHandFeed(): HandFeed {
  const feed: HandFeed = {
    followers: [],
    left: 0,
    follow(request, sink) {
      const follower = { request, sink, drained: 0 };
      feed.followers.push(follower);
      const cursor = request.after === 'now' ? 'start' : (request.after ?? 'first');
      sink.write({ length: 2, messages: [{ of: undefined, payload: Buffer.from('{}'), cursor }] });
      return () => (feed.left += 1);
    },
    tell(...cursors) {
      const messages = cursors.map((cursor) => ({
        of: { station: 's1', slug: 'ph' },
        payload: Buffer.from(cursor),
        cursor,
      }));
      const length = cursors.join('').length;
      for (const { sink } of feed.followers) sink.write({ length, messages });
    },
    close: async () => {},
  };
  return feed;
}

async function open(rig: Rig, fields = {}): Promise<Wire> {
  const wire = await openWire(rig.port);
  wire.send(connectPacket({ clientId: '', ...fields }));
  expect((await wire.next()).body[1]).toBe(0);
  return wire;
}

describe('a filter', () => {
  const live = { prefix: 'open/v1/_changes', after: 'now' };
  const cursor = 'MTphYmM6MTow';
  const resumed = { prefix: `open/v1/_changes/after/${cursor}`, after: cursor };
  test.each([
    ['open/v1/_changes/#', live],
    ['open/v1/_changes/+/+', live],
    ['open/v1/_changes/s1/#', { ...live, station: 's1' }],
    ['open/v1/_changes/+/ph', { ...live, slug: 'ph' }],
    ['open/v1/_changes/s1/ph', { ...live, station: 's1', slug: 'ph' }],
    ['open/v1/_changes/after/ph', { ...live, station: 'after', slug: 'ph' }],
    [`open/v1/_changes/after/${cursor}/#`, resumed],
    [`open/v1/_changes/after/${cursor}/+/ph`, { ...resumed, slug: 'ph' }],
    [`open/v1/_changes/after/${cursor}/s1/ph/#`, { ...resumed, station: 's1', slug: 'ph' }],
    [
      'open/v1/_changes/after/oldest/#',
      { prefix: 'open/v1/_changes/after/oldest', after: undefined },
    ],
  ])('%s is followed', (filter, asked) => {
    expect(changeFilterOf(filter)).toEqual(asked);
  });

  test.each([
    'open/v1/_changes/s1',
    'open/v1/_changes/s1/ph/more',
    'open/+/_changes/#',
    'open/v1/_changes/after/+/s1/ph',
    `open/v1/_changes/after/${'c'.repeat(1_001)}/#`,
  ])('%s is refused', async (filter) => {
    const rig = await useRig({ changeFeed: createHandFeed() });
    expect(await granted(await open(rig), [filter, 0])).toEqual([0x80]);
  });

  test.each(['open/v1/#', 'open/#', 'open/v1/+/+', '#', 'env/v1/d/_changes'])(
    '%s asks for no changes',
    (filter) => {
      expect(changeFilterOf(filter)).toBeUndefined();
    },
  );

  test('may carry the longest cursor', async () => {
    const feed = createHandFeed();
    const rig = await useRig({ changeFeed: feed });
    const long = 'c'.repeat(1_000);
    const reader = await open(rig);
    expect(await granted(reader, [`open/v1/_changes/after/${long}/s1/+`, 0])).toEqual([0]);
    expect((await nextPublish(reader)).topic).toBe(`open/v1/_changes/after/${long}/s1/_stream`);
    expect(feed.followers[0]?.request).toMatchObject({ after: long, station: 's1' });
  });
});

describe('a subscription to changes', () => {
  test('is told where it begins, then each change, never as retained, at QoS 1 at most', async () => {
    const feed = createHandFeed();
    const rig = await useRig({ changeFeed: feed });
    const reader = await open(rig);
    expect(await granted(reader, ['open/v1/_changes/+/+', 2])).toEqual([2]);
    expect(await nextPublish(reader)).toMatchObject({
      topic: 'open/v1/_changes/_stream/_stream',
      payload: '{}',
      retain: false,
    });
    feed.tell('a', 'b');
    const got = [await nextPublish(reader), await nextPublish(reader)];
    expect(got).toMatchObject([
      { topic: 'open/v1/_changes/s1/ph', payload: 'a', qos: 1, retain: false },
      { topic: 'open/v1/_changes/s1/ph', payload: 'b', qos: 1, retain: false },
    ]);
    await expectQuiet(reader);
  });

  test('is refused for a station or a slug of which its client sees nothing', async () => {
    const feed = createHandFeed();
    const reader = await open(await useRig({ changeFeed: feed }));
    for (const names of ['none/none', 's1/none', '+/none', 'none/#']) {
      const filter = `open/v1/_changes/after/oldest/${names}`;
      expect([names, await granted(reader, [filter, 0])]).toEqual([names, [0x80]]);
    }
    expect(feed.followers).toHaveLength(0);
  });

  test('sees with the rights of its key', async () => {
    const feed = createHandFeed();
    const rig = await useRig({ changeFeed: feed });
    const username = 'token';
    await granted(await open(rig, { username, password: 'secret of portal' }), [
      'open/v1/_changes/#',
      0,
    ]);
    await granted(await open(rig), ['open/v1/_changes/#', 0]);
    expect(feed.followers.map(({ request }) => [request.viewer, request.principal])).toEqual([
      ['token:portal', expect.objectContaining({ role: 'reader' })],
      ['anonymous', 'anonymous'],
    ]);
  });

  test('takes no more than its window, and tells the feed when all is taken', async () => {
    const feed = createHandFeed();
    const rig = await useRig({ changeFeed: feed, config: { inflightMax: 3 } });
    const reader = await open(rig);
    await granted(reader, ['open/v1/_changes/#', 1]);
    const first = await nextPublish(reader);
    reader.send(acknowledgement(4, first.packetId));
    const [follower] = feed.followers;
    feed.tell('a', 'b', 'c', 'd', 'e');
    let drained = 0;
    follower?.sink.onDrain(() => (drained += 1));
    const got = [await nextPublish(reader), await nextPublish(reader), await nextPublish(reader)];
    await expectQuiet(reader);
    expect([follower?.sink.pendingBytes, drained]).toEqual([2, 0]);
    for (const { packetId } of got) reader.send(acknowledgement(4, packetId));
    expect((await nextPublish(reader)).payload).toBe('d');
    expect((await nextPublish(reader)).payload).toBe('e');
    expect([follower?.sink.pendingBytes, drained]).toEqual([0, 1]);
  });

  test('goes on behind what it took when a kept session comes back', async () => {
    const feed = createHandFeed();
    const rig = await useRig({ changeFeed: feed });
    const kept = { clientId: 'mirror', clean: false, username: 'ops', password: 'secret of ops' };
    const reader = await open(rig, kept);
    await granted(reader, ['open/v1/_changes/#', 1]);
    const begin = await nextPublish(reader);
    reader.send(acknowledgement(4, begin.packetId));
    feed.tell('a', 'b');
    const a = await nextPublish(reader);
    const b = await nextPublish(reader);
    reader.send(acknowledgement(4, a.packetId));
    await leave(reader);
    await expect.poll(() => feed.left).toBe(1);
    const again = await open(rig, kept);
    expect(await nextPublish(again)).toMatchObject({
      payload: 'b',
      packetId: b.packetId,
      duplicate: true,
    });
    await expect.poll(() => feed.followers[1]?.request.after).toBe('b');
  });

  test('goes on at its place when its client asks for the same filter again', async () => {
    const feed = createHandFeed();
    const rig = await useRig({ changeFeed: feed, config: { changesFollowersMax: 1 } });
    const kept = { clientId: 'mirror', clean: false, username: 'ops', password: 'secret of ops' };
    const filter = 'open/v1/_changes/#';
    const reader = await open(rig, kept);
    await granted(reader, [filter, 0]);
    await nextPublish(reader);
    feed.tell('a');
    await nextPublish(reader);
    await leave(reader);
    await expect.poll(() => feed.left).toBe(1);
    const again = await open(rig, kept);
    await nextPublish(again);
    // As most clients do whenever they are connected.
    expect(await granted(again, [filter, 1])).toEqual([1]);
    expect(feed.followers.map(({ request }) => request.after)).toEqual(['now', 'a', 'a']);
    await nextPublish(again);
    feed.followers.splice(0, 2);
    feed.tell('b');
    expect(await nextPublish(again)).toMatchObject({ payload: 'b', qos: 1 });
    // With a cursor it says itself where.
    const cursor = 'open/v1/_changes/after/x/#';
    again.send(unsubscribePacket(12, filter));
    expect((await again.next()).type).toBe(11);
    for (let time = 0; time < 2; time += 1) {
      await granted(again, [cursor, 0]);
      await nextPublish(again);
      feed.followers.at(-1)?.sink.write({
        length: 1,
        messages: [{ of: undefined, payload: Buffer.from('y'), cursor: 'y' }],
      });
      await nextPublish(again);
    }
    expect(feed.followers.slice(-2).map(({ request }) => request.after)).toEqual(['x', 'x']);
  });

  test('begins anew when it is asked for again behind its end', async () => {
    const feed = createHandFeed();
    const reader = await open(await useRig({ changeFeed: feed }));
    await granted(reader, ['open/v1/_changes/#', 0]);
    await nextPublish(reader);
    feed.tell('a');
    feed.followers[0]?.sink.end(Buffer.from('{"type":"problem"}'));
    await nextPublish(reader);
    await nextPublish(reader);
    await granted(reader, ['open/v1/_changes/#', 0]);
    expect(feed.followers[1]?.request.after).toBe('now');
  });

  test('begins where it began when it left before it took anything', async () => {
    const feed = createHandFeed();
    const rig = await useRig({
      changeFeed: createLateChangeFeed(
        async () => feed,
        () => {},
      ),
    });
    const kept = { clientId: 'mirror', clean: false, username: 'ops', password: 'secret of ops' };
    const reader = await open(rig, kept);
    await granted(reader, ['open/v1/_changes/#', 1]);
    await nextPublish(reader);
    reader.destroy();
    await expect.poll(() => feed.left).toBe(1);
    await open(rig, kept);
    await expect.poll(() => feed.followers[1]?.request.after).toBe('start');
  });

  test('reads again what waits when rights have changed, and what does not wait not', async () => {
    const feed = createHandFeed();
    const rig = await useRig({ changeFeed: feed, config: { inflightMax: 1 } });
    const slow = await open(rig);
    await granted(slow, ['open/v1/_changes/#', 1]);
    const first = await nextPublish(slow);
    const quick = await open(rig);
    await granted(quick, ['open/v1/_changes/#', 0]);
    await nextPublish(quick);
    slow.send(acknowledgement(4, first.packetId));
    feed.tell('a', 'b', 'c');
    for (const payload of ['a', 'b', 'c']) expect((await nextPublish(quick)).payload).toBe(payload);
    const a = await nextPublish(slow);
    rig.broker.registryChanged();
    await expect.poll(() => feed.left).toBe(1);
    expect(feed.followers.map(({ request }) => request.after)).toEqual(['now', 'now', 'a']);
    // Of what was read before, the client gets nothing more.
    slow.send(acknowledgement(4, a.packetId));
    const again = await nextPublish(slow);
    expect(again).toMatchObject({ payload: '{}' });
    slow.send(acknowledgement(4, again.packetId));
    await expectQuiet(slow);
  });

  test('gives a problem as its last message, at a topic that the filter matches', async () => {
    const feed = createHandFeed();
    const rig = await useRig({ changeFeed: feed });
    const reader = await open(rig);
    await granted(reader, ['open/v1/_changes/after/old/s1/ph', 0]);
    await nextPublish(reader);
    feed.followers[0]?.sink.end(Buffer.from('{"type":"problem"}'));
    expect(await nextPublish(reader)).toMatchObject({
      topic: 'open/v1/_changes/after/old/s1/ph',
      payload: '{"type":"problem"}',
    });
    feed.tell('a');
    await expectQuiet(reader);
    // Its client is still there, and may ask for another: it has no place of this one any more.
    await expect.poll(() => feed.left).toBe(1);
  });

  test('is cut when the feed says that it takes nothing', async () => {
    const feed = createHandFeed();
    const rig = await useRig({ changeFeed: feed });
    const reader = await open(rig);
    await granted(reader, ['open/v1/_changes/#', 0]);
    feed.followers[0]?.sink.destroy();
    await reader.ended();
    expect(closedFor(rig, 'slow-subscriber')).toBe(1);
    expect(feed.left).toBe(1);
  });

  test('takes no room while its client is away, so much for one client, and leaves a share to keys', async () => {
    const feed = createHandFeed();
    const config = {
      changesFollowersMax: 3,
      changesFollowersKeylessMax: 2,
      changesFollowersPerClientMax: 1,
    };
    const rig = await useRig({ changeFeed: feed, config });
    const ops = { username: 'ops', password: 'secret of ops' };
    const kept = { clientId: 'away', clean: false, ...ops };
    const away = await open(rig, kept);
    expect(await granted(away, ['open/v1/_changes/#', 0])).toEqual([0]);
    await nextPublish(away);
    await leave(away);
    await expect.poll(() => feed.left).toBe(1);
    const anonymous = await open(rig);
    expect(await granted(anonymous, ['open/v1/_changes/#', 0])).toEqual([0]);
    await nextPublish(anonymous);
    expect(await granted(anonymous, ['open/v1/_changes/+/+', 0])).toEqual([0x80]);
    const other = await open(rig, { clientId: 'other', ...ops });
    expect(await granted(other, ['open/v1/_changes/#', 0])).toEqual([0]);
    await nextPublish(other);
    // Back while its key has no room, it is not lost: it goes on as soon as there is.
    const again = await open(rig, kept);
    await expectQuiet(again);
    expect(feed.followers).toHaveLength(3);
    await leave(other);
    expect((await nextPublish(again)).payload).toBe('{}');
    expect(feed.followers[3]?.request.after).toBe('start');
  });

  test('leaves the feed when it is given up, and has its bound', async () => {
    const feed = createHandFeed();
    const rig = await useRig({ changeFeed: feed, config: { changesFollowersMax: 1 } });
    const reader = await open(rig);
    expect(await granted(reader, ['open/v1/_changes/#', 0])).toEqual([0]);
    const other = await open(rig);
    expect(await granted(other, ['open/v1/_changes/#', 0])).toEqual([0x80]);
    expect(rig.telemetry.value('quantrac_rate_limited_total', { what: 'followers' })).toBe(1);
    await nextPublish(reader);
    reader.send(unsubscribePacket(12, 'open/v1/_changes/#'));
    expect((await reader.next()).type).toBe(11);
    expect(feed.left).toBe(1);
    expect(await granted(other, ['open/v1/_changes/#', 0])).toEqual([0]);
  });
});
