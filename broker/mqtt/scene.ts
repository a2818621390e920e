/** For tests: a rig that closes with its test, and what most tests of the wire do with it. */
import { expect, onTestFinished } from 'vitest';
import type { ManualClock } from '../../devices/clock-manual.ts';
import { openRig, type Rig, type RigOptions } from './rig.ts';
import {
  openWire,
  packet,
  readPublish,
  subscribePacket,
  type Published,
  type Wire,
  type WirePacket,
} from './wire.ts';

/** Longer than a broker takes to close. */
const closeMs = 60_000;

export const pingreq = packet(0xc0);
const disconnect = packet(0xe0);

export async function useRig(options: RigOptions = {}): Promise<Rig> {
  const rig = await openRig(options);
  onTestFinished(async () => {
    const closing = rig.broker.close();
    // A clock that stands still would wait for ever.
    if (options.clock !== undefined && 'advance' in options.clock) {
      (options.clock as ManualClock).advance(closeMs);
    }
    await closing;
  });
  return rig;
}

/** Sends bytes on a new connection and returns what comes back until the server closes it. */
export async function closedAfter(
  rig: Rig,
  ...bytes: readonly Buffer[]
): Promise<readonly WirePacket[]> {
  const wire = await openWire(rig.port);
  wire.send(...bytes);
  return wire.ended();
}

/** Proves that nothing else was waiting: the next packet is the answer to a ping. */
export async function expectQuiet(wire: Wire): Promise<void> {
  wire.send(pingreq);
  expect((await wire.next()).type).toBe(13);
}

/** Ends the connection as a client does that means to. */
export async function leave(wire: Wire): Promise<void> {
  wire.send(disconnect);
  await wire.ended();
}

/** Connections ended for this reason, or any. */
export function closedFor(rig: Rig, reason?: string): number {
  const labels = reason === undefined ? undefined : { reason };
  return rig.telemetry.value('quantrac_mqtt_disconnects_total', labels);
}

/** The return codes of the SUBACK that comes next. */
export async function granted(
  wire: Wire,
  ...filters: readonly [string, number][]
): Promise<number[]> {
  wire.send(subscribePacket(11, ...filters));
  const { type, flags, body } = await wire.next();
  expect([type, flags, body.readUInt16BE(0)]).toEqual([9, 0, 11]);
  return [...body.subarray(2)];
}

/** The next packet, which is a PUBLISH. */
export async function nextPublish(wire: Wire): Promise<Published> {
  const got = await wire.next();
  expect(got.type).toBe(3);
  return readPublish(got);
}
