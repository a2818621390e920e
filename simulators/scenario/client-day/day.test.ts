import { expect, test, vi } from 'vitest';
import { runClientDay } from './run.ts';

/** The server, the mirrors and every command are processes of their own, and the machine may be busy. */
vi.setConfig({ testTimeout: 300_000 });

test('a client that knows only an address keeps an exact copy through corrections, closing and a restore', async () => {
  const steps: string[] = [];
  const outcome = await runClientDay({
    stations: 4,
    intervalMs: 12 * 3_600_000,
    rate: 30,
    liveMs: 500,
    isShort: true,
    flips: 3,
    seed: 1,
    step: (name) => void steps.push(name),
  });
  expect(outcome).toMatchObject({ held: true });
  expect(steps).toContain('restore');
  expect(steps.at(-1)).toBe('changed bytes');
});
