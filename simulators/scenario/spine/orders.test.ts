import { describe, expect, it } from 'vitest';
import { runOrders } from './orders.ts';

const longMs = 240_000;
const tenMinutesMs = 600_000;

describe('a day in many orders', () => {
  it(
    'ends the same, however it is shuffled, repeated and delayed',
    async () => {
      const told: string[] = [];
      const { held, figures } = await runOrders({
        orders: 6,
        stations: 8,
        seed: 5,
        tell: (line) => void told.push(line),
        intervalMs: tenMinutesMs,
        channelsMax: 5,
        config: 'mixed',
        threads: 1,
      });
      expect(figures.broken).toEqual([]);
      expect(figures.digests).toBe(1);
      expect(figures.observations).toBeGreaterThan(4_000);
      // Late values touch their neighbours: other orders need other rows to come to the same end.
      expect(figures.rowsMax).toBeGreaterThan(figures.rowsMin);
      expect(held).toBe(true);
    },
    longMs,
  );

  it(
    'is judged the same in two threads as in one',
    async () => {
      const part = { orders: 4, stations: 2, seed: 2, intervalMs: tenMinutesMs, channelsMax: 3 };
      const tell = (): void => undefined;
      const alone = await runOrders({ ...part, tell, threads: 1 });
      const beside = await runOrders({ ...part, tell, threads: 2 });
      expect(alone.held).toBe(true);
      expect(beside.figures.digest).toBe(alone.figures.digest);
      expect(beside.figures.digests).toBe(1);
    },
    longMs,
  );
});
