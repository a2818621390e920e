/**
 * The table of rights, over the wire: three devices of three owners, each against all three, in forty
 * forms of topics and filters, as message, as retained message, as last will and as subscription.
 * What is right stands here a second time, in words of its own.
 */
import { describe, expect, test } from 'vitest';
import type { Rig } from './rig.ts';
import { granted, useRig } from './scene.ts';
import { connectPacket, openDeviceWire, openWire, publishPacket } from './wire.ts';

const devices = ['one', 'two', 'three'] as const;

/** `{id}` is put in for the device it is about. */
const forms = [
  'env/v1/{id}/obs',
  'env/v1/{id}/obs/backfill',
  'env/v1/{id}/obs/other',
  'env/v1/{id}/state',
  'env/v1/{id}/meta',
  'env/v1/{id}/meta/',
  'env/v1/{id}/time',
  'env/v1/{id}/event',
  'env/v1/{id}/cmd/7',
  'env/v1/{id}/cmd/7/reply',
  'env/v1/{id}/cfg/desired',
  'env/v1/{id}/cfg/reported',
  'env/v1/{id}/sub/child/obs',
  'env/v1/{id}/sub/one/obs',
  'env/v1/{id}',
  'env/v1/{id}/',
  'env/v1//{id}/obs',
  '/env/v1/{id}/obs',
  'env/v2/{id}/obs',
  'ENV/V1/{id}/OBS',
  'env/{id}/obs',
  '{id}/obs',
  'open/v1/{id}/ph',
  'open/v2/{id}/ph',
  '$SYS/broker/{id}',
  '$share/{id}/env/v1/{id}/obs',
  '$aws/{id}',
  'env/v1/{id}/cmd/#',
  'env/v1/{id}/cfg/#',
  'env/v1/{id}/+/7',
  'env/v1/{id}/+',
  'env/v1/{id}/#',
  'env/v1/+/cmd/{id}',
  'env/+/{id}/cmd/#',
  '+/v1/{id}/cmd/#',
  'env/v1/#',
  '#',
  '$SYS/#',
  '$share/group/env/v1/{id}/cmd/#',
  'open/v1/#',
];

const says = ['obs', 'obs/backfill', 'state', 'meta', 'time', 'cmd/7/reply', 'cfg/reported'];
const saysRetained = ['state', 'meta'];
const told = ['cmd/7', 'cmd/7/reply', 'cmd/#', 'cfg/desired', 'cfg/reported', 'cfg/#'];
const reads = [...told, 'state', 'meta', 'time'];
const readByAll = ['open/v1/{id}/ph', 'open/v1/#'];

function formsOf(list: readonly string[]): string[] {
  return list.map((form) => `env/v1/{id}/${form}`);
}

/** Device `two` is the gateway of `child`. */
function mayPublish(device: string, target: string, form: string): boolean {
  if (device !== target) return false;
  if (form === 'env/v1/{id}/sub/child/obs') return device === 'two';
  return formsOf(says).includes(form);
}

async function useRights(): Promise<Rig> {
  const config = { subscriptionsMax: 100, connectionBurstMax: 100_000 };
  const rig = await useRig({ config });
  rig.registry.addDevice({ id: 'child', gateway: 'two' });
  return rig;
}

/** Each case on a connection of its own; true is acknowledged, false is closed unacknowledged. */
async function publishes(rig: Rig, device: string, topic: string, retain: boolean) {
  const wire = await openDeviceWire(rig.port, device, { clientId: '' });
  wire.send(publishPacket(topic, 'x', { qos: 1, retain }));
  const acknowledged = await wire.next().then(
    ({ type }) => type === 4,
    () => false,
  );
  wire.destroy();
  return acknowledged;
}

/** The return code of a CONNECT with this will; undefined where the connection is just closed. */
async function wills(rig: Rig, device: string, topic: string, retain: boolean) {
  const wire = await openWire(rig.port);
  const login = { username: device, password: `secret of ${device}`, clientId: '' };
  wire.send(connectPacket({ ...login, will: { topic, payload: 'x', retain } }));
  const code = await wire.next().then(
    ({ body }) => body[1],
    () => undefined,
  );
  wire.destroy();
  return code;
}

const cases = devices.flatMap((device) => devices.map((target) => [device, target] as const));

describe.each(cases)('%s about %s', (device, target) => {
  const topics = forms.map((form) => ({ form, topic: form.replaceAll('{id}', target) }));

  test('publishes what is its own and nothing else', async () => {
    const rig = await useRights();
    const wrong: string[] = [];
    for (const { form, topic } of topics) {
      const got = await publishes(rig, device, topic, false);
      if (got !== mayPublish(device, target, form)) wrong.push(topic);
    }
    expect(wrong).toEqual([]);
    const speaker = device === 'two' ? ['two', 'child'] : [device];
    expect(rig.log.readings.filter((reading) => !speaker.includes(reading.device))).toEqual([]);
  });

  test('has its state and birth retained and nothing else', async () => {
    const rig = await useRights();
    const wrong: string[] = [];
    for (const { form, topic } of topics) {
      const got = await publishes(rig, device, topic, true);
      const expected = device === target && formsOf(saysRetained).includes(form);
      if (got !== expected) wrong.push(topic);
    }
    expect(wrong).toEqual([]);
    expect(rig.broker.stats.retainedMessages).toBe(device === target ? 2 : 0);
  });

  test.each([false, true])(
    'leaves a will of its own and no other, retained: %s',
    async (retain) => {
      const rig = await useRights();
      const wrong: string[] = [];
      for (const { form, topic } of topics) {
        const allowed =
          mayPublish(device, target, form) && (!retain || formsOf(saysRetained).includes(form));
        const malformed = topic.includes('#') || topic.includes('+');
        const refusal = malformed ? undefined : 5;
        const expected = allowed ? 0 : refusal;
        if ((await wills(rig, device, topic, retain)) !== expected) wrong.push(topic);
      }
      expect(wrong).toEqual([]);
    },
  );

  test('reads what is said to it, what is public, and nothing else', async () => {
    const rig = await useRights();
    const wire = await openDeviceWire(rig.port, device);
    const wrong: string[] = [];
    for (const { form, topic } of topics) {
      const [code] = await granted(wire, [topic, 1]);
      const own = device === target && formsOf(reads).includes(form);
      if (code !== (own || readByAll.includes(form) ? 1 : 0x80)) wrong.push(topic);
    }
    expect(wrong).toEqual([]);
  });
});
