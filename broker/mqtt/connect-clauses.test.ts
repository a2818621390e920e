/** MQTT 3.1.1: strings, CONNECT and CONNACK, clause by clause, on raw sockets. */
import { describe, expect, test } from 'vitest';
import { createManualClock } from '../../devices/clock-manual.ts';
import { closedAfter, closedFor, expectQuiet, leave, pingreq, useRig } from './scene.ts';
import {
  connectPacket,
  openDeviceWire,
  openWire,
  packet,
  publishPacket,
  text,
  type ConnectFields,
} from './wire.ts';

const one: ConnectFields = { username: 'one', password: 'secret of one', clientId: 'one' };
describe('strings', () => {
  const broken = Buffer.from([0x61, 0xc3, 0x28]);
  const surrogate = Buffer.from([0xed, 0xa0, 0x80]);
  const overlong = Buffer.from([0xc0, 0x80]);
  const nul = Buffer.from('a\u0000b');
  const control = Buffer.from('a\u0007b');
  const c1 = Buffer.from('a\u0085b');
  const bad = { broken, surrogate, overlong, nul, control, c1 };

  test.each(Object.entries(bad))(
    'MQTT-1.5.3-1, MQTT-1.5.3-2, MQTT-3.1.3-4: %s text in a client id closes the connection',
    async (_name, bytes) => {
      const rig = await useRig();
      expect(await closedAfter(rig, connectPacket({ clientId: bytes }))).toEqual([]);
      expect(closedFor(rig, 'malformed')).toBe(1);
    },
  );

  test.each(Object.entries(bad))(
    'MQTT-1.5.3-1, MQTT-3.1.3-11: %s text in a user name closes the connection',
    async (_name, bytes) => {
      const rig = await useRig();
      expect(await closedAfter(rig, connectPacket({ username: bytes, password: 'x' }))).toEqual([]);
    },
  );

  test.each(Object.entries(bad))(
    'MQTT-3.1.3-10: %s text in a will topic closes the connection',
    async (_name, bytes) => {
      const rig = await useRig();
      expect(await closedAfter(rig, connectPacket({ will: { topic: bytes } }))).toEqual([]);
    },
  );

  test.each(Object.entries(bad))(
    'MQTT-3.3.2-1, MQTT-4.7.3-2: %s text in a topic closes the connection unacknowledged',
    async (_name, bytes) => {
      const rig = await useRig();
      const wire = await openDeviceWire(rig.port, 'one');
      wire.send(publishPacket(bytes, 'x', { qos: 1 }));
      expect(await wire.ended()).toEqual([]);
      expect(rig.log.readings).toEqual([]);
    },
  );

  test.each(Object.entries(bad))(
    'MQTT-3.8.3-1: %s text in a filter closes the connection',
    async (_name, bytes) => {
      const rig = await useRig();
      const wire = await openDeviceWire(rig.port, 'one');
      wire.send(packet(0x82, [0, 1], text(bytes), [0]));
      expect(await wire.ended()).toEqual([]);
    },
  );

  test('MQTT-1.5.3-3: U+FEFF is kept where it stands', async () => {
    const rig = await useRig();
    const ops = await openDeviceWire(rig.port, 'ops');
    ops.send(publishPacket('env/v1/one/cmd/\ufeffa', 'x', { qos: 1 }));
    await ops.next();
    expect(rig.log.readings[0]?.topic).toBe('env/v1/one/cmd/\ufeffa');
  });
});

describe('CONNECT', () => {
  test('MQTT-3.1.0-1, MQTT-3.2.2-6: another first packet closes the connection, without CONNACK', async () => {
    const rig = await useRig();
    expect(await closedAfter(rig, pingreq)).toEqual([]);
    expect(await closedAfter(rig, publishPacket('env/v1/one/obs', 'x', { qos: 1 }))).toEqual([]);
    // Another protocol: what it says about the length of the packet will never come.
    expect(await closedAfter(rig, Buffer.from('GET / HTTP/1.1\r\n\r\n'))).toEqual([]);
    expect(rig.telemetry.value('quantrac_mqtt_protocol_violations_total')).toBe(3);
  });

  test('MQTT-3.1.0-2: a second CONNECT closes the connection', async () => {
    const rig = await useRig();
    const wire = await openDeviceWire(rig.port, 'one');
    wire.send(connectPacket(one));
    expect(await wire.ended()).toEqual([]);
  });

  test('MQTT-3.1.2-1: another protocol name closes the connection', async () => {
    const rig = await useRig();
    for (const protocol of ['mqtt', 'HTTP', 'MQTTX', '']) {
      expect(await closedAfter(rig, connectPacket({ protocol }))).toEqual([]);
    }
  });

  test.each([[0], [3], [5], [132]])(
    'MQTT-3.1.2-2: level %i is answered with 0x01 and closed',
    async (level) => {
      const rig = await useRig();
      const answers = await closedAfter(rig, connectPacket({ level }));
      expect(answers.map(({ body }) => [...body])).toEqual([[0, 1]]);
    },
  );

  test('MQTT 3.1 is spoken too, with client ids of 1 to 23 characters', async () => {
    const rig = await useRig();
    const old = { protocol: 'MQIsdp', level: 3 };
    const wire = await openDeviceWire(rig.port, 'one', old);
    await expectQuiet(wire);
    for (const clientId of ['', 'x'.repeat(24)]) {
      const [answer] = await closedAfter(rig, connectPacket({ ...old, clientId }));
      expect([...answer!.body]).toEqual([0, 2]);
    }
  });

  test.each([
    ['MQTT-3.1.2-3: the reserved flag', { flipFlags: 0x01 }],
    ['MQTT-3.1.2-13: a will QoS without a will', { flipFlags: 0x08 }],
    ['MQTT-3.1.2-15: a will to be retained without a will', { flipFlags: 0x20 }],
    ['MQTT-3.1.2-14: will QoS 3', { will: { topic: 'env/v1/one/state' }, flipFlags: 0x18 }],
    ['MQTT-3.1.2-22: a password without a user name', { password: 'x' }],
    ['MQTT-3.1.2-19: a user name that is announced and missing', { flipFlags: 0x80 }],
    [
      'MQTT-3.1.2-21: a password that is announced and missing',
      { username: 'one', flipFlags: 0x40 },
    ],
    ['MQTT-3.1.2-9: a will that is announced and missing', { flipFlags: 0x04 }],
    ['MQTT-3.1.2-18: a user name that is not announced', { ...one, flipFlags: 0xc0 }],
    ['MQTT-3.1.2-20: a password that is not announced', { ...one, flipFlags: 0x40 }],
    ['MQTT-3.1.2-11: a will that is not announced', { will: { topic: 'a' }, flipFlags: 0x04 }],
    ['MQTT-4.7.1-1: a wildcard in the will topic', { will: { topic: 'env/v1/+/state' } }],
    ['MQTT-4.7.3-1: an empty will topic', { will: { topic: '' } }],
  ])('MQTT-3.1.4-1, %s closes the connection without CONNACK', async (_name, fields) => {
    const rig = await useRig();
    expect(await closedAfter(rig, connectPacket(fields))).toEqual([]);
    expect(rig.telemetry.value('quantrac_mqtt_protocol_violations_total')).toBe(1);
  });

  test('MQTT-3.1.3-1: bytes behind the payload, or missing ones, close the connection', async () => {
    const rig = await useRig();
    const whole = connectPacket(one);
    const longer = packet(0x10, whole.subarray(2), [0]);
    const shorter = packet(0x10, whole.subarray(2, -1));
    expect(await closedAfter(rig, longer)).toEqual([]);
    expect(await closedAfter(rig, shorter)).toEqual([]);
    expect(await closedAfter(rig, packet(0x10))).toEqual([]);
  });

  test('MQTT-2.2.2-2: flags in the fixed header of CONNECT close the connection', async () => {
    const rig = await useRig();
    const bytes = connectPacket(one);
    bytes[0] = 0x11;
    expect(await closedAfter(rig, bytes)).toEqual([]);
  });

  test.each(['a', 'abcdefghijklmnopqrstuvw', '0123456789ABCDEFGHIJKLM', 'ẩm-ướt-01'])(
    'MQTT-3.1.3-5: client id %s is let in',
    async (clientId) => {
      const rig = await useRig();
      const wire = await openDeviceWire(rig.port, 'one', { clientId });
      await expectQuiet(wire);
    },
  );

  test('MQTT-3.1.3-6, MQTT-3.1.3-7: no client id with a clean session gets one of its own', async () => {
    const rig = await useRig();
    const first = await openDeviceWire(rig.port, 'one', { clientId: '' });
    const second = await openDeviceWire(rig.port, 'one', { clientId: '' });
    await expectQuiet(first);
    await expectQuiet(second);
    expect(rig.broker.stats.sessions).toBe(2);
  });

  test('MQTT-3.1.3-8, MQTT-3.1.3-9: no client id without a clean session is answered with 0x02', async () => {
    const rig = await useRig();
    const [answer] = await closedAfter(rig, connectPacket({ ...one, clientId: '', clean: false }));
    expect([...answer!.body]).toEqual([0, 2]);
  });

  test('a client id of more than 256 bytes is answered with 0x02', async () => {
    const rig = await useRig();
    const [answer] = await closedAfter(rig, connectPacket({ ...one, clientId: 'x'.repeat(257) }));
    expect([...answer!.body]).toEqual([0, 2]);
  });

  test('MQTT-3.1.2-24: 1.5 times the keep-alive of silence closes the connection', async () => {
    const clock = createManualClock(1_700_000_000_000);
    const rig = await useRig({ clock });
    const wire = await openDeviceWire(rig.port, 'one', { keepAliveSeconds: 10 });
    clock.advance(14_500);
    await expectQuiet(wire);
    clock.advance(14_500);
    await expectQuiet(wire);
    clock.advance(15_500);
    expect(await wire.ended()).toEqual([]);
    expect(closedFor(rig, 'keep-alive')).toBe(1);
  });

  test('MQTT-3.1.2-23: any packet counts against silence, a publish too', async () => {
    const clock = createManualClock(1_700_000_000_000);
    const rig = await useRig({ clock });
    const wire = await openDeviceWire(rig.port, 'one', { keepAliveSeconds: 10 });
    for (let round = 0; round < 4; round += 1) {
      clock.advance(10_000);
      wire.send(publishPacket('env/v1/one/obs', 'x', { qos: 1 }));
      expect((await wire.next()).type).toBe(4);
    }
    expect(wire.isEnded).toBe(false);
  });

  test('a keep-alive of none, or beyond the longest, is treated as the longest', async () => {
    const clock = createManualClock(1_700_000_000_000);
    const rig = await useRig({ clock, config: { keepAliveSecondsMax: 20 } });
    const none = await openDeviceWire(rig.port, 'one', { keepAliveSeconds: 0 });
    const long = await openDeviceWire(rig.port, 'two', { keepAliveSeconds: 3_600 });
    clock.advance(29_000);
    await expectQuiet(none);
    await expectQuiet(long);
    clock.advance(31_000);
    await none.ended();
    await long.ended();
    expect(closedFor(rig, 'keep-alive')).toBe(2);
  });
});

describe('CONNACK', () => {
  test('MQTT-3.2.0-1, MQTT-3.1.4-4: it comes first, and 0x00 for a client that is let in', async () => {
    const rig = await useRig();
    const wire = await openWire(rig.port);
    // MQTT-3.1.4-5: a client need not wait for it.
    wire.send(connectPacket(one), publishPacket('env/v1/one/obs', 'x', { qos: 1 }), pingreq);
    const types = [await wire.next(), await wire.next(), await wire.next()].map(({ type }) => type);
    expect(types[0]).toBe(2);
    expect(new Set(types)).toEqual(new Set([2, 4, 13]));
  });

  test('MQTT-3.1.4-5, MQTT-3.2.2-5: behind a refusal nothing is processed, and it closes', async () => {
    const rig = await useRig();
    const answers = await closedAfter(
      rig,
      connectPacket({ ...one, password: 'wrong' }),
      publishPacket('env/v1/one/obs', 'x', { qos: 1 }),
    );
    expect(answers.map(({ type, body }) => [type, ...body])).toEqual([[2, 0, 4]]);
    expect(rig.log.readings).toEqual([]);
  });

  test('MQTT-3.2.2-4: a refusal never says that a session is present', async () => {
    const rig = await useRig();
    const kept = await openDeviceWire(rig.port, 'one', { clean: false });
    await leave(kept);
    const [answer] = await closedAfter(
      rig,
      connectPacket({ ...one, clean: false, password: 'wrong' }),
    );
    expect([...answer!.body]).toEqual([0, 4]);
  });

  test('MQTT-3.2.2-1, MQTT-3.2.2-2, MQTT-3.2.2-3: it says whether a session was stored', async () => {
    const rig = await useRig();
    async function present(clean: boolean): Promise<number> {
      const wire = await openWire(rig.port);
      wire.send(connectPacket({ ...one, clean }));
      const { body } = await wire.next();
      await leave(wire);
      return body[0]!;
    }
    expect(await present(false)).toBe(0);
    expect(await present(false)).toBe(1);
    expect(await present(true)).toBe(0);
    expect(await present(false)).toBe(0);
    expect(await present(false)).toBe(1);
  });
});
