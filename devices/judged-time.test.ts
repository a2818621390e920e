import fc from 'fast-check';
import { expect, test } from 'vitest';

import { createManualClock } from './clock-manual.ts';
import { createJudgedTime, type HeldTime } from './judged-time.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const yearMs = 365 * dayMs;
const startAt = Date.UTC(2026, 0, 1);

function open(seenAt?: number) {
  const clock = createManualClock(startAt);
  const time = createJudgedTime(clock);
  const told: HeldTime[] = [];
  time.begin({ jumpMsMax: dayMs, seenAt, changed: (state) => void told.push(state) });
  return { clock, time, told };
}

test('is the clock, also when that is set a little or goes back', () => {
  const { clock, time, told } = open();
  clock.advance(10 * dayMs);
  expect(time.now()).toBe(clock.now());
  clock.jumpTo(clock.now() + dayMs);
  expect(time.now()).toBe(clock.now());
  clock.jumpTo(startAt - yearMs);
  expect(time.now()).toBe(startAt - yearMs);
  expect(told).toEqual([]);
});

test('goes on by itself while the clock is wrong, and with the clock once that is mended', () => {
  const { clock, time, told } = open();
  clock.jumpTo(startAt + 3 * yearMs);
  clock.advance(hourMs);
  expect([time.now(), time.isHeld]).toEqual([startAt + hourMs, true]);
  clock.jumpTo(startAt + hourMs);
  clock.advance(hourMs);
  expect([time.now(), time.isHeld]).toEqual([startAt + 2 * hourMs, false]);
  expect(told.map(({ isHeld }) => isHeld)).toEqual([true, false]);
  expect(told[0]).toMatchObject({ clockAt: startAt + 3 * yearMs + hourMs });
});

test('is the clock after all when that has gone evenly for as long, and not when it jumped again', () => {
  const { clock, time } = open();
  clock.jumpTo(startAt + yearMs);
  expect(time.now()).toBe(startAt);
  clock.advance(20 * hourMs);
  time.now();
  clock.jumpTo(clock.now() + yearMs);
  clock.advance(20 * hourMs);
  expect(time.now()).toBe(startAt + 40 * hourMs);
  clock.advance(dayMs);
  expect(time.now()).toBe(clock.now());
});

test('knows a jump from one run to the next', () => {
  const { clock, time } = open(startAt - yearMs);
  expect([time.now(), time.isHeld]).toEqual([startAt - yearMs, true]);
  clock.advance(dayMs);
  expect([time.now(), time.isHeld]).toEqual([startAt + dayMs, false]);
});

test('is never ahead of time that has passed by more than one jump, however the clock is set', () => {
  const step = fc.record({
    jumpMs: fc.integer({ min: 2 * dayMs, max: 50 * yearMs }),
    passMs: fc.integer({ min: 0, max: dayMs / 2 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const { clock, time } = open();
      let passedMs = 0;
      for (const { jumpMs, passMs } of steps) {
        clock.jumpTo(clock.now() + jumpMs);
        expect(time.now()).toBe(startAt + passedMs);
        clock.advance(passMs);
        passedMs += passMs;
        expect(time.now()).toBe(startAt + passedMs);
      }
    }),
  );
});
