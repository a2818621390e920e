import { expect, test } from 'vitest';

import { createManualClock } from '../../devices/clock-manual.ts';
import { createSeededRandom } from '../../devices/random.ts';
import { createRecordedTelemetry } from '../../devices/telemetry-silent.ts';
import type { ApiContext } from '../context.ts';
import { apiConfig } from '../config.ts';
import { createDeliverer } from './deliverer.ts';
import { createHookEvents } from './events.ts';
import type { HookStore } from './hook.ts';

function openDeliverer(store: Partial<HookStore>) {
  const clock = createManualClock(0);
  const telemetry = createRecordedTelemetry();
  const none = () => {};
  const options = {
    context: { config: apiConfig.parse({}), clock } as unknown as ApiContext,
    clock,
    store: {
      all: new Map(),
      add: none,
      save: none,
      note: none,
      moved: none,
      noteMoved: none,
      flush: none,
      remove: none,
      ...store,
    },
    events: createHookEvents(telemetry),
    random: createSeededRandom(1),
    resolve: async () => [],
    post: () => Promise.reject(new Error('nothing is sent in this test')),
    accessLog: { note: none },
  };
  const deliverer = createDeliverer(options, () => clock.now());
  return { clock, telemetry, deliverer };
}

test('goes on where nothing can be written down, and writes it when that is possible again', async () => {
  let isFull = true;
  let flushes = 0;
  const { clock, telemetry, deliverer } = openDeliverer({
    flush() {
      if (isFull) throw new Error('database or disk is full');
      flushes += 1;
    },
  });
  clock.advance(4_000);
  expect(flushes).toBe(0);
  expect(telemetry.lines.filter(({ level }) => level === 'error')).toHaveLength(1);
  isFull = false;
  clock.advance(10_000);
  expect(flushes).toBeGreaterThan(0);
  isFull = true;
  await deliverer.close();
});

test('has places written that only moved once a minute, and at the end', async () => {
  let times = 0;
  const { clock, deliverer } = openDeliverer({ noteMoved: () => void (times += 1) });
  clock.advance(59_000);
  expect(times).toBe(0);
  clock.advance(121_000);
  expect(times).toBe(3);
  await deliverer.close();
  expect(times).toBe(4);
});
