/** Whatever arrives, one connection ends at most: the process lives and devices are served. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { useRig } from './scene.ts';
import {
  acknowledgement,
  connectPacket,
  openDeviceWire,
  openWire,
  packet,
  publishPacket,
  subscribePacket,
  unsubscribePacket,
} from './wire.ts';

const login = { username: 'one', password: 'secret of one', clientId: 'fuzz' };

/** A conversation without a fault, to be spoiled. */
const whole = [
  connectPacket({ ...login, will: { topic: 'env/v1/one/state', payload: 'x' } }),
  subscribePacket(1, ['env/v1/one/cmd/#', 2], ['open/v1/#', 1]),
  publishPacket('env/v1/one/obs', '{"ph":7}', { qos: 2, packetId: 2 }),
  acknowledgement(6, 2),
  publishPacket('env/v1/one/state', 'on', { qos: 1, packetId: 3, retain: true }),
  unsubscribePacket(4, 'open/v1/#'),
  acknowledgement(4, 9),
  packet(0xc0),
  packet(0xe0),
];

const spoiled = fc
  .record({
    order: fc.array(fc.nat(whole.length - 1), { minLength: 1, maxLength: 12 }),
    startsRight: fc.boolean(),
    flips: fc.array(fc.tuple(fc.nat(2_000), fc.integer({ min: 0, max: 255 })), { maxLength: 4 }),
    cutAt: fc.option(fc.nat(600)),
    noise: fc.uint8Array({ maxLength: 40 }),
  })
  .map(({ order, startsRight, flips, cutAt, noise }) => {
    const start = startsRight ? [whole[0]!] : [];
    const bytes = Buffer.concat([...start, ...order.map((index) => whole[index]!), noise]);
    const from = startsRight ? whole[0]!.length : 0;
    for (const [at, value] of flips) {
      bytes[from + (at % Math.max(1, bytes.length - from))] = value;
    }
    return bytes.subarray(0, cutAt ?? bytes.length);
  });

test('spoiled conversations and noise end their own connection at most', async () => {
  const rig = await useRig();
  const device = await openDeviceWire(rig.port, 'two');
  let packetId = 0;
  await fc.assert(
    fc.asyncProperty(spoiled, async (bytes) => {
      const wire = await openWire(rig.port);
      wire.send(bytes);
      wire.stream.end();
      await wire.ended();
      packetId += 1;
      device.send(publishPacket('env/v1/two/obs', String(packetId), { qos: 1, packetId }));
      expect((await device.next()).body.readUInt16BE(0)).toBe(packetId);
    }),
    { numRuns: 400 },
  );
  await expect.poll(() => rig.broker.stats.connections).toBe(1);
  const kept = rig.log.readings.filter(({ device: of }) => of === 'two');
  expect(kept.length).toBe(packetId);
  const strangers = rig.log.readings.filter(({ device: of }) => of !== 'one' && of !== 'two');
  expect(strangers).toEqual([]);
});
