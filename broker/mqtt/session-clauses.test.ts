/** MQTT 3.1.1: sessions, redelivery and last wills, clause by clause, on raw sockets. */
import { describe, expect, test } from 'vitest';
import { createManualClock } from '../../devices/clock-manual.ts';
import type { Rig } from './rig.ts';
import { expectQuiet, leave, useRig } from './scene.ts';
import {
  acknowledgement,
  openDeviceWire,
  packet,
  publishPacket,
  readPublish,
  subscribePacket,
  type Wire,
} from './wire.ts';

describe('sessions', () => {
  const command = (payload: string, packetId = 1) =>
    publishPacket('env/v1/one/cmd/7', payload, { qos: 1, packetId });

  test('MQTT-3.1.2-4, MQTT-3.1.2-5, MQTT-3.1.4-3, MQTT-4.1.0-1, MQTT-4.5.0-1: what comes while the client is away waits for it', async () => {
    const rig = await useRig();
    const first = await openDeviceWire(rig.port, 'one', { clean: false });
    first.send(subscribePacket(1, ['env/v1/one/cmd/#', 1]));
    await first.next();
    await leave(first);
    const ops = await openDeviceWire(rig.port, 'ops');
    ops.send(command('a', 1), command('b', 2));
    await ops.next();
    await ops.next();
    const second = await openDeviceWire(rig.port, 'one', { clean: false });
    const got = [readPublish(await second.next()), readPublish(await second.next())];
    expect(got.map(({ payload, duplicate }) => [payload, duplicate])).toEqual([
      ['a', false],
      ['b', false],
    ]);
  });

  test('MQTT-3.1.2-6, MQTT-4.1.0-2: a clean session begins with nothing and ends with the connection', async () => {
    const rig = await useRig();
    const first = await openDeviceWire(rig.port, 'one', { clean: false });
    first.send(subscribePacket(1, ['env/v1/one/cmd/#', 1]));
    await first.next();
    await leave(first);
    const second = await openDeviceWire(rig.port, 'one', { clean: true });
    const ops = await openDeviceWire(rig.port, 'ops');
    ops.send(command('a'));
    await ops.next();
    await expectQuiet(second);
    await leave(second);
    expect(rig.broker.stats.sessions).toBe(1);
    const third = await openDeviceWire(rig.port, 'one', { clean: false });
    await expectQuiet(third);
  });

  test('MQTT-3.1.2-7: retained messages are not of the session and outlive it', async () => {
    const rig = await useRig();
    const first = await openDeviceWire(rig.port, 'one');
    first.send(publishPacket('env/v1/one/state', 'on', { qos: 1, retain: true }));
    await first.next();
    await leave(first);
    const second = await openDeviceWire(rig.port, 'one');
    second.send(subscribePacket(1, ['env/v1/one/state', 0]));
    await second.next();
    expect(readPublish(await second.next()).payload).toBe('on');
  });

  test('MQTT-3.1.4-2: a second connection of the same client closes the first', async () => {
    const rig = await useRig();
    const first = await openDeviceWire(rig.port, 'one');
    const second = await openDeviceWire(rig.port, 'one');
    expect(await first.ended()).toEqual([]);
    await expectQuiet(second);
    expect(rig.telemetry.value('quantrac_mqtt_takeovers_total')).toBe(1);
  });

  test('MQTT-3.1.3-2: the same client id with another credential is another session', async () => {
    const rig = await useRig();
    const first = await openDeviceWire(rig.port, 'one', { clientId: 'same', clean: false });
    first.send(subscribePacket(1, ['env/v1/one/cmd/#', 1]));
    await first.next();
    const second = await openDeviceWire(rig.port, 'two', { clientId: 'same', clean: false });
    await expectQuiet(first);
    await leave(first);
    const ops = await openDeviceWire(rig.port, 'ops');
    ops.send(command('for one'));
    await ops.next();
    await expectQuiet(second);
    const back = await openDeviceWire(rig.port, 'one', { clientId: 'same', clean: false });
    expect(readPublish(await back.next()).payload).toBe('for one');
  });

  test('MQTT-4.4.0-1, MQTT-4.3.2-1, MQTT-4.6.0-1, MQTT-3.3.1-1: what was not acknowledged comes again with DUP, in order', async () => {
    const rig = await useRig();
    const first = await openDeviceWire(rig.port, 'one', { clean: false });
    first.send(subscribePacket(1, ['env/v1/one/cmd/#', 2]));
    await first.next();
    const ops = await openDeviceWire(rig.port, 'ops');
    ops.send(command('a', 1), command('b', 2), command('c', 3));
    const sent = [];
    for (let count = 0; count < 3; count += 1) sent.push(readPublish(await first.next()));
    first.send(acknowledgement(4, sent[1]!.packetId));
    await expectQuiet(first);
    first.destroy();
    await first.ended();
    const second = await openDeviceWire(rig.port, 'one', { clean: false });
    const again = [readPublish(await second.next()), readPublish(await second.next())];
    expect(again).toEqual([
      { ...sent[0], duplicate: true },
      { ...sent[2], duplicate: true },
    ]);
    await expectQuiet(second);
  });

  test('MQTT-4.3.3-1: with QoS 2 the second half is repeated, not the message', async () => {
    const rig = await useRig();
    const first = await openDeviceWire(rig.port, 'one', { clean: false });
    first.send(subscribePacket(1, ['env/v1/one/cmd/#', 2]));
    expect([...(await first.next()).body]).toEqual([0, 1, 2]);
    const ops = await openDeviceWire(rig.port, 'ops');
    ops.send(publishPacket('env/v1/one/cmd/7', 'x', { qos: 2, packetId: 9 }));
    expect((await ops.next()).type).toBe(5);
    const { packetId, qos } = readPublish(await first.next());
    expect(qos).toBe(2);
    first.send(acknowledgement(5, packetId));
    expect(await first.next()).toMatchObject({ type: 6, flags: 2 });
    first.destroy();
    await first.ended();
    const second = await openDeviceWire(rig.port, 'one', { clean: false });
    const released = await second.next();
    expect([released.type, released.flags, released.body.readUInt16BE(0)]).toEqual([
      6,
      2,
      packetId,
    ]);
    second.send(acknowledgement(7, packetId));
    await expectQuiet(second);
    second.destroy();
    await second.ended();
    await expectQuiet(await openDeviceWire(rig.port, 'one', { clean: false }));
  });

  test('MQTT-2.3.1-4: an identifier in use is not given to another message', async () => {
    const rig = await useRig({ config: { inflightMax: 3 } });
    const wire = await openDeviceWire(rig.port, 'one');
    wire.send(subscribePacket(1, ['env/v1/one/cmd/#', 1]));
    await wire.next();
    const ops = await openDeviceWire(rig.port, 'ops');
    const used = new Set<number>();
    for (let count = 1; count <= 3; count += 1) {
      ops.send(command(String(count), count));
      used.add(readPublish(await wire.next()).packetId);
    }
    expect(used.size).toBe(3);
    expect(used.has(0)).toBe(false);
    ops.send(command('4', 4));
    await expectQuiet(wire);
    wire.send(acknowledgement(4, 2));
    expect(used.has(readPublish(await wire.next()).packetId)).toBe(false);
  });
});

describe('last wills', () => {
  const will = { topic: 'env/v1/one/state', payload: 'offline', qos: 1, retain: true };

  async function stateSeenBy(rig: Rig): Promise<Wire> {
    const watcher = await openDeviceWire(rig.port, 'ops');
    watcher.send(subscribePacket(1, ['env/v1/one/state', 1]));
    await watcher.next();
    return watcher;
  }

  test('MQTT-3.1.2-8, MQTT-3.1.2-17: it is kept as control, sent and retained when the connection is lost', async () => {
    const rig = await useRig();
    const watcher = await stateSeenBy(rig);
    const wire = await openDeviceWire(rig.port, 'one', { will });
    wire.destroy();
    expect(readPublish(await watcher.next())).toMatchObject({ payload: 'offline', retain: false });
    expect(rig.log.readings[0]).toMatchObject({
      kind: 'control',
      device: 'one',
      topic: will.topic,
    });
    const later = await openDeviceWire(rig.port, 'two', {
      username: 'ops',
      password: 'secret of ops',
    });
    later.send(subscribePacket(1, ['env/v1/one/state', 1]));
    await later.next();
    expect(readPublish(await later.next())).toMatchObject({ payload: 'offline', retain: true });
  });

  test('MQTT-3.1.2-16: without will retain it is not retained', async () => {
    const rig = await useRig();
    const watcher = await stateSeenBy(rig);
    const wire = await openDeviceWire(rig.port, 'one', { will: { ...will, retain: false } });
    wire.destroy();
    expect(readPublish(await watcher.next()).payload).toBe('offline');
    watcher.send(subscribePacket(2, ['env/v1/one/state', 1]));
    expect((await watcher.next()).type).toBe(9);
    await expectQuiet(watcher);
  });

  test('MQTT-3.1.2-10, MQTT-3.14.4-3: DISCONNECT takes it back', async () => {
    const rig = await useRig();
    const watcher = await stateSeenBy(rig);
    const wire = await openDeviceWire(rig.port, 'one', { will });
    await leave(wire);
    await expectQuiet(watcher);
    expect(rig.log.readings).toEqual([]);
  });

  test('MQTT-3.1.2-12: a client without one leaves silently', async () => {
    const rig = await useRig();
    const wire = await openDeviceWire(rig.port, 'one');
    wire.destroy();
    const watcher = await stateSeenBy(rig);
    await expectQuiet(watcher);
  });

  test.each([
    ['a broken rule', (wire: Wire) => wire.send(packet(0xf0))],
    ['a message beyond its rights', (wire: Wire) => wire.send(publishPacket('env/v1/two/obs', ''))],
  ])('MQTT-3.1.2-8: it is sent when the server closes for %s', async (_name, offend) => {
    const rig = await useRig();
    const watcher = await stateSeenBy(rig);
    const wire = await openDeviceWire(rig.port, 'one', { will });
    offend(wire);
    expect(readPublish(await watcher.next()).payload).toBe('offline');
  });

  test('MQTT-3.1.2-8: it is sent when the keep-alive ends and when the client is taken over', async () => {
    const clock = createManualClock(1_700_000_000_000);
    const rig = await useRig({ clock });
    const watcher = await stateSeenBy(rig);
    await openDeviceWire(rig.port, 'one', { will, keepAliveSeconds: 10 });
    clock.advance(16_000);
    expect(readPublish(await watcher.next()).payload).toBe('offline');
    await openDeviceWire(rig.port, 'one', { will: { ...will, payload: 'taken' } });
    await openDeviceWire(rig.port, 'one');
    expect(readPublish(await watcher.next()).payload).toBe('taken');
  });

  test('a will that the log does not take is counted and not sent', async () => {
    const rig = await useRig();
    const watcher = await stateSeenBy(rig);
    const wire = await openDeviceWire(rig.port, 'one', { will });
    rig.log.mode = 'fail';
    wire.destroy();
    await expect
      .poll(() => rig.telemetry.value('quantrac_mqtt_wills_total', { outcome: 'failed' }))
      .toBe(1);
    await expectQuiet(watcher);
  });
});
