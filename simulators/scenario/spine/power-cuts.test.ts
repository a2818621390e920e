import { expect, it } from 'vitest';
import { runPowerCuts } from './power-cuts.ts';

it('loses nothing that was acknowledged when the power goes, and the view with it', async () => {
  const { held, figures } = await runPowerCuts({ rounds: 25, seed: 3, tell: () => undefined });
  expect(figures).toMatchObject({ lost: 0, lostAfterRestart: 0, invented: 0, broken: [] });
  expect(figures.powerCuts).toBe(25);
  expect(figures.acknowledged).toBeGreaterThan(100);
  expect(held).toBe(true);
});
