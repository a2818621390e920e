/**
 * Rights that end while somebody follows: at every door the follower is told that the datastream is
 * closed to it, or is ended, and gets no value more.
 */
import { expect, onTestFinished, test } from 'vitest';
import { canaries, principals, type PrincipalName } from './api/access/canaries.fixture.ts';
import { admitAll, canaryRows, leaksTo } from './api/access/readers.fixture.ts';
import { openTestApi, startAt, type Json, type TestApi } from './api/api.fixture.ts';
import { createReceiver } from './api/hooks/receiver.fixture.ts';
import { openEvents } from './api/live/event-reader.fixture.ts';
import { openSocketReader } from './api/live/socket-reader.fixture.ts';
import { openChangeDoor } from './broker/change-door.fixture.ts';
import type { Broker } from './broker/main.ts';
import { connectPacket, openWire, readPublish, subscribePacket } from './broker/mqtt/wire.ts';

type Change = Record<string, unknown>;

/** What a door has told so far, without words about the stream itself. */
interface Follower {
  readonly told: () => readonly Change[];
  /** Whether it was ended. */
  readonly isEnded: () => boolean | Promise<boolean>;
}

/** Without a key: as anybody. */
async function byMqtt({ addresses }: Broker, key?: string): Promise<Follower> {
  const wire = await openWire(addresses.mqttPort);
  wire.send(
    connectPacket({
      clientId: '',
      ...(key === undefined ? {} : { username: 'token', password: key }),
    }),
    subscribePacket(1, ['open/v1/_changes/#', 0]),
  );
  for (let packets = 0; packets < 3; packets += 1) await wire.next();
  const told: Change[] = [];
  let isEnded = false;
  const read = async (): Promise<void> => {
    for (;;) told.push(JSON.parse(readPublish(await wire.next()).payload) as Change);
  };
  read().catch(() => (isEnded = true));
  onTestFinished(() => wire.destroy());
  return { told: () => told.filter(({ type }) => type !== 'cursor'), isEnded: () => isEnded };
}

async function bySocket({ url }: TestApi, authorization?: string): Promise<Follower> {
  const headers = authorization === undefined ? {} : { authorization };
  const reader = await openSocketReader(`${url}/api/v1/live`, { headers });
  onTestFinished(() => reader.socket.terminate());
  return {
    told: () => reader.changes(),
    isEnded: () => reader.socket.readyState === reader.socket.CLOSED,
  };
}

async function byEvents({ url }: TestApi, authorization?: string): Promise<Follower> {
  const headers = authorization === undefined ? {} : { authorization };
  const reader = await openEvents(`${url}/api/v1/live`, headers);
  onTestFinished(() => reader.close());
  return {
    told: () => reader.events.map(({ data }) => JSON.parse(data) as Change),
    isEnded: () => reader.isClosed(),
  };
}

async function byWebhook(
  { url }: TestApi,
  { received }: ReturnType<typeof createReceiver>,
  authorization: string,
): Promise<Follower> {
  const hooks = `${url}/api/v1/webhooks`;
  const answer = await fetch(hooks, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify({ url: 'https://receiver.example/', after: 'now' }),
  });
  const { id, secret } = (await answer.json()) as Json;
  const stateOf = async () => {
    const headers = { authorization: `Bearer ${String(secret)}` };
    return ((await (await fetch(`${hooks}/${String(id)}`, { headers })).json()) as Json)['state'];
  };
  await expect.poll(stateOf).toBe('active');
  return {
    told: () =>
      received
        .filter(({ type }) => type === 'changes')
        .flatMap(({ data }) => data['changes'] as Change[]),
    isEnded: async () => (await stateOf()) === 'ended',
  };
}

/** A ministry that reads what is shared, at every door. */
async function openFollowed() {
  const receiver = createReceiver();
  const rig = await openTestApi({ hooks: receiver.ports });
  onTestFinished(() => rig.close());
  const broker = await openChangeDoor(rig);
  const ministry = { id: 'ministry', name: { vi: 'Bộ', en: 'Ministry' }, kind: 'ministry' };
  const format = 'quantrac-registry/1';
  await rig.api.registryAdmin.importRegistry({ format, recipients: [ministry] }, 'test');
  const wish = { recipient: 'ministry', scope: { stations: ['shared'] }, purpose: 'x' };
  const { grant } = await rig.api.access.grant(wish, { reason: 'x', actor: 'test' });
  const token = await rig.api.registryAdmin.createToken({
    role: 'reader',
    recipient: 'ministry',
    actor: 'test',
  });
  broker.registryChanged();
  const authorization = `Bearer ${token.secret}`;
  const followers = {
    events: await byEvents(rig, authorization),
    socket: await bySocket(rig, authorization),
    mqtt: await byMqtt(broker, token.secret),
    webhook: await byWebhook(rig, receiver, authorization),
  };
  let place = 0;
  return {
    rig,
    broker,
    followers: Object.entries(followers),
    grant,
    token,
    publish: (datastream: string) => {
      place += 1;
      return rig.publish([rig.row(datastream, startAt + place * 60_000, { result: place })]);
    },
    /** Another version of the registry is in force, and ingest has come to it. */
    settle: async () => {
      broker.registryChanged();
      const text = JSON.stringify({ version: rig.registry.current().version });
      const marker = { position: 1, receivedAt: startAt, device: '', text };
      await rig.publish([], { control: [{ ...marker, kind: 'registry' }] });
    },
  };
}

/** Of a row its result, of a datastream whether it is seen. */
const short = (change: Change) =>
  change['type'] === 'datastream'
    ? [change['datastream'], change['visible']]
    : (change['observation'] as Json | undefined)?.['result'];

async function expectTold(followers: readonly [string, Follower][], told: readonly unknown[]) {
  for (const [door, follower] of followers) {
    await expect.poll(() => [door, follower.told().map(short)]).toEqual([door, told]);
  }
}

test('a grant that is withdrawn ends what its recipient hears, and no value comes behind it', async () => {
  const { rig, followers, grant, publish, settle } = await openFollowed();
  await publish('shared-temperature');
  await expectTold(followers, [1]);
  await rig.api.access.withdraw(grant.id, 'x', 'test');
  await publish('shared-temperature');
  await settle();
  await publish('shared-temperature');
  await publish('hue-rain');
  await expectTold(followers, [1, ['shared-temperature', false], 4]);
});

test('a datastream that is closed midway is told, and its values come no more', async () => {
  const { rig, followers, publish, settle } = await openFollowed();
  await publish('ha-noi-temperature');
  await expectTold(followers, [1]);
  const { datastreams } = rig.registry.exportFile() as { readonly datastreams: { id: string }[] };
  const entry = datastreams.find(({ id }) => id === 'ha-noi-temperature');
  await rig.api.registryAdmin.importRegistry(
    { format: 'quantrac-registry/1', datastreams: [{ ...entry, visibility: 'internal' }] },
    'test',
  );
  await publish('ha-noi-temperature');
  await settle();
  await publish('hue-rain');
  await expectTold(followers, [1, ['ha-noi-temperature', false], 3]);
});

test('a key that is revoked ends every door, before anything more goes through it', async () => {
  const { rig, broker, followers, token, publish } = await openFollowed();
  await publish('shared-temperature');
  await expectTold(followers, [1]);
  await rig.api.registryAdmin.revoke(token.id, 'test');
  broker.registryChanged();
  await publish('shared-temperature');
  for (const [door, { isEnded }] of followers) {
    await expect.poll(async () => [door, await isEnded()]).toEqual([door, true]);
  }
  await expectTold(followers, [1]);
});

/** Of a network with things of every kind that some may not see, one who reads it. */
async function openCanaries(principal: PrincipalName) {
  const receiver = createReceiver();
  const rig = await openTestApi({ hooks: receiver.ports });
  onTestFinished(() => rig.close());
  const broker = await openChangeDoor(rig);
  const keys = await admitAll(rig);
  broker.registryChanged();
  return { rig, broker, receiver, key: keys[principal] };
}

test.each(principals)(
  'over events, WebSocket, MQTT and a webhook, %s is told what it may see and nothing else',
  async (principal) => {
    const { rig, broker, receiver, key } = await openCanaries(principal);
    const authorization = key === undefined ? undefined : `Bearer ${key}`;
    const doors: [string, Follower][] = [
      ['events', await byEvents(rig, authorization)],
      ['socket', await bySocket(rig, authorization)],
      ['mqtt', await byMqtt(broker, key)],
    ];
    // A webhook is made with a key.
    if (authorization !== undefined) {
      doors.push(['webhook', await byWebhook(rig, receiver, authorization)]);
    }
    await rig.publish(canaryRows(rig));
    await rig.publish([rig.row('hue-rain', startAt, { result: 17.125 })]);
    const measured = canaries.things.filter(({ ids }) => ids.datastream !== undefined);
    const seen = measured.filter(({ seenBy }) => seenBy.has(principal));
    for (const [door, follower] of doors) {
      await expect.poll(() => follower.told().map(short)).toContain(17.125);
      const told = JSON.stringify(follower.told());
      expect([door, leaksTo(principal, told)]).toEqual([door, []]);
      const heard = measured.filter(({ ids }) => told.includes(`"${ids.datastream}"`));
      expect([door, heard.map(({ what }) => what)]).toEqual([door, seen.map(({ what }) => what)]);
    }
  },
);
