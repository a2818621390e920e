/** What a change of the registry means for those who are inside. */
import { describe, expect, test } from 'vitest';
import { createManualClock } from '../../devices/clock-manual.ts';
import { closedFor, expectQuiet, granted, leave, useRig } from './scene.ts';
import { openDeviceWire, publishPacket } from './wire.ts';

const startAt = 1_700_000_000_000;

describe('a change of the registry', () => {
  test('a revoked secret is cut at once, and its will with it', async () => {
    const rig = await useRig();
    const will = { topic: 'env/v1/one/state', payload: 'offline' };
    const wire = await openDeviceWire(rig.port, 'one', { will });
    const other = await openDeviceWire(rig.port, 'two');
    rig.registry.secrets.delete('one');
    rig.broker.registryChanged();
    expect(await wire.ended()).toEqual([]);
    await expectQuiet(other);
    expect(closedFor(rig, 'revoked')).toBe(1);
    expect(rig.log.readings).toEqual([]);
  });

  test('rights to publish are those of now, in the middle of a connection', async () => {
    const rig = await useRig();
    rig.registry.addDevice({ id: 'child', gateway: 'one' });
    const wire = await openDeviceWire(rig.port, 'one');
    const message = publishPacket('env/v1/one/sub/child/obs', 'x', { qos: 1 });
    wire.send(message);
    expect((await wire.next()).type).toBe(4);
    rig.registry.addDevice({ id: 'child', gateway: 'two' });
    rig.broker.registryChanged();
    wire.send(message);
    expect(await wire.ended()).toEqual([]);
    expect(closedFor(rig, 'denied')).toBe(1);
  });

  test('subscriptions and what waits are held to the rights of now when a session resumes', async () => {
    const rig = await useRig();
    const first = await openDeviceWire(rig.port, 'ops', { clean: false, clientId: 'desk' });
    await granted(first, ['env/v1/one/state', 1], ['open/v1/#', 1]);
    await leave(first);
    const device = await openDeviceWire(rig.port, 'one');
    device.send(publishPacket('env/v1/one/state', 'x', { qos: 1 }));
    await device.next();
    rig.registry.addToken('ops', 'secret of ops', 'reader');
    rig.broker.registryChanged();
    const back = await openDeviceWire(rig.port, 'ops', { clean: false, clientId: 'desk' });
    await expectQuiet(back);
    expect(rig.broker.stats.subscriptions).toBe(1);
  });

  test('a device that is no more leaves no session behind', async () => {
    const rig = await useRig();
    await leave(await openDeviceWire(rig.port, 'one', { clean: false }));
    await leave(await openDeviceWire(rig.port, 'two', { clean: false }));
    rig.registry.devices.delete('one');
    rig.broker.registryChanged();
    expect(rig.broker.stats.sessions).toBe(1);
  });

  test('a secret that ends by time is cut within a minute', async () => {
    const clock = createManualClock(startAt);
    const rig = await useRig({ clock });
    const wire = await openDeviceWire(rig.port, 'one', { keepAliveSeconds: 0 });
    rig.registry.secrets.delete('one');
    clock.advance(59_000);
    await expectQuiet(wire);
    clock.advance(1_500);
    expect(await wire.ended()).toEqual([]);
    expect(closedFor(rig, 'revoked')).toBe(1);
  });

  test('many connections are held to it in a few turns', async () => {
    const rig = await useRig();
    const wires = [];
    for (let count = 0; count < 60; count += 1) {
      wires.push(await openDeviceWire(rig.port, 'one', { clientId: `c${count}` }));
    }
    rig.registry.secrets.delete('one');
    rig.broker.registryChanged();
    for (const wire of wires) await wire.ended();
    expect(closedFor(rig, 'revoked')).toBe(60);
  });
});
