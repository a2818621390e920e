import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createManualClock } from '../../devices/clock-manual.ts';
import type { Registry } from '../../devices/registry.ts';
import { registryWaiter } from './await-registry.ts';

/** A copy whose thread holds `seen`, while the disk has `stored` already. */
function openCopy(seen: number) {
  const copy = { seen, stored: seen, refreshes: 0 };
  const registry = {
    current: () => ({ version: copy.seen }) as Registry,
    refresh() {
      copy.refreshes++;
      copy.seen = copy.stored;
      return registry.current();
    },
  };
  return { copy, registry };
}

test('a version that is held needs no waiting and no look at the disk', () => {
  const { copy, registry } = openCopy(7);
  const untilRegistry = registryWaiter(registry, createManualClock(0));
  expect(untilRegistry(7)).toBeUndefined();
  expect(untilRegistry(1)).toBeUndefined();
  expect(copy.refreshes).toBe(0);
});

test('a version that comes later is waited for', async () => {
  const clock = createManualClock(0);
  const { copy, registry } = openCopy(7);
  let isHeld = false;
  const waiting = registryWaiter(registry, clock)(9)?.then(() => (isHeld = true));
  for (const stored of [7, 8]) {
    copy.stored = stored;
    await setImmediate();
    clock.advance(50);
  }
  await setImmediate();
  expect(isHeld).toBe(false);
  copy.stored = 9;
  clock.advance(50);
  await waiting;
  expect(isHeld).toBe(true);
});
