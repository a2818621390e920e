/** Limits: what a client may cost before and after it has proved who it is. */
import { describe, expect, test } from 'vitest';
import { createManualClock } from '../../devices/clock-manual.ts';
import {
  closedAfter,
  closedFor,
  expectQuiet,
  granted,
  leave,
  nextPublish,
  useRig,
} from './scene.ts';
import {
  connectPacket,
  openDeviceWire,
  openWire,
  packet,
  publishPacket,
  subscribePacket,
} from './wire.ts';

const obs = 'env/v1/one/obs';
const startAt = 1_700_000_000_000;

describe('before a client is known', () => {
  test('a CONNECT of more than 4 KiB is cut by its header', async () => {
    const rig = await useRig();
    const wire = await openWire(rig.port);
    wire.send(connectPacket({ will: { topic: 'a', payload: 'x'.repeat(5_000) } }).subarray(0, 3));
    expect(await wire.ended()).toEqual([]);
    expect(closedFor(rig, 'too-large')).toBe(1);
  });

  test('one of exactly 4 KiB is read', async () => {
    const rig = await useRig();
    const fields = { username: 'one', password: '', clientId: 'one' };
    const spare = 4_096 - connectPacket(fields).length - 1;
    const bytes = connectPacket({ ...fields, password: 'x'.repeat(spare) });
    expect(bytes.length).toBe(4_096);
    const [answer] = await closedAfter(rig, bytes);
    expect([...answer!.body]).toEqual([0, 4]);
  });

  test.each([
    ['nothing', []],
    ['half a CONNECT', [...connectPacket().subarray(0, 9)]],
    ['one byte', [0x10]],
  ])('10 s after %s the connection is cut', async (_name, bytes) => {
    const clock = createManualClock(startAt);
    const rig = await useRig({ clock });
    const wire = await openWire(rig.port);
    wire.send(bytes);
    const other = await openDeviceWire(rig.port, 'one');
    clock.advance(9_500);
    await expectQuiet(other);
    expect(wire.isEnded).toBe(false);
    clock.advance(1_000);
    await wire.ended();
    expect(closedFor(rig, 'connect-timeout')).toBe(1);
  });

  test('a refused client that does not go is cut', async () => {
    const clock = createManualClock(startAt);
    const rig = await useRig({ clock });
    const wire = await openWire(rig.port);
    wire.stream.pause();
    wire.send(connectPacket({ username: 'one', password: 'wrong' }));
    await expect.poll(() => rig.telemetry.value('quantrac_auth_failures_total')).toBe(1);
    clock.advance(3_000);
    expect(closedFor(rig, 'connect-refused')).toBe(1);
  });

  test('connections are counted, and one beyond the most is closed', async () => {
    const rig = await useRig({ config: { connectionsMax: 2 } });
    const first = await openDeviceWire(rig.port, 'one');
    const second = await openDeviceWire(rig.port, 'two');
    const third = await openWire(rig.port);
    await third.ended();
    await expectQuiet(first);
    expect(rig.telemetry.value('quantrac_rate_limited_total', { what: 'connections' })).toBe(1);
    second.destroy();
    await expect.poll(() => rig.broker.stats.connections).toBe(1);
    await expectQuiet(await openDeviceWire(rig.port, 'three'));
  });

  test('connections beyond rate and burst are closed until time has passed', async () => {
    const clock = createManualClock(startAt);
    const config = { connectionRateMax: 1, connectionBurstMax: 2 };
    const rig = await useRig({ clock, config });
    await openDeviceWire(rig.port, 'one');
    await openDeviceWire(rig.port, 'two');
    await (await openWire(rig.port)).ended();
    const limited = { what: 'connection-rate' };
    expect(rig.telemetry.value('quantrac_rate_limited_total', limited)).toBe(1);
    clock.advance(1_000);
    await expectQuiet(await openDeviceWire(rig.port, 'three'));
  });
});

describe('failed logins', () => {
  const wrong = connectPacket({ username: 'one', password: 'wrong' });

  test('unknown names and wrong secrets get the same answer, and are counted', async () => {
    const rig = await useRig();
    const answers = [
      ...(await closedAfter(rig, wrong)),
      ...(await closedAfter(rig, connectPacket({ username: 'nobody', password: 'x' }))),
    ];
    expect(answers.map(({ body }) => [...body])).toEqual([
      [0, 4],
      [0, 4],
    ]);
    const counted = (reason: string) =>
      rig.telemetry.value('quantrac_auth_failures_total', { listener: 'tcp', reason });
    expect([counted('wrong-secret'), counted('unknown')]).toEqual([1, 1]);
    const lines = rig.telemetry.lines.filter(({ message }) => message === 'login failed');
    expect(lines.map(({ fields }) => (fields as { device?: string }).device)).toEqual([
      'one',
      undefined,
    ]);
  });

  test('from the sixth in a minute on the answer takes longer and longer; a right secret does not', async () => {
    const clock = createManualClock(startAt);
    const rig = await useRig({ clock });
    for (let count = 0; count < 5; count += 1) {
      expect((await closedAfter(rig, wrong)).length).toBe(1);
    }
    const sixth = await openWire(rig.port);
    sixth.send(wrong);
    const seventh = await openWire(rig.port);
    await expect.poll(() => rig.telemetry.value('quantrac_auth_failures_total')).toBe(6);
    seventh.send(wrong);
    await expect.poll(() => rig.telemetry.value('quantrac_auth_failures_total')).toBe(7);
    await expectQuiet(await openDeviceWire(rig.port, 'one'));
    expect([sixth.packets.length, seventh.packets.length]).toEqual([0, 0]);
    clock.advance(1_000);
    expect([...(await sixth.next()).body]).toEqual([0, 4]);
    expect(seventh.packets.length).toBe(0);
    clock.advance(1_000);
    expect([...(await seventh.next()).body]).toEqual([0, 4]);
    clock.advance(60_000);
    expect((await closedAfter(rig, wrong)).length).toBe(1);
  });

  test('answers held back are bounded: beyond, the connection is closed without one', async () => {
    const config = { failedLoginsPerMinuteMax: 1, heldLoginsMax: 1 };
    const rig = await useRig({ config });
    await closedAfter(rig, wrong);
    const held = await openWire(rig.port);
    held.send(wrong);
    await expect.poll(() => rig.telemetry.value('quantrac_auth_failures_total')).toBe(2);
    expect(await closedAfter(rig, wrong)).toEqual([]);
    expect(rig.telemetry.value('quantrac_rate_limited_total', { what: 'held-logins' })).toBe(1);
    held.destroy();
  });

  test('a pinned client id has to be met', async () => {
    const rig = await useRig();
    rig.registry.addDevice({ id: 'one', clientId: 'pinned' });
    const login = { username: 'one', password: 'secret of one' };
    for (const clientId of ['other', '']) {
      const [answer] = await closedAfter(rig, connectPacket({ ...login, clientId }));
      expect([...answer!.body]).toEqual([0, 2]);
    }
    await expectQuiet(await openDeviceWire(rig.port, 'one', { clientId: 'pinned' }));
  });
});

describe('known clients', () => {
  test('a packet of more than 64 KiB is cut by its header, one of 64 KiB is kept', async () => {
    const rig = await useRig();
    const wire = await openDeviceWire(rig.port, 'one');
    const overhead = publishPacket(obs, 'x'.repeat(60_000), { qos: 1 }).length - 60_000;
    const whole = publishPacket(obs, 'x'.repeat(65_536 - overhead), { qos: 1 });
    expect(whole.length).toBe(65_536);
    wire.send(whole);
    expect((await wire.next()).type).toBe(4);
    wire.send(publishPacket(obs, 'x'.repeat(65_537 - overhead), { qos: 1 }).subarray(0, 4));
    expect(await wire.ended()).toEqual([]);
    expect(closedFor(rig, 'too-large')).toBe(1);
  });

  test('QoS 2 messages that are never released are bounded', async () => {
    const rig = await useRig({ config: { unreleasedMax: 5 } });
    const wire = await openDeviceWire(rig.port, 'one');
    for (let packetId = 1; packetId <= 5; packetId += 1) {
      wire.send(publishPacket(obs, 'x', { qos: 2, packetId }));
      expect((await wire.next()).type).toBe(5);
    }
    wire.send(publishPacket(obs, 'x', { qos: 2, packetId: 6 }));
    expect(await wire.ended()).toEqual([]);
    expect(closedFor(rig, 'unreleased-max')).toBe(1);
  });

  test('subscriptions are bounded; one that is there may be renewed', async () => {
    const rig = await useRig({ config: { subscriptionsMax: 2 } });
    const wire = await openDeviceWire(rig.port, 'one');
    const own = (form: string): [string, number] => [`env/v1/one/${form}`, 0];
    expect(await granted(wire, own('cmd/#'), own('cfg/#'), own('time'), own('cmd/#'))).toEqual([
      0, 0, 0x80, 0,
    ]);
    expect(rig.telemetry.value('quantrac_rate_limited_total', { what: 'subscriptions' })).toBe(1);
  });

  test('what waits for an absent client is bounded: the oldest goes and is counted', async () => {
    const rig = await useRig({ config: { queueMessagesMax: 3 } });
    const wire = await openDeviceWire(rig.port, 'one', { clean: false });
    await granted(wire, ['env/v1/one/cmd/#', 1]);
    await leave(wire);
    const ops = await openDeviceWire(rig.port, 'ops');
    for (let packetId = 1; packetId <= 5; packetId += 1) {
      ops.send(publishPacket('env/v1/one/cmd/7', String(packetId), { qos: 1, packetId }));
      await ops.next();
    }
    const dropped = { reason: 'queue-full' };
    expect(rig.telemetry.value('quantrac_mqtt_messages_dropped_total', dropped)).toBe(2);
    const back = await openDeviceWire(rig.port, 'one', { clean: false });
    const got = [await nextPublish(back), await nextPublish(back), await nextPublish(back)];
    expect(got.map(({ payload }) => payload)).toEqual(['3', '4', '5']);
  });

  test('QoS 0 is not kept for an absent client', async () => {
    const rig = await useRig();
    const wire = await openDeviceWire(rig.port, 'one', { clean: false });
    await granted(wire, ['env/v1/one/cmd/#', 0]);
    await leave(wire);
    const ops = await openDeviceWire(rig.port, 'ops');
    ops.send(publishPacket('env/v1/one/cmd/7', 'x', { qos: 1 }));
    await ops.next();
    await expectQuiet(await openDeviceWire(rig.port, 'one', { clean: false }));
  });

  test('sessions of absent clients are bounded: the one away longest ends', async () => {
    const rig = await useRig({ config: { sessionsOfflineMax: 2 } });
    for (const device of ['one', 'two', 'three']) {
      await leave(await openDeviceWire(rig.port, device, { clean: false }));
    }
    expect(rig.broker.stats.sessions).toBe(2);
    const evicted = { reason: 'offline-max' };
    expect(rig.telemetry.value('quantrac_mqtt_sessions_evicted_total', evicted)).toBe(1);
    const wire = await openWire(rig.port);
    const login = { username: 'one', password: 'secret of one', clientId: 'one', clean: false };
    wire.send(connectPacket(login));
    expect([...(await wire.next()).body]).toEqual([0, 0]);
  });

  test('a session ends when its client has been away too long', async () => {
    const clock = createManualClock(startAt);
    const rig = await useRig({ clock, config: { sessionOfflineSeconds: 60 } });
    await leave(await openDeviceWire(rig.port, 'one', { clean: false }));
    clock.advance(59_000);
    expect(rig.broker.stats.sessions).toBe(1);
    clock.advance(2_000);
    expect(rig.broker.stats.sessions).toBe(0);
  });

  test('a will beyond the rights is refused with 0x05, at CONNECT', async () => {
    const rig = await useRig();
    const login = { username: 'one', password: 'secret of one', clientId: 'one' };
    for (const will of [
      { topic: 'env/v1/two/state' },
      { topic: 'open/v1/s/ph' },
      { topic: '$SYS/x' },
      { topic: obs, retain: true },
      { topic: `env/v1/one/cmd/${'x'.repeat(300)}/reply` },
    ]) {
      const [answer] = await closedAfter(rig, connectPacket({ ...login, will }));
      expect([...answer!.body]).toEqual([0, 5]);
    }
    expect(rig.telemetry.value('quantrac_acl_denied_total', { action: 'will' })).toBe(5);
  });

  test('a will beyond the rights of the moment is not sent', async () => {
    const rig = await useRig();
    rig.registry.addDevice({ id: 'child', gateway: 'one' });
    const wire = await openDeviceWire(rig.port, 'one', {
      will: { topic: 'env/v1/one/sub/child/obs', payload: 'x' },
    });
    rig.registry.devices.delete('child');
    rig.broker.registryChanged();
    wire.destroy();
    const denied = () => rig.telemetry.value('quantrac_mqtt_wills_total', { outcome: 'denied' });
    await expect.poll(denied).toBe(1);
    expect(rig.log.readings).toEqual([]);
  });

  test('lines about hostile clients are bounded, counters are not', async () => {
    const clock = createManualClock(startAt);
    const rig = await useRig({ clock });
    for (let count = 0; count < 15; count += 1) await closedAfter(rig, packet(0xf0));
    const broken = () =>
      rig.telemetry.lines.filter(({ message }) => message.includes('broke a rule'));
    expect(broken().length).toBe(10);
    expect(rig.telemetry.value('quantrac_mqtt_protocol_violations_total')).toBe(15);
    clock.advance(1_000);
    await closedAfter(rig, packet(0xf0));
    expect(rig.telemetry.lines).toContainEqual({
      level: 'warn',
      fields: { suppressed: 5 },
      message: 'lines about clients were left out',
    });
  });
});

test('a fault of the broker in one connection ends that one alone', async () => {
  const rig = await useRig();
  const other = await openDeviceWire(rig.port, 'two');
  rig.registry.authenticate = () => {
    throw new Error('the registry is broken');
  };
  const login = { username: 'one', password: 'secret of one', clientId: 'one' };
  expect(await closedAfter(rig, connectPacket(login))).toEqual([]);
  await expectQuiet(other);
  expect(closedFor(rig, 'internal-error')).toBe(1);
  expect(rig.telemetry.lines.some(({ level }) => level === 'error')).toBe(true);
});

test('an operator can be shown who is connected', async () => {
  const rig = await useRig();
  const wire = await openDeviceWire(rig.port, 'one', { clientId: 'c' });
  await openWire(rig.port);
  wire.send(publishPacket(obs, 'x', { qos: 1 }));
  await wire.next();
  const rows = rig.broker.connections(10);
  expect(rows).toMatchObject([
    {
      principal: 'device:one',
      session: 'device:one c',
      listener: 'tcp',
      address: '127.0.0.1',
      publishes: 1,
      unacknowledged: 0,
      subscriptions: 0,
    },
  ]);
  expect(rows[0]!.heardAt).toBeGreaterThanOrEqual(rows[0]!.connectedAt);
  expect(rig.broker.connections(0)).toEqual([]);
});

test('a subscriber that asks for nothing that exists costs no more than a refusal', async () => {
  const rig = await useRig();
  const wire = await openWire(rig.port);
  wire.send(connectPacket(), subscribePacket(1, ['open/v1/a/b/c', 0]));
  await wire.next();
  expect([...(await wire.next()).body]).toEqual([0, 1, 0]);
  await expectQuiet(wire);
});
