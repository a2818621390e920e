/**
 * The access log of a key that follows at every door: what it has is what the client counted, while
 * that goes on, when it is cut, and when the server stops in order.
 */
import { expect, onTestFinished, test } from 'vitest';
import { openTestApi, startAt, type Json, type TestApi } from './api/api.fixture.ts';
import { createSettableClock } from './api/settable-clock.fixture.ts';
import { openChangeDoor } from './broker/change-door.fixture.ts';
import type { BrokerConfig } from './broker/config.ts';
import type { Broker } from './broker/main.ts';
import { connectPacket, openWire, readPublish, subscribePacket } from './broker/mqtt/wire.ts';
import { hubConfig } from './ingest/feed/batch.fixture.ts';
import { createOpenFeed } from './ingest/store/open-feed.ts';

async function openDoor(rig: TestApi, config: Partial<BrokerConfig>): Promise<Broker> {
  const clock = createSettableClock(startAt);
  const { registry, observations, telemetry } = rig;
  const openStore = () => rig.openStore();
  const openFeed = createOpenFeed({
    registry,
    clock,
    openStore,
    openReader: async () => observations.openReader(0),
    durableEnd: observations.durableEnd,
    failed: (error) => {
      throw error;
    },
  });
  const parts = { registry, observations, openStore, telemetry, clock, openFeed, hub: hubConfig };
  return openChangeDoor(parts, config);
}

interface Doors {
  rig: TestApi;
  readonly broker: Broker;
}

/** An api that asks its broker, as the rooms of one process do. */
async function openDoors(config: Partial<BrokerConfig> = {}): Promise<Doors> {
  const port: { broker?: Broker } = {};
  const rig = await openTestApi({
    followers: {
      given: async () => port.broker?.given(2) ?? { given: [], dropped: 0, hasMore: false },
      closeToKeys: async () => port.broker?.closeToKeys(),
    },
  });
  rig.setNow(startAt);
  const doors = { rig, broker: await openDoor(rig, config) };
  port.broker = doors.broker;
  onTestFinished(() => doors.rig.close());
  return doors;
}

interface Follower {
  /** Messages but those about the stream itself. */
  readonly rows: () => number;
  readonly bytes: () => number;
  readonly isEnded: () => boolean;
  cut(): void;
}

/** With the key of a reader, or as nobody in particular. */
async function follow(
  { broker }: Doors,
  filter: string,
  key: string | undefined,
): Promise<Follower> {
  const wire = await openWire(broker.addresses.mqttPort);
  const login = key === undefined ? {} : { username: 'token', password: key };
  wire.send(connectPacket({ clientId: '', ...login }), subscribePacket(1, [filter, 0]));
  expect((await wire.next()).body[1]).toBe(0);
  expect((await wire.next()).body[2]).toBe(0);
  const told = { rows: 0, bytes: 0, isEnded: false };
  const read = async (): Promise<void> => {
    for (;;) {
      const packet = await wire.next();
      const { payload } = readPublish(packet);
      if (!/"type":"(cursor|problem)"/.test(payload)) told.rows += 1;
      const { length } = packet.body;
      told.bytes += 1 + (length < 128 ? 1 : 2) + length;
    }
  };
  read().catch(() => (told.isEnded = true));
  onTestFinished(() => wire.destroy());
  return {
    rows: () => told.rows,
    bytes: () => told.bytes,
    isEnded: () => told.isEnded,
    cut: () => wire.destroy(),
  };
}

let minute = 0;

/** One row each of two stations that everybody sees. */
async function publish({ rig }: Doors, batches = 1): Promise<void> {
  for (let count = 0; count < batches; count += 1) {
    minute += 1;
    const endAt = startAt + minute * 60_000;
    await rig.publish([rig.row('ha-noi-temperature', endAt), rig.row('hue-rain', endAt)]);
  }
}

async function exported({ rig }: Doors, path: string): Promise<Json[]> {
  const authorization = `Bearer ${rig.operator}`;
  const answer = await rig.get(`/api/v1/admin/${path}`, { authorization });
  const lines = (await answer.text()).trimEnd().split('\n');
  return lines.slice(0, -1).map((line) => JSON.parse(line) as Json);
}

async function ofMqtt(doors: Doors): Promise<Json[]> {
  return (await exported(doors, 'access-log')).filter(({ door }) => door === 'mqtt');
}

function sumsOf(rows: readonly Json[], path: string) {
  const all = rows.filter((row) => row['path'] === path);
  const sum = (column: string) => all.reduce((total, row) => total + Number(row[column]), 0);
  return { rows: sum('rows'), bytes: sum('bytes'), requests: sum('requests') };
}

const latest = 'open/v1/{stationId}/{slug}';
const changes = 'open/v1/_changes/{stationId}/{slug}';

test('latest rows and changes over MQTT are in the log while they go on, and when they are cut', async () => {
  const doors = await openDoors();
  const { rig } = doors;
  await publish(doors);
  const ofLatest = await follow(doors, 'open/v1/#', rig.reader);
  const ofChanges = await follow(doors, 'open/v1/_changes/#', rig.reader);
  // What is there already is shown first; then a stream of changes says where it begins.
  await expect.poll(ofLatest.rows).toBe(2);
  await expect.poll(ofChanges.bytes).toBeGreaterThan(0);
  await publish(doors, 3);
  await expect.poll(ofLatest.rows).toBe(8);
  await expect.poll(ofChanges.rows).toBe(6);
  const first = await ofMqtt(doors);
  expect(sumsOf(first, latest)).toEqual({ rows: 8, bytes: ofLatest.bytes(), requests: 1 });
  expect(sumsOf(first, changes)).toEqual({ rows: 6, bytes: ofChanges.bytes(), requests: 1 });
  await publish(doors);
  await expect.poll(ofLatest.rows).toBe(10);
  await expect.poll(ofChanges.rows).toBe(8);
  ofLatest.cut();
  ofChanges.cut();
  await expect.poll(() => doors.broker.connections(2)).toEqual([]);
  await publish(doors);
  const all = await ofMqtt(doors);
  expect(all.length).toBeGreaterThan(first.length);
  expect(sumsOf(all, latest)).toEqual({ rows: 10, bytes: ofLatest.bytes(), requests: 1 });
  expect(sumsOf(all, changes)).toEqual({ rows: 8, bytes: ofChanges.bytes(), requests: 1 });
  expect(new Set(all.map(({ status }) => status))).toEqual(new Set([200]));
});

test('metering has the datasets that a filter of topics was about, as its key sees them', async () => {
  const doors = await openDoors();
  const { rig } = doors;
  const slug = rig.registry.current().datastreams.get('hue-rain')?.slug ?? '';
  await publish(doors);
  for (const [filter, key] of [
    ['open/v1/hue/+', rig.reader],
    ['open/v1/+/none', rig.reader],
    [`open/v1/_changes/+/${slug}`, rig.reader],
    ['open/v1/_changes/hidden/#', rig.ownerToken],
  ] as const) {
    await follow(doors, filter, key);
  }
  const rows = await exported(doors, 'metering');
  const told = rows.filter(({ kind }) => kind === 'dataset');
  expect(new Map(told.map(({ resource, requests }) => [resource, requests]))).toEqual(
    new Map([
      ['agency~weather', 2],
      ['factory~weather', 1],
    ]),
  );
  expect(rows.find(({ resource }) => resource === latest)).toMatchObject({ requests: 2 });
});

test('a cursor that cannot be followed is in the log with its status', async () => {
  const doors = await openDoors();
  const cursor = Buffer.from('1:another-store:5:0').toString('base64url');
  const follower = await follow(doors, `open/v1/_changes/after/${cursor}/#`, doors.rig.reader);
  await expect.poll(follower.bytes).toBeGreaterThan(0);
  expect(await ofMqtt(doors)).toMatchObject([
    {
      path: 'open/v1/_changes/after/{cursor}/{stationId}/{slug}',
      status: 410,
      requests: 1,
      rows: 0,
    },
  ]);
});

test('a revoked key is in the log with all that it was given', async () => {
  const doors = await openDoors();
  const { rig, broker } = doors;
  const follower = await follow(doors, 'open/v1/#', rig.reader);
  await publish(doors);
  await expect.poll(follower.rows).toBe(2);
  const token = rig.registry.authenticateToken(rig.reader);
  await rig.api.registryAdmin.revoke(token?.subject ?? '', 'test');
  broker.registryChanged();
  await expect.poll(follower.isEnded).toBe(true);
  await publish(doors);
  expect(sumsOf(await ofMqtt(doors), latest)).toMatchObject({ rows: 2, bytes: follower.bytes() });
});

test('the log is whole when the server stops: keys are let go before it is closed', async () => {
  const doors = await openDoors();
  const follower = await follow(doors, 'open/v1/_changes/#', doors.rig.reader);
  await expect.poll(follower.bytes).toBeGreaterThan(0);
  await publish(doors, 2);
  doors.rig = await doors.rig.reopen();
  await expect.poll(follower.isEnded).toBe(true);
  expect(follower.rows()).toBe(4);
  expect(sumsOf(await ofMqtt(doors), changes)).toEqual({
    rows: 4,
    bytes: follower.bytes(),
    requests: 1,
  });
});

test('of followers without a key nothing is kept, and what has no counter is counted as dropped', async () => {
  const doors = await openDoors({ accessCountersMax: 1 });
  const { rig } = doors;
  const nobody = await follow(doors, 'open/v1/#', undefined);
  await publish(doors);
  await expect.poll(nobody.rows).toBe(2);
  expect(await ofMqtt(doors)).toEqual([]);
  await follow(doors, 'open/v1/hue/+', rig.reader);
  await follow(doors, 'open/v1/ha-noi/+', rig.reader);
  expect(await ofMqtt(doors)).toHaveLength(1);
  expect(rig.telemetry.value('quantrac_access_noted_total', { outcome: 'dropped' })).toBe(1);
});
