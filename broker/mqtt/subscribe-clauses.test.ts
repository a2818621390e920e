/** MQTT 3.1.1: SUBSCRIBE, UNSUBSCRIBE, delivery and retained messages, clause by clause. */
import { describe, expect, test } from 'vitest';
import type { Rig } from './rig.ts';
import { closedFor, expectQuiet, granted, nextPublish, pingreq, useRig } from './scene.ts';
import {
  acknowledgement,
  openDeviceWire,
  packet,
  publishPacket,
  subscribePacket,
  text,
  unsubscribePacket,
} from './wire.ts';

/** An operator that speaks to device `one`. */
async function openSpeaker(rig: Rig) {
  const wire = await openDeviceWire(rig.port, 'ops');
  let packetId = 0;
  return async (topic: string, payload: string, qos = 1, retain = false): Promise<void> => {
    packetId += 1;
    wire.send(publishPacket(topic, payload, { qos, packetId, retain }));
    if (qos === 0) wire.send(pingreq);
    expect((await wire.next()).type).toBe([13, 4, 5][qos]);
  };
}

const cmd = 'env/v1/one/cmd/7';

describe('a SUBSCRIBE or UNSUBSCRIBE that breaks a rule closes the connection', () => {
  test.each([
    ['MQTT-3.8.1-1: flags', packet(0x80, [0, 1], text(cmd), [0])],
    ['MQTT-2.3.1-1: identifier 0', subscribePacket(0, [cmd, 0])],
    ['MQTT-3.8.3-3: no filter', packet(0x82, [0, 1])],
    ['MQTT-3-8.3-4: QoS 3', subscribePacket(1, [cmd, 3])],
    ['MQTT-3-8.3-4: reserved bits beside the QoS', subscribePacket(1, [cmd, 0x81])],
    ['MQTT-3.8.3-1: no QoS behind a filter', packet(0x82, [0, 1], text(cmd))],
    ['MQTT-3.8.3-1: half a filter', packet(0x82, [0, 1, 0, 9, 0x61])],
    ['MQTT-3.8.3-1: half a length', packet(0x82, [0, 1, 0])],
    ['MQTT-4.7.3-1: an empty filter', subscribePacket(1, ['', 0])],
    ['MQTT-4.7.1-2: # before the end', subscribePacket(1, ['open/#/x', 0])],
    ['MQTT-4.7.1-2: # beside text', subscribePacket(1, ['open/v1#', 0])],
    ['MQTT-4.7.1-3: + beside text', subscribePacket(1, ['open/v1+', 0])],
    ['MQTT-4.7.1-3: + before text', subscribePacket(1, ['open/+v1', 0])],
    ['MQTT-3.10.1-1: flags of UNSUBSCRIBE', packet(0xa0, [0, 1], text(cmd))],
    ['MQTT-2.3.1-1: identifier 0 in UNSUBSCRIBE', unsubscribePacket(0, cmd)],
    ['MQTT-3.10.3-2: no filter in UNSUBSCRIBE', packet(0xa2, [0, 1])],
    ['MQTT-3.10.3-1: broken text in UNSUBSCRIBE', packet(0xa2, [0, 1, 0, 2, 0xc3, 0x28])],
  ])('%s', async (_name, bytes) => {
    const rig = await useRig();
    const wire = await openDeviceWire(rig.port, 'one');
    wire.send(bytes);
    expect(await wire.ended()).toEqual([]);
    expect(closedFor(rig, 'malformed')).toBe(1);
  });
});

describe('SUBSCRIBE', () => {
  test('MQTT-2.3.1-7, MQTT-3.8.4-1, MQTT-3.8.4-2, MQTT-3.8.4-5, MQTT-3.9.3-1: one return code for each filter, in order', async () => {
    const rig = await useRig();
    const wire = await openDeviceWire(rig.port, 'one');
    expect(
      await granted(
        wire,
        ['env/v1/one/cmd/#', 2],
        ['env/v1/two/cmd/#', 1],
        ['env/v1/one/cfg/#', 1],
        ['env/v1/one/cmd/#', 0],
        ['env/v1/one/time', 0],
      ),
    ).toEqual([2, 0x80, 1, 0, 0]);
  });

  test.each([
    ['env/v1/two/cmd/#'],
    ['env/v1/+/cmd/#'],
    ['env/v1/#'],
    ['#'],
    ['+/v1/one/cmd/#'],
    ['env/v1/one/obs'],
    ['$SYS/#'],
    ['$share/g/open/v1/#'],
    ['$share/g/env/v1/one/cmd/#'],
    ['a/b/c/d/e/f/g/h/i/j/k'],
    [`open/${'x'.repeat(260)}`],
  ])('MQTT-3.9.3-2: %s is refused with 0x80 and the connection stays', async (filter) => {
    const rig = await useRig();
    const wire = await openDeviceWire(rig.port, 'one');
    expect(await granted(wire, [filter, 1])).toEqual([0x80]);
    await expectQuiet(wire);
    expect(rig.broker.stats.subscriptions).toBe(0);
  });

  test('MQTT-3.8.4-3: the same filter again replaces, with a new QoS and the retained messages', async () => {
    const rig = await useRig();
    const speak = await openSpeaker(rig);
    await speak('env/v1/one/cfg/desired', 'v1', 1, true);
    const wire = await openDeviceWire(rig.port, 'one');
    expect(await granted(wire, ['env/v1/one/cfg/#', 1])).toEqual([1]);
    expect(await nextPublish(wire)).toMatchObject({ payload: 'v1', retain: true, qos: 1 });
    expect(await granted(wire, ['env/v1/one/cfg/#', 0])).toEqual([0]);
    expect(await nextPublish(wire)).toMatchObject({ payload: 'v1', retain: true, qos: 0 });
    await speak('env/v1/one/cfg/desired', 'v2');
    expect(await nextPublish(wire)).toMatchObject({ payload: 'v2', retain: false, qos: 0 });
    await expectQuiet(wire);
    expect(rig.broker.stats.subscriptions).toBe(1);
  });

  test('MQTT-3.8.4-4: many filters in one packet are as many packets', async () => {
    const rig = await useRig();
    const speak = await openSpeaker(rig);
    await speak('env/v1/one/cfg/desired', 'a', 0, true);
    const wire = await openDeviceWire(rig.port, 'one');
    expect(await granted(wire, ['env/v1/one/cfg/#', 0], ['env/v1/one/cfg/desired', 0])).toEqual([
      0, 0,
    ]);
    expect((await nextPublish(wire)).payload).toBe('a');
    expect((await nextPublish(wire)).payload).toBe('a');
    await expectQuiet(wire);
  });

  test.each(
    [0, 1, 2].flatMap((published) => [0, 1, 2].map((asked) => [published, asked] as const)),
  )(
    'MQTT-3.8.4-6: published with QoS %i, granted %i: delivered with the lesser',
    async (published, asked) => {
      const rig = await useRig();
      const speak = await openSpeaker(rig);
      const wire = await openDeviceWire(rig.port, 'one');
      for (const filter of ['env/v1/one/cmd/#', 'env/v1/one/cmd/7']) {
        expect(await granted(wire, [filter, asked])).toEqual([asked]);
        await speak(cmd, 'x', published);
        const { qos, topic } = await nextPublish(wire);
        expect([qos, topic]).toEqual([Math.min(published, asked), cmd]);
        wire.send(unsubscribePacket(5, filter));
        expect((await wire.next()).type).toBe(11);
      }
    },
  );

  test('MQTT-3.3.5-1: overlapping subscriptions deliver once, with the greatest QoS', async () => {
    const rig = await useRig();
    const speak = await openSpeaker(rig);
    const wire = await openDeviceWire(rig.port, 'one');
    await granted(wire, ['env/v1/one/cmd/#', 0], [cmd, 1], ['env/v1/one/cmd/+', 0]);
    await speak(cmd, 'x');
    expect(await nextPublish(wire)).toMatchObject({ qos: 1, payload: 'x' });
    await expectQuiet(wire);
  });

  test('MQTT-4.7.3-4, MQTT-3.3.2-3: topics match as written, to the letter', async () => {
    const rig = await useRig();
    const speak = await openSpeaker(rig);
    const wire = await openDeviceWire(rig.port, 'one');
    const composed = 'env/v1/one/cmd/\u1ea1';
    await granted(wire, [composed, 0]);
    await speak('env/v1/one/cmd/\u1ea0', 'no');
    await speak('env/v1/one/cmd/a\u0323', 'no');
    await speak(composed, 'yes');
    expect((await nextPublish(wire)).payload).toBe('yes');
  });

  test('MQTT-4.6.0-5, MQTT-4.6.0-6: messages of one topic arrive in the order of their publication', async () => {
    const rig = await useRig();
    const wire = await openDeviceWire(rig.port, 'one');
    await granted(wire, ['env/v1/one/cmd/#', 2]);
    const ops = await openDeviceWire(rig.port, 'ops');
    const order = Array.from({ length: 60 }, (_, index) => String(index));
    order.forEach((payload, index) => {
      ops.send(publishPacket(cmd, payload, { qos: 1, packetId: index + 1 }));
    });
    const got: string[] = [];
    for (const _ of order) got.push((await nextPublish(wire)).payload);
    expect(got).toEqual(order);
  });

  test('MQTT-3.3.1-3: DUP of the publisher is not passed on', async () => {
    const rig = await useRig();
    const wire = await openDeviceWire(rig.port, 'one');
    await granted(wire, ['env/v1/one/cmd/#', 1]);
    const ops = await openDeviceWire(rig.port, 'ops');
    ops.send(publishPacket(cmd, 'x', { qos: 1, duplicate: true }));
    expect((await nextPublish(wire)).duplicate).toBe(false);
  });

  test('a message is passed on only once it is kept', async () => {
    const rig = await useRig();
    const wire = await openDeviceWire(rig.port, 'one');
    await granted(wire, ['env/v1/one/cmd/#', 1]);
    const ops = await openDeviceWire(rig.port, 'ops');
    rig.log.mode = 'hold';
    ops.send(publishPacket(cmd, 'x', { qos: 1 }));
    await expect.poll(() => rig.log.held).toBe(1);
    await expectQuiet(wire);
    rig.log.release();
    expect((await nextPublish(wire)).payload).toBe('x');
  });
});

describe('acknowledgements of a subscriber', () => {
  test('MQTT-4.3.3-1: QoS 2 goes PUBLISH, PUBREC, PUBREL, PUBCOMP with one identifier', async () => {
    const rig = await useRig();
    const speak = await openSpeaker(rig);
    const wire = await openDeviceWire(rig.port, 'one');
    await granted(wire, ['env/v1/one/cmd/#', 2]);
    await speak(cmd, 'x', 2);
    const { packetId } = await nextPublish(wire);
    wire.send(acknowledgement(5, packetId));
    const released = await wire.next();
    expect([released.type, released.flags, released.body.readUInt16BE(0)]).toEqual([
      6,
      2,
      packetId,
    ]);
    wire.send(acknowledgement(7, packetId));
    await expectQuiet(wire);
  });

  test('MQTT-4.6.0-4: PUBRELs leave in the order in which the PUBRECs came', async () => {
    const rig = await useRig();
    const speak = await openSpeaker(rig);
    const wire = await openDeviceWire(rig.port, 'one');
    await granted(wire, ['env/v1/one/cmd/#', 2]);
    const identifiers = [];
    for (const payload of ['a', 'b', 'c']) {
      await speak(cmd, payload, 2);
      identifiers.push((await nextPublish(wire)).packetId);
    }
    const order = [identifiers[2]!, identifiers[0]!, identifiers[1]!];
    wire.send(...order.map((identifier) => acknowledgement(5, identifier)));
    for (const identifier of order) {
      const { type, body } = await wire.next();
      expect([type, body.readUInt16BE(0)]).toEqual([6, identifier]);
    }
  });

  test('acknowledgements of nothing are taken without harm', async () => {
    const rig = await useRig();
    const wire = await openDeviceWire(rig.port, 'one');
    wire.send(acknowledgement(4, 9), acknowledgement(7, 9), acknowledgement(5, 9));
    expect((await wire.next()).type).toBe(6);
    await expectQuiet(wire);
  });
});

describe('UNSUBSCRIBE', () => {
  test('MQTT-2.2.2-1, MQTT-2.3.1-7, MQTT-3.10.4-2, MQTT-3.10.4-4: it is answered and nothing more is delivered', async () => {
    const rig = await useRig();
    const speak = await openSpeaker(rig);
    const wire = await openDeviceWire(rig.port, 'one');
    await granted(wire, ['env/v1/one/cmd/#', 1]);
    wire.send(unsubscribePacket(0x0203, 'env/v1/one/cmd/#'));
    const { type, flags, body } = await wire.next();
    expect([type, flags, ...body]).toEqual([11, 0, 2, 3]);
    await speak(cmd, 'x');
    await expectQuiet(wire);
  });

  test('MQTT-3.10.4-1, MQTT-3.10.4-5: a filter that differs takes nothing away, and is answered', async () => {
    const rig = await useRig();
    const speak = await openSpeaker(rig);
    const wire = await openDeviceWire(rig.port, 'one');
    await granted(wire, ['env/v1/one/cmd/#', 0]);
    wire.send(unsubscribePacket(3, 'env/v1/one/cmd/+', 'env/v1/one/CMD/#'));
    expect((await wire.next()).type).toBe(11);
    await speak(cmd, 'x');
    expect((await nextPublish(wire)).payload).toBe('x');
  });

  test('MQTT-3.10.4-6: many filters in one packet are as many packets', async () => {
    const rig = await useRig();
    const wire = await openDeviceWire(rig.port, 'one');
    await granted(wire, ['env/v1/one/cmd/#', 0], ['env/v1/one/cfg/#', 0], ['env/v1/one/time', 0]);
    wire.send(unsubscribePacket(3, 'env/v1/one/cmd/#', 'env/v1/one/time'));
    expect((await wire.next()).type).toBe(11);
    expect(rig.broker.stats.subscriptions).toBe(1);
  });

  test('MQTT-3.10.4-3: what was sent with QoS 1 is still owed', async () => {
    const rig = await useRig();
    const speak = await openSpeaker(rig);
    const wire = await openDeviceWire(rig.port, 'one', { clean: false });
    await granted(wire, ['env/v1/one/cmd/#', 1]);
    await speak(cmd, 'x');
    const first = await nextPublish(wire);
    wire.send(unsubscribePacket(3, 'env/v1/one/cmd/#'));
    expect((await wire.next()).type).toBe(11);
    wire.destroy();
    await wire.ended();
    const back = await openDeviceWire(rig.port, 'one', { clean: false });
    expect(await nextPublish(back)).toEqual({ ...first, duplicate: true });
  });
});
