/** What clients with a key are given is counted as it went over the wire; of others nothing is. */
import { expect, test } from 'vitest';
import { createManualClock } from '../../devices/clock-manual.ts';
import type { Given } from '../given.ts';
import type { ChangeFeed, ChangeSink } from './change-feed.ts';
import type { OpenFeed, OpenFollower, OpenMessage } from './open-feed.ts';
import type { Rig } from './rig.ts';
import { closedFor, expectQuiet, granted, nextPublish, useRig } from './scene.ts';
import {
  acknowledgement,
  connectPacket,
  openWire,
  unsubscribePacket,
  type Wire,
  type WirePacket,
} from './wire.ts';

const ofPortal = { username: 'token', password: 'secret of portal' };
const ofOps = { clientId: 'ops', clean: false, username: 'ops', password: 'secret of ops' };

async function open(rig: Rig, fields: object): Promise<Wire> {
  const wire = await openWire(rig.port);
  wire.send(connectPacket({ clientId: '', ...fields }));
  expect((await wire.next()).body[1]).toBe(0);
  return wire;
}

/** Of one length byte, as all packets here. */
function bytesOf(packets: readonly WirePacket[]): number {
  return packets
    .filter(({ type }) => type === 3)
    .reduce((sum, { body }) => sum + 2 + body.length, 0);
}

function given(rig: Rig): readonly Given[] {
  return rig.broker.given(1_000).given;
}

function message(topic: string, payload: string): OpenMessage {
  return { topic: `open/v1/${topic}`, payload: Buffer.from(payload) };
}

function createLatest(page: readonly OpenMessage[]) {
  const followers = new Set<OpenFollower>();
  const openFeed: OpenFeed = {
    async *latest() {
      yield await Promise.resolve(page);
    },
    follow(follower) {
      followers.add(follower);
      return { stop: () => void followers.delete(follower) };
    },
  };
  const change = (...messages: readonly OpenMessage[]): void =>
    followers.forEach((each) => each.changed(messages));
  return { openFeed, change };
}

function createChanges() {
  const sinks: ChangeSink[] = [];
  const changeFeed: ChangeFeed = {
    follow(_request, sink) {
      sinks.push(sink);
      const begin = { of: undefined, payload: Buffer.from('{}'), cursor: 'c', isAboutStream: true };
      sink.write({ length: 2, messages: [begin] });
      return () => {};
    },
    close: async () => {},
  };
  const tell = (count: number): void => {
    const messages = Array.from({ length: count }, (_, index) => ({
      // The last is of what the registry does not know any more.
      of: index + 1 < count ? { station: 's1', slug: 'ph' } : undefined,
      payload: Buffer.from('x'),
      cursor: 'c',
    }));
    for (const sink of sinks) sink.write({ length: count, messages });
  };
  const end = (status: number): void =>
    sinks.forEach((sink) => sink.end(Buffer.from(JSON.stringify({ type: 'problem', status }))));
  return { changeFeed, tell, end };
}

test('latest rows shown at first and changed since are counted, at either QoS', async () => {
  const { openFeed, change } = createLatest([message('s1/ph', '1'), message('s1/tss', '2')]);
  const rig = await useRig({ openFeed });
  const readers = [await open(rig, ofPortal), await open(rig, ofOps)] as const;
  for (const [qos, reader] of readers.entries()) {
    await granted(reader, ['open/v1/s1/+', qos]);
    await nextPublish(reader);
    await nextPublish(reader);
    await expectQuiet(reader);
  }
  change(message('s1/ph', '3'), message('s2/ph', '4'));
  for (const reader of readers) expect((await nextPublish(reader)).payload).toBe('3');
  const told = given(rig);
  const followed = { path: 'open/v1/{stationId}/{slug}', station: 's1', status: 200, requests: 1 };
  expect(told).toMatchObject([
    { ...followed, key: 'portal', rows: 3, bytes: bytesOf(readers[0].packets) },
    { ...followed, key: 'ops', rows: 3, bytes: bytesOf(readers[1].packets) },
  ]);
  expect(given(rig)).toEqual([]);
});

test('changes are rows, words about the stream are bytes alone, and each is told once', async () => {
  const { changeFeed, tell } = createChanges();
  const rig = await useRig({ changeFeed });
  const reader = await open(rig, ofPortal);
  await granted(reader, ['open/v1/_changes/+/ph', 0]);
  await nextPublish(reader);
  tell(3);
  for (let count = 0; count < 3; count += 1) await nextPublish(reader);
  const first = bytesOf(reader.packets);
  expect(given(rig)).toMatchObject([
    { path: 'open/v1/_changes/{stationId}/{slug}', slug: 'ph', rows: 3, requests: 1, bytes: first },
  ]);
  tell(2);
  for (let count = 0; count < 2; count += 1) await nextPublish(reader);
  reader.send(unsubscribePacket(5, 'open/v1/_changes/+/ph'));
  expect((await reader.next()).type).toBe(11);
  const bytes = bytesOf(reader.packets) - first;
  expect(given(rig)).toMatchObject([{ rows: 2, requests: 0, bytes }]);
});

test('a cursor that is gone is in it with the status of the problem', async () => {
  const { changeFeed, end } = createChanges();
  const rig = await useRig({ changeFeed });
  const reader = await open(rig, ofPortal);
  await granted(reader, ['open/v1/_changes/after/c/#', 0]);
  await nextPublish(reader);
  end(410);
  expect(JSON.parse((await nextPublish(reader)).payload)).toMatchObject({ status: 410 });
  const path = 'open/v1/_changes/after/{cursor}/{stationId}/{slug}';
  const told = given(rig);
  expect(told).toMatchObject([
    { path, status: 200, requests: 0, rows: 0 },
    { path, status: 410, requests: 1, rows: 0 },
  ]);
  expect(told.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(bytesOf(reader.packets));
});

test('what was sent before a cut counts, what is sent again does not, nor what never goes', async () => {
  const { openFeed, change } = createLatest([]);
  const rig = await useRig({ openFeed });
  const reader = await open(rig, ofOps);
  await granted(reader, ['open/v1/#', 1]);
  change(message('s1/ph', '1'));
  await nextPublish(reader);
  reader.destroy();
  await expect.poll(() => closedFor(rig)).toBe(1);
  change(message('s1/ph', '2'));
  expect(given(rig)).toMatchObject([{ key: 'ops', rows: 1 }]);
  const again = await open(rig, ofOps);
  const [first, second] = [await nextPublish(again), await nextPublish(again)];
  expect([first, second]).toMatchObject([{ duplicate: true }, { payload: '2' }]);
  expect(given(rig)).toMatchObject([{ rows: 1, bytes: bytesOf(again.packets.slice(-1)) }]);
  again.send(acknowledgement(4, first.packetId), acknowledgement(4, second.packetId));
});

test('a revoked key has in it what it was given', async () => {
  const { openFeed, change } = createLatest([]);
  const rig = await useRig({ openFeed });
  const reader = await open(rig, ofPortal);
  await granted(reader, ['open/v1/+/ph', 0]);
  change(message('s1/ph', '1'));
  await nextPublish(reader);
  rig.registry.secrets.delete('portal');
  rig.broker.registryChanged();
  await reader.ended();
  change(message('s1/ph', '2'));
  expect(given(rig)).toMatchObject([{ key: 'portal', slug: 'ph', rows: 1 }]);
});

test('of clients without a key, and of what is not public, nothing is counted', async () => {
  const { openFeed, change } = createLatest([message('s1/ph', '1')]);
  const { changeFeed, tell } = createChanges();
  const rig = await useRig({ openFeed, changeFeed });
  const reader = await open(rig, {});
  await granted(reader, ['open/v1/#', 0], ['open/v1/_changes/#', 0]);
  const device = await open(rig, { clientId: 'one', username: 'one', password: 'secret of one' });
  await granted(device, ['open/v1/#', 0], ['env/v1/one/cmd/#', 0]);
  const operator = await open(rig, ofOps);
  await granted(operator, ['env/v1/one/state', 0], ['$SYS/#', 0]);
  change(message('s1/ph', '2'));
  tell(1);
  await nextPublish(reader);
  await nextPublish(device);
  expect(given(rig)).toEqual([]);
});

test('once the last is to be told, keys are let go and let in no more; devices stay', async () => {
  const { openFeed, change } = createLatest([]);
  const rig = await useRig({ openFeed });
  const reader = await open(rig, ofPortal);
  await granted(reader, ['open/v1/#', 0]);
  const nobody = await open(rig, {});
  await granted(nobody, ['open/v1/#', 0]);
  change(message('s1/ph', '1'));
  await rig.broker.closeToKeys();
  await reader.ended();
  expect(bytesOf(reader.packets)).toBe(given(rig)[0]?.bytes);
  const refused = await openWire(rig.port);
  refused.send(connectPacket({ clientId: '', ...ofPortal }));
  expect((await refused.next()).body[1]).toBe(3);
  expect((await nextPublish(nobody)).payload).toBe('1');
  await expectQuiet(nobody);
});

test('the clock of a row is that of the broker', async () => {
  const clock = createManualClock(5_000);
  const { openFeed, change } = createLatest([]);
  const rig = await useRig({ openFeed, clock });
  const reader = await open(rig, ofPortal);
  await granted(reader, ['open/v1/#', 0]);
  change(message('s1/ph', '1'));
  await nextPublish(reader);
  expect(given(rig)).toMatchObject([{ at: 5_000 }]);
});
