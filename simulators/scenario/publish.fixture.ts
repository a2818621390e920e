/** Devices of the load publish while a test does something else. */
import { expect } from 'vitest';
import { openSystemClock } from '../../devices/clock-system.ts';
import type { DeviceSecretOf } from '../device.ts';
import { startLoad } from '../load/run.ts';

export interface Publishing {
  readonly port: () => number;
  readonly secrets: readonly DeviceSecretOf[];
  /** Messages a second. */
  readonly rate: number;
}

/** Resolves to how many messages were acknowledged, when all are. */
export async function publishDuring(
  { port, secrets, rate }: Publishing,
  during: () => Promise<unknown>,
): Promise<number> {
  const load = startLoad({
    host: '127.0.0.1',
    port,
    clock: openSystemClock(),
    seed: 1,
    secrets: [...secrets],
    rate,
    window: 10,
    qos2Share: 0,
    duplicateShare: 0,
  });
  await during();
  expect(await load.finish(60_000)).toBe(0);
  load.close();
  return load.ledger.totals().acknowledged;
}
