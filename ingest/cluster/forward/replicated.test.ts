import { setImmediate } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import { createManualClock, type ManualClock } from '../../../devices/clock-manual.ts';
import { createDurableEnd, type SharedDurableEnd } from '../../log/durable-end.ts';
import { untilReplicated } from './replicated.ts';

let clock: ManualClock;
let forwardedEnd: SharedDurableEnd;
beforeEach(() => {
  clock = createManualClock(0);
  forwardedEnd = createDurableEnd();
});

/** What became of the wait, once those who wait have been heard. */
async function outcomeOf(waiting: Promise<void>): Promise<unknown> {
  let outcome: unknown = 'waits';
  void waiting.then(
    () => (outcome = 'kept'),
    (error: unknown) => (outcome = error),
  );
  await setImmediate();
  return outcome;
}

const wait = (position: number): Promise<void> =>
  untilReplicated({ forwardedEnd, clock, waitMsMax: 1_000 }, position);

describe('an acknowledgement with ack replicated', () => {
  test('comes once Kafka has the log so far, not before', async () => {
    forwardedEnd.advance(4);
    const waiting = wait(5);
    clock.advance(900);
    expect(await outcomeOf(waiting)).toBe('waits');
    forwardedEnd.advance(5);
    expect(await outcomeOf(waiting)).toBe('kept');
    expect(await outcomeOf(wait(5))).toBe('kept');
  });

  test('does not come where that takes too long', async () => {
    const waiting = wait(1);
    clock.advance(1_000);
    expect(await outcomeOf(waiting)).toMatchObject({
      code: 'FORWARD_NOT_REPLICATED',
      fields: { position: 1, waitMsMax: 1_000 },
    });
  });
});
