import { getEventListeners } from 'node:events';
import { expect, it } from 'vitest';
import { createManualClock } from '../devices/clock-manual.ts';
import { pause } from './pause.ts';

it('ends with its time or with its signal, and leaves nobody waiting', async () => {
  const clock = createManualClock(0);
  const stopping = new AbortController();
  const listeners = (): number => getEventListeners(stopping.signal, 'abort').length;
  for (let time = 0; time < 3; time++) {
    const pausing = pause(clock, 100, stopping.signal);
    expect(listeners()).toBe(1);
    clock.advance(100);
    await pausing;
    expect(listeners()).toBe(0);
  }
  const last = pause(clock, 100, stopping.signal);
  stopping.abort();
  await last;
  await pause(clock, 100, stopping.signal);
});
