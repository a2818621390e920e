/** MQTT 3.1.1: retained messages and topics of the server, clause by clause. */
import { describe, expect, test } from 'vitest';
import type { Rig } from './rig.ts';
import { expectQuiet, granted, nextPublish, pingreq, useRig } from './scene.ts';
import { openDeviceWire, packet, publishPacket, readPublish, type Published } from './wire.ts';

describe('retained messages', () => {
  const state = 'env/v1/one/state';

  async function openDevice(rig: Rig) {
    const wire = await openDeviceWire(rig.port, 'one');
    return async (payload: string, qos = 1, retain = true): Promise<void> => {
      wire.send(publishPacket(state, payload, { qos, packetId: 1, retain }));
      if (qos === 0) wire.send(pingreq);
      expect((await wire.next()).type).toBe([13, 4][qos]);
    };
  }

  /** What a new subscriber gets, until it gets nothing more. */
  async function shown(rig: Rig, qos = 1): Promise<Published[]> {
    const wire = await openDeviceWire(rig.port, 'ops', { clientId: '' });
    await granted(wire, [state, qos]);
    wire.send(packet(0xc0));
    const got: Published[] = [];
    for (let each = await wire.next(); each.type === 3; each = await wire.next()) {
      got.push(readPublish(each));
    }
    wire.destroy();
    return got;
  }

  test('MQTT-3.3.1-5, MQTT-3.3.1-6, MQTT-3.3.1-8: the last one is shown to a new subscriber, with RETAIN', async () => {
    const rig = await useRig();
    const say = await openDevice(rig);
    await say('a');
    await say('b');
    expect(await shown(rig)).toMatchObject([{ payload: 'b', retain: true, qos: 1, topic: state }]);
    expect(await shown(rig, 0)).toMatchObject([{ payload: 'b', retain: true, qos: 0 }]);
  });

  test('MQTT-3.3.1-7: one with QoS 0 replaces the one before', async () => {
    const rig = await useRig();
    const say = await openDevice(rig);
    await say('a');
    await say('b', 0);
    expect(await shown(rig)).toMatchObject([{ payload: 'b', retain: true, qos: 0 }]);
  });

  test('MQTT-3.3.1-9: one that is subscribed already sees it without RETAIN', async () => {
    const rig = await useRig();
    const say = await openDevice(rig);
    const watcher = await openDeviceWire(rig.port, 'ops');
    await granted(watcher, [state, 1]);
    await say('a');
    expect(await nextPublish(watcher)).toMatchObject({ payload: 'a', retain: false });
  });

  test('MQTT-3.3.1-10, MQTT-3.3.1-11: one of no bytes is delivered, removes it and is not kept', async () => {
    const rig = await useRig();
    const say = await openDevice(rig);
    await say('a');
    const watcher = await openDeviceWire(rig.port, 'ops');
    await granted(watcher, [state, 1]);
    expect((await nextPublish(watcher)).payload).toBe('a');
    await say('');
    expect(await nextPublish(watcher)).toMatchObject({ payload: '', retain: false });
    expect(await shown(rig)).toEqual([]);
    expect(rig.broker.stats.retainedMessages).toBe(0);
  });

  test('MQTT-3.3.1-12: one that is not to be retained replaces nothing', async () => {
    const rig = await useRig();
    const say = await openDevice(rig);
    await say('a');
    await say('b', 1, false);
    expect((await shown(rig)).map(({ payload }) => payload)).toEqual(['a']);
  });

  test('they are bounded, and go with their device', async () => {
    const rig = await useRig({ config: { retainedMessagesMax: 1 } });
    const say = await openDevice(rig);
    await say('a');
    const two = await openDeviceWire(rig.port, 'two');
    two.send(publishPacket('env/v1/two/state', 'x', { qos: 1, retain: true }));
    expect((await two.next()).type).toBe(4);
    expect(rig.broker.stats.retainedMessages).toBe(1);
    expect(
      rig.telemetry.value('quantrac_mqtt_messages_dropped_total', { reason: 'retained-max' }),
    ).toBe(1);
    rig.registry.devices.delete('one');
    rig.broker.registryChanged();
    expect(rig.broker.stats.retainedMessages).toBe(0);
  });
});

describe('the figures under $SYS', () => {
  test('MQTT-4.7.2-1: an operator sees them by name, and no leading wildcard reaches them', async () => {
    const rig = await useRig();
    const ops = await openDeviceWire(rig.port, 'ops');
    expect(await granted(ops, ['+/broker/#', 0], ['#', 0])).toEqual([0x80, 0x80]);
    expect(await granted(ops, ['$SYS/broker/clients/+', 0])).toEqual([0]);
    const got = [await nextPublish(ops), await nextPublish(ops)];
    expect(got).toMatchObject([
      { topic: '$SYS/broker/clients/connected', payload: '1', retain: true },
      { topic: '$SYS/broker/clients/total', payload: '1', retain: true },
    ]);
    await expectQuiet(ops);
  });

  test('a reader of what is public does not', async () => {
    const rig = await useRig();
    const reader = await openDeviceWire(rig.port, 'portal');
    expect(await granted(reader, ['$SYS/#', 0], ['open/v1/#', 0])).toEqual([0x80, 0]);
  });
});
