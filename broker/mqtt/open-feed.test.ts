/** The public feed: rows shown at first, changes, and subscribers that do not keep up. */
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { createManualClock } from '../../devices/clock-manual.ts';
import type { OpenFeed, OpenFollower, OpenMessage, OpenQuery } from './open-feed.ts';
import type { Rig } from './rig.ts';
import { closedFor, expectQuiet, granted, leave, nextPublish, useRig } from './scene.ts';
import { acknowledgement, connectPacket, openWire, unsubscribePacket, type Wire } from './wire.ts';

interface HandFeed extends OpenFeed {
  readonly queries: OpenQuery[];
  pages: readonly (readonly OpenMessage[])[];
  readonly followers: Set<OpenFollower>;
  /** Pages asked for, and iterations ended before their end. */
  pagesTaken: number;
  ended: number;
  failure: Error | null;
  change(topic: string, payload: string): void;
}

function row(slug: string, payload: string): OpenMessage {
  return { topic: `open/v1/s1/${slug}`, payload: Buffer.from(payload) };
}

function createHandFeed(): HandFeed {
  const feed: HandFeed = {
    queries: [],
    pages: [],
    followers: new Set(),
    pagesTaken: 0,
    ended: 0,
    failure: null,
    async *latest(query) {
      feed.queries.push(query);
      let finished = false;
      try {
        for (const page of feed.pages) {
          feed.pagesTaken += 1;
          yield await Promise.resolve(page);
        }
        if (feed.failure !== null) throw feed.failure;
        finished = true;
      } finally {
        if (!finished) feed.ended += 1;
      }
    },
    follow(follower) {
      feed.followers.add(follower);
      return { stop: () => void feed.followers.delete(follower) };
    },
    change(topic, payload) {
      const [, , station = '', slug = ''] = topic.split('/');
      for (const follower of feed.followers) {
        if (!follower.wants(station, slug)) continue;
        follower.changed([{ topic, payload: Buffer.from(payload) }]);
      }
    },
  };
  return feed;
}

async function openReader(rig: Rig, fields = {}): Promise<Wire> {
  const wire = await openWire(rig.port);
  wire.send(connectPacket({ clientId: '', ...fields }));
  expect((await wire.next()).body[1]).toBe(0);
  return wire;
}

describe('what a new subscriber is shown', () => {
  test('the rows of its filter, with RETAIN and the lesser QoS, page by page', async () => {
    const openFeed = createHandFeed();
    openFeed.pages = [[row('ph', '1'), row('tss', '2')], [], [row('cod', '3')]];
    const rig = await useRig({ openFeed });
    const reader = await openReader(rig);
    expect(await granted(reader, ['open/v1/s1/+', 2])).toEqual([2]);
    const got = [await nextPublish(reader), await nextPublish(reader), await nextPublish(reader)];
    expect(got).toMatchObject([
      { topic: 'open/v1/s1/ph', payload: '1', retain: true, qos: 1 },
      { topic: 'open/v1/s1/tss', payload: '2', retain: true, qos: 1 },
      { topic: 'open/v1/s1/cod', payload: '3', retain: true, qos: 1 },
    ]);
    expect(openFeed.queries).toEqual([{ station: 's1' }]);
    await expectQuiet(reader);
  });

  test('no more pages are asked for than the subscriber takes', async () => {
    const openFeed = createHandFeed();
    openFeed.pages = Array.from({ length: 10 }, (_, page) =>
      Array.from({ length: 10 }, (__, index) => row(`v${page * 10 + index}`, 'x')),
    );
    const rig = await useRig({ openFeed, config: { inflightMax: 15 } });
    const reader = await openReader(rig);
    await granted(reader, ['open/v1/#', 1]);
    const got = [];
    for (let count = 0; count < 15; count += 1) got.push(await nextPublish(reader));
    await expectQuiet(reader);
    expect(openFeed.pagesTaken).toBe(2);
    for (const { packetId } of got) reader.send(acknowledgement(4, packetId));
    for (let count = 15; count < 30; count += 1) await nextPublish(reader);
    reader.destroy();
    await expect.poll(() => openFeed.ended).toBe(1);
    expect(openFeed.pagesTaken).toBeLessThan(5);
  });

  test('it ends with its subscription, and begins anew when its filter is asked for again', async () => {
    const openFeed = createHandFeed();
    openFeed.pages = [
      Array.from({ length: 10 }, (_, index) => row(`v${index}`, 'x')),
      [row('last', 'x')],
    ];
    const rig = await useRig({ openFeed, config: { inflightMax: 5 } });
    const reader = await openReader(rig);
    await granted(reader, ['open/v1/#', 1]);
    const first = [];
    for (let count = 0; count < 5; count += 1) first.push(await nextPublish(reader));
    for (let again = 1; again <= 3; again += 1) await granted(reader, ['open/v1/#', 1]);
    expect(openFeed.ended).toBe(1);
    for (const { packetId } of first) reader.send(acknowledgement(4, packetId));
    for (let count = 0; count < 5; count += 1) {
      expect((await nextPublish(reader)).topic).toBe(`open/v1/s1/v${count}`);
    }
    expect(openFeed.queries).toHaveLength(2);
    reader.send(unsubscribePacket(2, 'open/v1/#'));
    await reader.next();
    expect(openFeed.ended).toBe(2);
    await expectQuiet(reader);
  });

  test('a failure of the feed ends the replay, not the subscription', async () => {
    const openFeed = createHandFeed();
    openFeed.pages = [[row('ph', '1')]];
    openFeed.failure = new Error('the view is away');
    const rig = await useRig({ openFeed });
    const reader = await openReader(rig);
    await granted(reader, ['open/v1/#', 0]);
    expect((await nextPublish(reader)).payload).toBe('1');
    await expect
      .poll(() => rig.telemetry.lines.some(({ message }) => message.includes('latest')))
      .toBe(true);
    openFeed.change('open/v1/s1/ph', '2');
    expect(await nextPublish(reader)).toMatchObject({ payload: '2', retain: false });
  });
});

describe('changes', () => {
  test('are followed only while somebody subscribes, and only those that are wanted', async () => {
    const openFeed = createHandFeed();
    const rig = await useRig({ openFeed });
    const reader = await openReader(rig);
    expect(openFeed.followers.size).toBe(0);
    await granted(reader, ['open/v1/s1/ph', 1], ['open/v1/+/tss', 0]);
    expect(openFeed.followers.size).toBe(1);
    const [follower] = openFeed.followers;
    const wanted = ['ph', 'tss', 'cod'].map((slug) => follower!.wants('s1', slug));
    expect(wanted).toEqual([true, true, false]);
    expect(follower!.wants('s2', 'ph')).toBe(false);
    openFeed.change('open/v1/s1/ph', 'a');
    openFeed.change('open/v1/s9/tss', 'b');
    const got = [await nextPublish(reader), await nextPublish(reader)];
    expect(got).toMatchObject([
      { payload: 'a', qos: 1, retain: false },
      { payload: 'b', qos: 0, retain: false },
    ]);
    reader.send(unsubscribePacket(3, 'open/v1/s1/ph'));
    await reader.next();
    expect(follower!.wants('s1', 'ph')).toBe(false);
    await leave(reader);
    expect(openFeed.followers.size).toBe(0);
  });

  test('a station, or everything, can be wanted', async () => {
    const openFeed = createHandFeed();
    const rig = await useRig({ openFeed });
    const reader = await openReader(rig);
    await granted(reader, ['open/v1/s1/#', 0]);
    const [follower] = openFeed.followers;
    expect([follower!.wants('s1', 'x'), follower!.wants('s2', 'x')]).toEqual([true, false]);
    await granted(reader, ['open/#', 0]);
    expect(follower!.wants('s2', 'x')).toBe(true);
  });

  test('wait for an absent client that asked for it with QoS 1', async () => {
    const openFeed = createHandFeed();
    const rig = await useRig({ openFeed });
    const reader = await openReader(rig, { clientId: 'desk', clean: false });
    await granted(reader, ['open/v1/s1/ph', 1]);
    await leave(reader);
    openFeed.change('open/v1/s1/ph', 'while away');
    const back = await openReader(rig, { clientId: 'desk', clean: false });
    expect((await nextPublish(back)).payload).toBe('while away');
  });

  test('go to every subscriber', async () => {
    const openFeed = createHandFeed();
    const rig = await useRig({ openFeed });
    const readers = await Promise.all(Array.from({ length: 20 }, () => openReader(rig)));
    for (const reader of readers) await granted(reader, ['open/v1/#', 0]);
    openFeed.change('open/v1/s1/ph', 'x');
    for (const reader of readers) expect((await nextPublish(reader)).payload).toBe('x');
  });
});

describe('a subscriber that does not keep up', () => {
  const bulk = 'x'.repeat(10_000);

  test('with QoS 0 loses messages, bounded and counted, and the others lose none', async () => {
    const clock = createManualClock(1_700_000_000_000);
    const openFeed = createHandFeed();
    const rig = await useRig({ openFeed, clock });
    const frozen = await openReader(rig);
    const live = await openReader(rig);
    await granted(frozen, ['open/v1/#', 0]);
    await granted(live, ['open/v1/#', 0]);
    frozen.stream.pause();
    for (let count = 0; count < 2_000; count += 1) {
      openFeed.change('open/v1/s1/ph', bulk);
      await nextPublish(live);
    }
    const dropped = rig.telemetry.value('quantrac_mqtt_messages_dropped_total', { reason: 'slow' });
    // Of 20 MB, what was not dropped is 1 MiB here and what the kernel holds of a loopback socket.
    expect(dropped).toBeGreaterThan(800);
    clock.advance(8_000);
    expect(closedFor(rig, 'slow-subscriber')).toBe(0);
    clock.advance(4_000);
    expect(closedFor(rig, 'slow-subscriber')).toBe(1);
    await expectQuiet(live);
  });

  test('with QoS 1 is cut when its queue is full', async () => {
    const openFeed = createHandFeed();
    const rig = await useRig({ openFeed, config: { queueMessagesMax: 20, inflightMax: 10 } });
    const frozen = await openReader(rig);
    const live = await openReader(rig);
    await granted(frozen, ['open/v1/#', 1]);
    await granted(live, ['open/v1/#', 0]);
    for (let count = 0; count < 40; count += 1) openFeed.change('open/v1/s1/ph', 'x');
    await frozen.ended();
    expect(closedFor(rig, 'slow-subscriber')).toBe(1);
    for (let count = 0; count < 40; count += 1) await nextPublish(live);
  });

  test('with QoS 1 is cut when it acknowledges nothing for 5 s while more waits', async () => {
    const clock = createManualClock(1_700_000_000_000);
    const openFeed = createHandFeed();
    const rig = await useRig({ openFeed, clock, config: { inflightMax: 2 } });
    const frozen = await openReader(rig);
    await granted(frozen, ['open/v1/#', 1]);
    for (let count = 0; count < 3; count += 1) openFeed.change('open/v1/s1/ph', 'x');
    const { packetId } = await nextPublish(frozen);
    clock.advance(4_500);
    frozen.send(acknowledgement(4, packetId));
    await nextPublish(frozen);
    await nextPublish(frozen);
    openFeed.change('open/v1/s1/ph', 'x');
    clock.advance(4_500);
    await expectQuiet(frozen);
    clock.advance(1_000);
    await frozen.ended();
    expect(closedFor(rig, 'slow-subscriber')).toBe(1);
  });

  test('one that reads no answers is not read itself', async () => {
    const rig = await useRig();
    const wire = await openReader(rig);
    wire.stream.pause();
    const pings = Buffer.alloc(400_000);
    for (let at = 0; at < pings.length; at += 2) pings[at] = 0xc0;
    let sent = 0;
    const isTaken = () => wire.stream.writableLength < 2 ** 20;
    while (isTaken() && sent < 200) {
      wire.send(pings);
      sent += 1;
      await turn();
    }
    expect(sent).toBeLessThan(200);
    wire.destroy();
  });
});
