import { expect, test } from 'vitest';
import { askOrDo } from './ask-or-do.ts';
import type { Clock } from './devices/clock.ts';
import { createManualClock } from './devices/clock-manual.ts';
import { startError } from './errors.ts';

/** Time goes by whenever it is waited for. */
function hastyClock(): Clock {
  const clock = createManualClock(0);
  return {
    ...clock,
    schedule(delayMs, run) {
      const scheduled = clock.schedule(delayMs, run);
      queueMicrotask(() => clock.advance(delayMs));
      return scheduled;
    },
  };
}

const owned = (): never => {
  throw startError('START_FOLDER_OWNED', { folder: 'data' });
};

test('a server that starts meanwhile is asked once it answers', async () => {
  const clock = hastyClock();
  const answerAtMs = 3_000;
  let asked = 0;
  const answer = await askOrDo(
    clock,
    async () => {
      asked += 1;
      return clock.monotonicMs() >= answerAtMs ? 'there' : undefined;
    },
    owned,
  );
  expect([answer, asked, clock.monotonicMs()]).toEqual(['there', 31, answerAtMs]);
});

test('a folder that its owner gives free is worked on here', async () => {
  const clock = hastyClock();
  const here = () => (clock.monotonicMs() < 500 ? owned() : 'here');
  expect(await askOrDo(clock, async () => undefined, here)).toBe('here');
});

test('an owner that stays silent is named, after some seconds', async () => {
  const clock = hastyClock();
  const silent = askOrDo(clock, async () => undefined, owned);
  await expect(silent).rejects.toMatchObject({ code: 'START_FOLDER_OWNED' });
  expect(clock.monotonicMs()).toBe(10_000);
});

test('what else goes wrong, there or here, is said at once', async () => {
  const clock = hastyClock();
  const wrong = () => Promise.reject(new Error('no space'));
  await expect(askOrDo(clock, wrong, () => 'here')).rejects.toThrow('no space');
  await expect(askOrDo(clock, async () => undefined, wrong)).rejects.toThrow('no space');
  expect(clock.monotonicMs()).toBe(0);
});
