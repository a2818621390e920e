/** What the doors do when the log is slow, full or broken, and when the broker stops. */
import { describe, expect, test } from 'vitest';
import { createManualClock } from '../../devices/clock-manual.ts';
import { closedAfter, closedFor, expectQuiet, granted, useRig } from './scene.ts';
import { connectPacket, openDeviceWire, openWire, packet, publishPacket } from './wire.ts';

const obs = 'env/v1/one/obs';

describe('a log that cannot be written', () => {
  test('MQTT-4.8.0-2: nothing is acknowledged, the connection is closed and counted', async () => {
    const rig = await useRig();
    const wire = await openDeviceWire(rig.port, 'one');
    rig.log.mode = 'fail';
    for (const [index, qos] of [0, 1, 2].entries()) {
      wire.send(publishPacket(obs, 'x', { qos, packetId: index + 1 }));
    }
    expect(await wire.ended()).toEqual([]);
    expect(closedFor(rig, 'log-failed')).toBe(1);
  });

  test('what was kept before the failure is acknowledged, nothing behind it', async () => {
    const rig = await useRig();
    rig.log.mode = 'hold';
    const wire = await openDeviceWire(rig.port, 'one');
    for (let packetId = 1; packetId <= 5; packetId += 1) {
      wire.send(publishPacket(obs, 'x', { qos: 1, packetId }));
    }
    await expect.poll(() => rig.log.held).toBe(5);
    rig.log.release(2);
    expect([(await wire.next()).type, (await wire.next()).type]).toEqual([4, 4]);
    rig.log.fail();
    expect(await wire.ended()).toEqual([]);
  });

  test('a writer is refused with 0x03, readers stay and come in, and it resumes by itself', async () => {
    const rig = await useRig();
    rig.logState = { healthy: false, reason: 'disk full' };
    for (const name of ['one', 'ops']) {
      const fields = { username: name, password: `secret of ${name}`, clientId: name };
      const [answer] = await closedAfter(rig, connectPacket(fields));
      expect([...answer!.body]).toEqual([0, 3]);
    }
    const labels = { result: 'log-unavailable', listener: 'tcp' };
    expect(rig.telemetry.value('quantrac_mqtt_connects_total', labels)).toBe(2);
    const reader = await openWire(rig.port);
    reader.send(connectPacket());
    expect((await reader.next()).type).toBe(2);
    expect(await granted(reader, ['open/v1/#', 0])).toEqual([0]);
    rig.logState = { healthy: true };
    await expectQuiet(await openDeviceWire(rig.port, 'one'));
  });

  test('under demo nobody in particular is a writer too', async () => {
    const rig = await useRig({ config: { anonymousPublish: 'demo' } });
    rig.logState = { healthy: false, reason: 'disk full' };
    const [answer] = await closedAfter(rig, connectPacket());
    expect([...answer!.body]).toEqual([0, 3]);
  });
});

describe('a log that is slow', () => {
  test('no more than the window of one connection waits in it; the rest is not read', async () => {
    const rig = await useRig({ config: { inflightMax: 10 } });
    rig.log.mode = 'hold';
    const wire = await openDeviceWire(rig.port, 'one');
    for (let packetId = 1; packetId <= 25; packetId += 1) {
      wire.send(publishPacket(obs, 'x', { qos: 1, packetId }));
    }
    await expect.poll(() => rig.log.held).toBe(10);
    const other = await openDeviceWire(rig.port, 'two');
    await expectQuiet(other);
    expect(rig.log.held).toBe(10);
    rig.log.release(10);
    await expect.poll(() => rig.log.held).toBe(10);
    rig.log.mode = 'keep';
    rig.log.release();
    for (let packetId = 1; packetId <= 25; packetId += 1) {
      expect((await wire.next()).body.readUInt16BE(0)).toBe(packetId);
    }
  });

  test('a saturated log is not appended to; reading goes on when it has room', async () => {
    const clock = createManualClock(1_700_000_000_000);
    const rig = await useRig({ clock });
    const wire = await openDeviceWire(rig.port, 'one');
    rig.log.saturated = true;
    wire.send(publishPacket(obs, 'x', { qos: 1 }));
    const other = await openDeviceWire(rig.port, 'two');
    rig.log.saturated = false;
    await expectQuiet(other);
    clock.advance(500);
    expect((await wire.next()).type).toBe(4);
  });

  test('beyond the longest stall the connection is cut, so that the device tries again', async () => {
    const clock = createManualClock(1_700_000_000_000);
    const rig = await useRig({ clock, config: { logStallMsMax: 3_000 } });
    rig.log.mode = 'hold';
    const wire = await openDeviceWire(rig.port, 'one');
    const idle = await openDeviceWire(rig.port, 'two');
    wire.send(publishPacket(obs, 'x', { qos: 1 }));
    await expect.poll(() => rig.log.held).toBe(1);
    clock.advance(2_500);
    await expectQuiet(wire);
    clock.advance(1_000);
    expect(await wire.ended()).toEqual([]);
    expect(closedFor(rig, 'log-stalled')).toBe(1);
    await expectQuiet(idle);
    rig.log.release();
    expect(rig.log.readings.length).toBe(1);
  });

  test('while a connection is not read, its silence is not held against it', async () => {
    const clock = createManualClock(1_700_000_000_000);
    const rig = await useRig({ clock, config: { inflightMax: 1, logStallMsMax: 60_000 } });
    rig.log.mode = 'hold';
    const wire = await openDeviceWire(rig.port, 'one', { keepAliveSeconds: 10 });
    wire.send(publishPacket(obs, 'x', { qos: 1, packetId: 1 }));
    wire.send(publishPacket(obs, 'x', { qos: 1, packetId: 2 }));
    await expect.poll(() => rig.log.held).toBe(1);
    clock.advance(30_000);
    rig.log.mode = 'keep';
    rig.log.release();
    expect([(await wire.next()).type, (await wire.next()).type]).toEqual([4, 4]);
  });

  test('the time to the acknowledgement is measured', async () => {
    const rig = await useRig();
    const wire = await openDeviceWire(rig.port, 'one');
    wire.send(publishPacket(obs, 'x', { qos: 1 }));
    await wire.next();
    expect(rig.telemetry.value('quantrac_mqtt_puback_seconds')).toBeGreaterThan(0);
  });
});

describe('a stop', () => {
  test('waits for what is owed, acknowledges it, and sends no wills', async () => {
    const rig = await useRig();
    rig.log.mode = 'hold';
    const will = { topic: 'env/v1/one/state', payload: 'offline', qos: 1 };
    const wire = await openDeviceWire(rig.port, 'one', { will });
    wire.send(publishPacket(obs, 'x', { qos: 1 }));
    await expect.poll(() => rig.log.held).toBe(1);
    const closing = rig.broker.close();
    wire.send(packet(0xc0));
    rig.log.release();
    expect((await wire.next()).type).toBe(4);
    await closing;
    expect(await wire.ended()).toEqual([]);
    expect(rig.log.readings.length).toBe(1);
    expect(closedFor(rig, 'shutdown')).toBe(1);
  });

  test('does not wait for ever', async () => {
    const rig = await useRig();
    rig.log.mode = 'hold';
    const wire = await openDeviceWire(rig.port, 'one');
    wire.send(publishPacket(obs, 'x', { qos: 1 }));
    await expect.poll(() => rig.log.held).toBe(1);
    await rig.broker.close();
    expect(await wire.ended()).toEqual([]);
  });
});
