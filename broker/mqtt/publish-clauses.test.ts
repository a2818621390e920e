/** MQTT 3.1.1: PUBLISH and its acknowledgements, clause by clause, on raw sockets. */
import { describe, expect, test } from 'vitest';
import { closedFor, expectQuiet, leave, useRig } from './scene.ts';
import {
  acknowledgement,
  connectPacket,
  openDeviceWire,
  openWire,
  packet,
  publishPacket,
  readPublish,
  subscribePacket,
  text,
} from './wire.ts';

const obs = 'env/v1/one/obs';

describe('a PUBLISH that breaks a rule closes the connection unacknowledged', () => {
  const noId = packet(0x32, text(obs), [1]);
  const qosBoth = packet(0x36, text(obs), [0, 1]);
  test.each([
    ['MQTT-3.3.1-4: both QoS bits', qosBoth],
    ['MQTT-3.3.1-2: DUP with QoS 0', publishPacket(obs, 'x', { duplicate: true })],
    ['MQTT-3.3.2-2: a single-level wildcard', publishPacket('env/v1/+/obs', 'x', { qos: 1 })],
    ['MQTT-3.3.2-2: a multi-level wildcard', publishPacket('env/v1/one/#', 'x', { qos: 1 })],
    ['MQTT-4.7.3-1: an empty topic', publishPacket('', 'x', { qos: 1 })],
    ['MQTT-2.3.1-1: identifier 0 with QoS 1', publishPacket(obs, 'x', { qos: 1, packetId: 0 })],
    ['MQTT-2.3.1-1: identifier 0 with QoS 2', publishPacket(obs, 'x', { qos: 2, packetId: 0 })],
    ['§2.3.1: no room for an identifier', noId],
    ['MQTT-3.3.2-1: a topic longer than the packet', packet(0x30, [0, 9, 0x61])],
    ['MQTT-3.3.2-1: no topic at all', packet(0x30, [0])],
    ['§2.2.3: a remaining length of five bytes', Buffer.from([0x30, 0x80, 0x80, 0x80, 0x80, 1])],
    ['eleven levels', publishPacket('env/v1/one/cmd/5/6/7/8/9/10/reply', 'x', { qos: 1 })],
    ['257 bytes', publishPacket(`env/v1/one/cmd/${'x'.repeat(236)}/reply`, 'x', { qos: 1 })],
  ])('%s', async (_name, bytes) => {
    const rig = await useRig();
    const wire = await openDeviceWire(rig.port, 'one');
    wire.send(bytes);
    expect(await wire.ended()).toEqual([]);
    expect(closedFor(rig, 'malformed')).toBe(1);
    expect(rig.log.readings).toEqual([]);
  });

  test('MQTT-4.8.0-1: and only that one', async () => {
    const rig = await useRig();
    const good = await openDeviceWire(rig.port, 'two');
    const bad = await openDeviceWire(rig.port, 'one');
    bad.send(qosBoth);
    await bad.ended();
    await expectQuiet(good);
  });
});

describe('packets that break a rule close the connection', () => {
  test.each([
    ['MQTT-2.2.2-2: flags of PINGREQ', Buffer.from([0xc1, 0])],
    ['MQTT-2.2.2-2: flags of PUBACK', Buffer.from([0x41, 2, 0, 1])],
    ['MQTT-3.6.1-1: flags of PUBREL', Buffer.from([0x60, 2, 0, 1])],
    ['MQTT-3.14.1-1: flags of DISCONNECT', Buffer.from([0xe1, 0])],
    ['a PINGREQ with a body', packet(0xc0, [1])],
    ['a DISCONNECT with a body', packet(0xe0, [1])],
    ['a PUBACK without an identifier', packet(0x40, [1])],
    ['a PUBACK with more than an identifier', packet(0x40, [0, 1, 2])],
    ['MQTT-2.3.1-1: a PUBREL of identifier 0', packet(0x62, [0, 0])],
    ['§2.2.1: reserved type 0', packet(0x00)],
    ['§2.2.1: reserved type 15', packet(0xf0)],
    ['a CONNACK from a client', packet(0x20, [0, 0])],
    ['a SUBACK from a client', packet(0x90, [0, 1, 0])],
    ['an UNSUBACK from a client', packet(0xb0, [0, 1])],
    ['a PINGRESP from a client', packet(0xd0)],
  ])('%s', async (_name, bytes) => {
    const rig = await useRig();
    const wire = await openDeviceWire(rig.port, 'one');
    wire.send(bytes);
    expect(await wire.ended()).toEqual([]);
    expect(closedFor(rig, 'malformed')).toBe(1);
  });

  test('MQTT-3.12.4-1: PINGREQ is answered with PINGRESP', async () => {
    const rig = await useRig();
    await expectQuiet(await openDeviceWire(rig.port, 'one'));
  });

  test('MQTT-3.14.4-2: after DISCONNECT nothing is read', async () => {
    const rig = await useRig();
    const wire = await openDeviceWire(rig.port, 'one');
    wire.send(packet(0xe0), publishPacket(obs, 'x', { qos: 1 }));
    expect(await wire.ended()).toEqual([]);
    expect(rig.log.readings).toEqual([]);
  });
});

describe('acknowledgements', () => {
  test('MQTT-4.3.2-2, MQTT-2.3.1-6, MQTT-3.3.4-1: QoS 1 is answered with PUBACK once it is kept', async () => {
    const rig = await useRig();
    rig.log.mode = 'hold';
    const wire = await openDeviceWire(rig.port, 'one');
    wire.send(publishPacket(obs, 'x', { qos: 1, packetId: 0x1234 }));
    await expect.poll(() => rig.log.held).toBe(1);
    await expectQuiet(wire);
    rig.log.release();
    const { type, flags, body } = await wire.next();
    expect([type, flags, ...body]).toEqual([4, 0, 0x12, 0x34]);
    expect(rig.log.readings).toMatchObject([
      { kind: 'message', door: 'mqtt', device: 'one', topic: obs },
    ]);
    expect(String(rig.log.readings[0]!.payload)).toBe('x');
  });

  test('MQTT-4.3.3-2: QoS 2 is answered with PUBREC once it is kept, PUBREL with PUBCOMP', async () => {
    const rig = await useRig();
    rig.log.mode = 'hold';
    const wire = await openDeviceWire(rig.port, 'one');
    wire.send(publishPacket(obs, 'x', { qos: 2, packetId: 7 }));
    await expect.poll(() => rig.log.held).toBe(1);
    await expectQuiet(wire);
    rig.log.release();
    const received = await wire.next();
    expect([received.type, received.flags, ...received.body]).toEqual([5, 0, 0, 7]);
    wire.send(acknowledgement(6, 7));
    const completed = await wire.next();
    expect([completed.type, completed.flags, ...completed.body]).toEqual([7, 0, 0, 7]);
  });

  test('MQTT-4.3.1-1, MQTT-2.3.1-5: QoS 0 is kept and not answered', async () => {
    const rig = await useRig();
    const wire = await openDeviceWire(rig.port, 'one');
    wire.send(publishPacket(obs, 'x'));
    await expectQuiet(wire);
    await expect.poll(() => rig.log.readings.length).toBe(1);
  });

  test('MQTT-4.6.0-2, MQTT-4.6.0-3: acknowledgements leave in the order of arrival', async () => {
    const rig = await useRig();
    rig.log.mode = 'hold';
    const wire = await openDeviceWire(rig.port, 'one');
    const expected: [number, number][] = [];
    for (let packetId = 1; packetId <= 90; packetId += 1) {
      const qos = packetId % 3;
      wire.send(publishPacket(obs, String(packetId), { qos, packetId }));
      if (qos > 0) expected.push([qos === 1 ? 4 : 5, packetId]);
    }
    await expect.poll(() => rig.log.held).toBe(90);
    for (let count = 0; count < 10; count += 1) rig.log.release(9);
    const got: [number, number][] = [];
    for (const _ of expected) {
      const { type, body } = await wire.next();
      got.push([type, body.readUInt16BE(0)]);
    }
    expect(got).toEqual(expected);
    expect(rig.log.readings.map(({ payload }) => Number(String(payload)))).toEqual(
      Array.from({ length: 90 }, (_, index) => index + 1),
    );
  });

  test('MQTT-3.3.1-3: DUP with QoS 1 changes nothing: it is kept and answered', async () => {
    const rig = await useRig();
    const wire = await openDeviceWire(rig.port, 'one');
    wire.send(publishPacket(obs, 'x', { qos: 1, packetId: 3, duplicate: true }));
    expect((await wire.next()).type).toBe(4);
    expect(rig.log.readings.length).toBe(1);
  });

  test('a payload of no bytes is a message too', async () => {
    const rig = await useRig();
    const wire = await openDeviceWire(rig.port, 'one');
    wire.send(publishPacket(obs, '', { qos: 1 }));
    expect((await wire.next()).type).toBe(4);
    expect(rig.log.readings[0]!.payload.length).toBe(0);
  });
});

describe('QoS 2, exactly once', () => {
  test('MQTT-4.3.3-2: a repetition before PUBREL is answered and not kept again', async () => {
    const rig = await useRig();
    const wire = await openDeviceWire(rig.port, 'one');
    const message = publishPacket(obs, 'x', { qos: 2, packetId: 5 });
    wire.send(message);
    expect((await wire.next()).type).toBe(5);
    wire.send(publishPacket(obs, 'x', { qos: 2, packetId: 5, duplicate: true }));
    expect((await wire.next()).type).toBe(5);
    expect(rig.log.readings.length).toBe(1);
    wire.send(acknowledgement(6, 5));
    expect((await wire.next()).type).toBe(7);
    wire.send(message);
    expect((await wire.next()).type).toBe(5);
    expect(rig.log.readings.length).toBe(2);
  });

  test('a repetition while the first is on its way is answered once, with it', async () => {
    const rig = await useRig();
    rig.log.mode = 'hold';
    const wire = await openDeviceWire(rig.port, 'one');
    wire.send(publishPacket(obs, 'x', { qos: 2, packetId: 5 }));
    wire.send(publishPacket(obs, 'x', { qos: 2, packetId: 5, duplicate: true }));
    await expectQuiet(wire);
    expect(rig.log.held).toBe(1);
    rig.log.release();
    expect((await wire.next()).type).toBe(5);
    await expectQuiet(wire);
  });

  test('a PUBREL for an unknown identifier is answered with PUBCOMP', async () => {
    const rig = await useRig();
    const wire = await openDeviceWire(rig.port, 'one');
    wire.send(acknowledgement(6, 77));
    const { type, body } = await wire.next();
    expect([type, ...body]).toEqual([7, 0, 77]);
  });

  test('MQTT-3.1.2-4: identifiers live on in a kept session and not in a clean one', async () => {
    const rig = await useRig();
    const message = publishPacket(obs, 'x', { qos: 2, packetId: 5 });
    for (const [clean, expected] of [
      [false, 1],
      [true, 3],
    ] as const) {
      for (let count = 0; count < 2; count += 1) {
        const wire = await openDeviceWire(rig.port, 'one', { clean });
        wire.send(message);
        expect((await wire.next()).type).toBe(5);
        await leave(wire);
      }
      expect(rig.log.readings.length).toBe(expected);
    }
  });

  test('an answer that became due while the client was away goes to its next connection', async () => {
    const rig = await useRig();
    rig.log.mode = 'hold';
    const first = await openDeviceWire(rig.port, 'one', { clean: false });
    first.send(publishPacket(obs, 'x', { qos: 2, packetId: 5 }));
    await expect.poll(() => rig.log.held).toBe(1);
    first.destroy();
    await expect.poll(() => closedFor(rig, 'lost')).toBe(1);
    const second = await openDeviceWire(rig.port, 'one', { clean: false });
    second.send(publishPacket(obs, 'x', { qos: 2, packetId: 5, duplicate: true }));
    await expectQuiet(second);
    rig.log.release();
    expect((await second.next()).type).toBe(5);
    expect(rig.log.readings.length).toBe(1);
  });

  test('when the log refuses the first, the next connection has to send it again', async () => {
    const rig = await useRig();
    rig.log.mode = 'hold';
    const first = await openDeviceWire(rig.port, 'one', { clean: false });
    first.send(publishPacket(obs, 'x', { qos: 2, packetId: 5 }));
    await expect.poll(() => rig.log.held).toBe(1);
    first.destroy();
    await expect.poll(() => closedFor(rig, 'lost')).toBe(1);
    const second = await openDeviceWire(rig.port, 'one', { clean: false });
    second.send(publishPacket(obs, 'x', { qos: 2, packetId: 5, duplicate: true }));
    await expectQuiet(second);
    rig.log.fail();
    expect(await second.ended()).toEqual([]);
    rig.log.mode = 'keep';
    const third = await openDeviceWire(rig.port, 'one', { clean: false });
    third.send(publishPacket(obs, 'x', { qos: 2, packetId: 5, duplicate: true }));
    expect((await third.next()).type).toBe(5);
    expect(rig.log.readings.length).toBe(1);
  });
});

describe('rights', () => {
  test('MQTT-3.3.5-2: a PUBLISH beyond the rights closes the connection unacknowledged', async () => {
    const rig = await useRig();
    for (const topic of ['env/v1/two/obs', 'open/v1/s/ph', '$SYS/x', 'anything']) {
      const wire = await openDeviceWire(rig.port, 'one');
      wire.send(publishPacket(topic, 'x', { qos: 1 }));
      expect(await wire.ended()).toEqual([]);
    }
    expect(rig.log.readings).toEqual([]);
    expect(rig.telemetry.value('quantrac_acl_denied_total', { action: 'publish' })).toBe(4);
  });

  test('a retained message is within the rights as state and birth only', async () => {
    const rig = await useRig();
    const refused = await openDeviceWire(rig.port, 'one');
    refused.send(publishPacket(obs, 'x', { qos: 1, retain: true }));
    expect(await refused.ended()).toEqual([]);
    const wire = await openDeviceWire(rig.port, 'one');
    wire.send(publishPacket('env/v1/one/meta', 'x', { qos: 1, retain: true }));
    expect((await wire.next()).type).toBe(4);
    expect(rig.telemetry.value('quantrac_acl_denied_total', { action: 'retain' })).toBe(1);
  });

  test('a message after one that was denied is not read', async () => {
    const rig = await useRig();
    const wire = await openDeviceWire(rig.port, 'one');
    wire.send(publishPacket('env/v1/two/obs', 'x', { qos: 1 }), publishPacket(obs, 'y'));
    await wire.ended();
    expect(rig.log.readings).toEqual([]);
  });
});

describe('the own scheme', () => {
  test('each topic is kept as what it is, whoever speaks', async () => {
    const rig = await useRig();
    rig.registry.addDevice({ id: 'child', gateway: 'one' });
    const wire = await openDeviceWire(rig.port, 'one');
    const forms = ['obs', 'obs/backfill', 'state', 'meta', 'time', 'cfg/reported', 'cmd/1/reply'];
    for (const form of [...forms, 'sub/child/obs']) {
      wire.send(publishPacket(`env/v1/one/${form}`, form, { qos: 1 }));
      expect((await wire.next()).type).toBe(4);
    }
    expect(rig.log.readings.map(({ kind, device, topic }) => `${kind} ${device} ${topic}`)).toEqual(
      [
        'message one env/v1/one/obs',
        'backfill one env/v1/one/obs/backfill',
        'control one env/v1/one/state',
        'control one env/v1/one/meta',
        'control one env/v1/one/time',
        'control one env/v1/one/cfg/reported',
        'control one env/v1/one/cmd/1/reply',
        'message child env/v1/one/sub/child/obs',
      ],
    );
  });

  test('the time is told to a device that asks for it', async () => {
    const rig = await useRig();
    const wire = await openDeviceWire(rig.port, 'one');
    wire.send(subscribePacket(1, ['env/v1/one/time', 1]));
    await wire.next();
    const before = Date.now();
    wire.send(publishPacket('env/v1/one/time', ''));
    const answer = readPublish(await wire.next());
    expect(answer).toMatchObject({ topic: 'env/v1/one/time', qos: 0 });
    expect(Number(answer.payload)).toBeGreaterThanOrEqual(before);
    expect(Number(answer.payload)).toBeLessThanOrEqual(Date.now());
    await expectQuiet(wire);
  });

  test('readings reach no subscriber, not even through a filter that was granted', async () => {
    const rig = await useRig();
    const ops = await openDeviceWire(rig.port, 'ops');
    ops.send(subscribePacket(1, ['open/#', 1], ['$SYS/#', 1]));
    await ops.next();
    const wire = await openDeviceWire(rig.port, 'one');
    wire.send(publishPacket(obs, 'x', { qos: 1 }));
    await wire.next();
    ops.send(packet(0xc0));
    const after = [];
    for (let packetOf = await ops.next(); packetOf.type !== 13; packetOf = await ops.next()) {
      after.push(readPublish(packetOf).topic);
    }
    expect(after.filter((topic) => !topic.startsWith('$SYS/broker/'))).toEqual([]);
  });

  test('anonymous publishing is refused', async () => {
    const rig = await useRig();
    const wire = await openWire(rig.port);
    wire.send(connectPacket(), publishPacket(obs, 'x', { qos: 1 }));
    expect((await wire.ended()).map(({ type }) => type)).not.toContain(4);
    expect(rig.log.readings).toEqual([]);
  });

  test('anonymous publishing is let in from this machine under demo', async () => {
    const rig = await useRig({ config: { anonymousPublish: 'demo' } });
    const wire = await openWire(rig.port);
    wire.send(connectPacket(), publishPacket(obs, 'x', { qos: 1 }));
    expect([(await wire.next()).type, (await wire.next()).type]).toEqual([2, 4]);
    expect(rig.log.readings[0]).toMatchObject({ device: 'one', topic: obs });
  });
});
