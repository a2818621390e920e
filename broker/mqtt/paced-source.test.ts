import { expect, test } from 'vitest';

import { createManualClock } from '../../devices/clock-manual.ts';
import type { LogSource } from '../../ingest/feed/feed.ts';
import { createPacedSource } from './paced-source.ts';

test('all readers together read so many bytes a second', async () => {
  const clock = createManualClock(0);
  let bytes = 0;
  const source: LogSource = {
    durableEnd: { get: () => 1, waitBeyond: () => Promise.reject(new Error('not of this log')) },
    openReader: () => ({
      next: 1,
      async read(bytesMax) {
        bytes += bytesMax;
        return [{ position: 1, body: Buffer.alloc(bytesMax), rewritten: false }];
      },
      skipDamaged: async () => null,
      seek: () => {},
      close: async () => {},
    }),
  };
  const paced = createPacedSource(source, clock, 65_536);
  let isOver = false;
  const readers = [1, 2, 3].map(async () => {
    const reader = await paced.openReader(1);
    while (!isOver) await reader.read(16_384);
  });
  for (let step = 0; step < 1_000; step += 1) {
    clock.advance(10);
    await new Promise((resolve) => setImmediate(resolve));
  }
  // Ten seconds' worth, of which three openings took theirs; each reader may be one read ahead.
  expect(bytes).toBeGreaterThan(500_000);
  expect(bytes).toBeLessThanOrEqual(10 * 65_536 + 3 * 16_384);
  isOver = true;
  clock.advance(60_000);
  await Promise.resolve();
  clock.advance(60_000);
  await Promise.all(readers);
});
