import { describe, expect, it } from 'vitest';
import { runSeeds, runSpine } from './spine.ts';

const longMs = 240_000;

describe('the spine under seeded mishaps', () => {
  for (const from of [1, 6, 11, 16]) {
    it(
      `breaks no promise in the seeds ${from} to ${from + 4}`,
      async () => {
        for (const outcome of await runSeeds(from, 5)) {
          const { seed, lost, invented, doubled, missing, broken } = outcome;
          expect({ seed, lost, invented, doubled, missing, broken }).toEqual({
            seed,
            lost: 0,
            invented: 0,
            doubled: 0,
            missing: 0,
            broken: [],
          });
          expect(outcome.faults).toBeGreaterThanOrEqual(20);
          expect(outcome.simulatedMinutes).toBeGreaterThanOrEqual(60);
          expect(outcome.acknowledged).toBeGreaterThan(300);
        }
      },
      longMs,
    );
  }

  it(
    'leaves the same trace when a seed runs again, in one thread or in two',
    async () => {
      const figuresOf = async (threads: number) => {
        const { held, figures } = await runSpine({
          seeds: 2,
          from: 31,
          tell: () => undefined,
          threads,
        });
        return { held, ...figures };
      };
      const alone = await figuresOf(1);
      expect(alone).toMatchObject({ held: true, sameTrace: true, broken: [] });
      expect(alone.hash).toMatch(/^[0-9a-f]{64}$/);
      expect(await figuresOf(2)).toEqual(alone);
    },
    longMs,
  );
});
