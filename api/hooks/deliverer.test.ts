import { expect, test } from 'vitest';

import { createManualClock } from '../../devices/clock-manual.ts';
import { createSeededRandom } from '../../devices/random.ts';
import { createRecordedTelemetry } from '../../devices/telemetry-silent.ts';
import type { ApiContext } from '../context.ts';
import { apiConfig } from '../config.ts';
import { createDeliverer } from './deliverer.ts';
import { createHookEvents } from './events.ts';
import type { HookStore } from './hook.ts';

test('goes on where nothing can be written down, and writes it when that is possible again', async () => {
  const clock = createManualClock(0);
  const telemetry = createRecordedTelemetry();
  let isFull = true;
  let flushes = 0;
  const store: HookStore = {
    all: new Map(),
    add: () => {},
    save: () => {},
    note: () => {},
    flush() {
      if (isFull) throw new Error('database or disk is full');
      flushes += 1;
    },
    remove: () => {},
  };
  const deliverer = createDeliverer({
    context: { config: apiConfig.parse({}), clock } as unknown as ApiContext,
    clock,
    store,
    events: createHookEvents(telemetry),
    random: createSeededRandom(1),
    resolve: async () => [],
    post: () => Promise.reject(new Error('nothing is sent in this test')),
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
