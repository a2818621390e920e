import { expect, test } from 'vitest';

import { createManualClock } from '../../devices/clock-manual.ts';
import { createReadyBodies, type Ready } from './ready-bodies.ts';

/** Asks as a route does; the answer is the moment it was read at. */
function openBodies({ bytesMax = 1_000_000, entriesMax = 100, isLong = true } = {}) {
  const clock = createManualClock(0);
  const bodies = createReadyBodies({ clock, bytesMax, entriesMax, idleMs: 60_000 });
  const written: string[] = [];
  let moment = 0;
  const ask = (question = 'q', registryVersion = 1): Ready<number> => {
    const hot = bodies.hot<number>(question, registryVersion);
    if (hot !== undefined) return hot;
    const tag = `${question} ${moment} ${registryVersion}`;
    const sequence = [registryVersion, moment];
    return bodies.of({ question, registryVersion, tag, sequence, isLong }, moment, async () => {
      written.push(tag);
      return Buffer.alloc(100, tag);
    });
  };
  return { ask, bodies, clock, written, move: () => (moment += 1) };
}

test('a body is written once for all who ask at the same moment, and anew at the next', async () => {
  const { ask, written, move } = openBodies({ isLong: false });
  await Promise.all([ask().body(), ask().body()]);
  await ask().body();
  expect(written).toEqual(['q 0 1']);
  move();
  expect(ask().answer).toBe(1);
  await ask().body();
  expect(written).toEqual(['q 0 1', 'q 1 1']);
});

test('a hot question costs one body a second, none of them older than that', () => {
  const { ask, clock, move } = openBodies();
  const seen: number[] = [];
  for (let ms = 0; ms < 5_000; ms += 10) {
    clock.advance(10);
    // Something comes in between any two who ask.
    const now = move();
    const { answer } = ask();
    seen.push(answer);
    expect(now - answer).toBeLessThanOrEqual(101);
  }
  expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  expect(new Set(seen.slice(100)).size).toBeLessThanOrEqual(5);
});

test('whoever asks now and then is always given the newest', () => {
  const { ask, clock, move } = openBodies();
  for (let times = 0; times < 50; times++) {
    clock.advance(600);
    expect(ask().answer).toBe(times);
    move();
  }
});

test('whoever asks for little is always given the newest', () => {
  const { ask, move } = openBodies({ isLong: false });
  for (let times = 0; times < 50; times++) {
    expect(ask().answer).toBe(times);
    move();
  }
});

test('an answer that was overtaken while it was prepared does not take the place of the newer one', async () => {
  const { bodies, ask, move, written } = openBodies();
  const write = async () => Buffer.from('older');
  for (let asked = 0; asked < 3; asked++) move();
  for (let asked = 0; asked < 3; asked++) expect(ask().answer).toBe(3);
  for (const sequence of [
    [1, 2],
    [0, 9],
  ]) {
    const version = { question: 'q', registryVersion: 1, tag: `${sequence}`, isLong: true };
    const older = bodies.of({ ...version, sequence }, 2, write);
    expect([older.answer, String(await older.body())]).toEqual([2, 'older']);
    expect(ask().answer).toBe(3);
  }
  await ask().body();
  expect([written, bodies.bytes]).toEqual([['q 3 1'], 100 + 2 + 4_096]);
});

test('a hot body is not given out under another version of the registry', () => {
  const { ask, move } = openBodies();
  for (let times = 0; times < 50; times++) ask();
  move();
  expect(ask('q', 1).answer).toBe(0);
  expect(ask('q', 2).answer).toBe(1);
});

test('bytes are bounded, and what failed is written anew', async () => {
  const { ask, bodies } = openBodies({ bytesMax: 10_000 });
  for (const question of ['a', 'b', 'c', 'd']) await ask(question).body();
  // Each with its body, its question and what it takes beside.
  expect(bodies.bytes).toBe(2 * (100 + 2 + 4_096));
  const version = {
    question: 'bad',
    registryVersion: 1,
    tag: 'bad',
    sequence: [1, 0],
    isLong: true,
  };
  let tries = 0;
  const write = async () => {
    tries += 1;
    if (tries === 1) throw new Error('the disk cannot be read');
    return Buffer.alloc(10);
  };
  await expect(bodies.of(version, 0, write).body()).rejects.toThrow('disk');
  expect(await bodies.of(version, 0, write).body()).toHaveLength(10);
});

test('questions that differ in length alone are bounded too, in bytes and in number', () => {
  const long = openBodies({ bytesMax: 100_000, entriesMax: 1_000 });
  for (let times = 0; times < 100; times++) long.ask(`${times}`.padStart(8_000, 'q'));
  expect(long.bodies.bytes).toBeLessThanOrEqual(100_000);
  expect(long.bodies.bytes).toBeGreaterThan(80_000);
  const many = openBodies({ entriesMax: 10 });
  for (let times = 0; times < 100; times++) many.ask(`${times}`);
  expect(many.bodies.bytes).toBe(10 * (4_096 + 4));
});

test('what nobody asks for any more is let go, what is asked for stays', async () => {
  const { ask, bodies, clock, written } = openBodies();
  await ask('idle').body();
  for (let seconds = 0; seconds < 130; seconds += 10) {
    await ask('busy').body();
    clock.advance(10_000);
  }
  expect(bodies.bytes).toBe(100 + 2 * 4 + 4_096);
  expect(written).toHaveLength(2);
  clock.advance(60_000);
  ask('new');
  expect(bodies.bytes).toBe(2 * 3 + 4_096);
});
