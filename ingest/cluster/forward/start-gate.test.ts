import { setImmediate } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import { createManualClock, type ManualClock } from '../../../devices/clock-manual.ts';
import { createStartGate, startGateBytes, type StartGate } from './start-gate.ts';

let clock: ManualClock;
/** As the owner of the log has it, and as who links the node to Kafka. */
let owner: StartGate;
let link: StartGate;
beforeEach(() => {
  clock = createManualClock(0);
  const buffer = new SharedArrayBuffer(startGateBytes);
  owner = createStartGate(buffer, clock);
  link = createStartGate(buffer, clock);
});

/** Whether it is over once so much time has passed. */
async function isOver(work: Promise<unknown>, afterMs: number): Promise<boolean> {
  let over = false;
  void work.then(() => (over = true));
  for (let passedMs = 0; passedMs < afterMs; passedMs += 20) {
    await setImmediate();
    clock.advance(20);
  }
  await setImmediate();
  return over;
}

describe('the gate at the start of a node', () => {
  test('gives the end of the log to whoever asks Kafka, be it 0', async () => {
    const asked = link.untilEnd(new AbortController().signal);
    expect(await isOver(asked, 100)).toBe(false);
    owner.tellEnd(0);
    expect(await isOver(asked, 40)).toBe(true);
    expect(await asked).toBe(0);
  });

  test('gives none to one who is closed before', async () => {
    const stopping = new AbortController();
    const asked = link.untilEnd(stopping.signal);
    stopping.abort();
    expect(await isOver(asked, 40)).toBe(true);
    expect(await asked).toBeUndefined();
  });

  test('keeps doors shut until the log is proven, and says when they are not', async () => {
    const passing = owner.pass();
    expect(await isOver(passing, 1_000)).toBe(false);
    expect(link.isPassed).toBe(false);
    link.tellProven();
    expect(await isOver(passing, 40)).toBe(true);
    expect(link.isPassed).toBe(true);
  });

  test('opens by itself while Kafka stays away', async () => {
    expect(await isOver(owner.pass(), 3_100)).toBe(true);
    expect(link.isPassed).toBe(true);
  });
});
