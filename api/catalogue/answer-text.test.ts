import { expect, test } from 'vitest';

import { createManualClock } from '../../devices/clock-manual.ts';
import { createMadeOnce } from './answer-text.ts';

function open(bytesMax: number, entriesMax = 1_000) {
  const clock = createManualClock(0);
  const texts = createMadeOnce<string>({
    clock,
    keptMs: 60_000,
    bytesMax,
    entriesMax,
    bytesOf: (text) => 2 * text.length,
  });
  const made: string[] = [];
  let open = 0;
  const get = (key: string, length: number) =>
    texts.get(
      key,
      async () => {
        made.push(key);
        return 'x'.repeat(length);
      },
      () => {
        open += 1;
        return () => (open -= 1);
      },
    );
  return { clock, texts, made, get, open: () => open };
}

test('a text is made once for all who ask, for as long as it is kept', async () => {
  const { clock, made, get, open: held } = open(10_000);
  await Promise.all([get('a', 100), get('a', 100)]);
  await get('a', 100);
  expect([made, held()]).toEqual([['a'], 0]);
  clock.advance(60_000);
  await get('a', 100);
  expect(made).toEqual(['a', 'a']);
});

test('however many and long texts are asked for, those kept are within the bound', async () => {
  const { texts, get, made } = open(10_000);
  for (let times = 0; times < 100; times++) {
    await get(`key ${times}`, 100 * (times % 20));
    expect(texts.bytes).toBeLessThanOrEqual(10_000);
  }
  expect(texts.bytes).toBeGreaterThan(5_000);
  // What alone is greater is given, and leaves the others where they are.
  const before = texts.bytes;
  const great = await get('great', 100_000);
  expect([great.length, texts.bytes]).toEqual([100_000, before]);
  await get('key 99', 1_900);
  expect(made.filter((key) => key === 'key 99')).toHaveLength(1);
});

test('who is not admitted makes nothing, and what failed is made anew', async () => {
  const { texts } = open(10_000);
  const refused = texts.get(
    'a',
    async () => 'made',
    () => {
      throw new Error('no place');
    },
  );
  await expect(refused).rejects.toThrow('no place');
  const failing = texts.get(
    'a',
    () => Promise.reject(new Error('no disk')),
    () => () => undefined,
  );
  await expect(failing).rejects.toThrow('no disk');
  expect(texts.bytes).toBe(0);
  const made = await texts.get(
    'a',
    async () => 'made',
    () => () => undefined,
  );
  expect(made).toBe('made');
});
