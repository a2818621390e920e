import { expect, test } from 'vitest';

import { createTurns } from './turns.ts';

/** A loop whose turns are taken by hand. */
function openLoop() {
  const due: (() => void)[] = [];
  const turns = createTurns((run) => due.push(run));
  const order: string[] = [];
  return {
    order,
    wait: (name: string, cost: number) => void turns.next(() => cost).then(() => order.push(name)),
    turn: async () => {
      for (const run of due.splice(0)) run();
      await Promise.resolve();
    },
  };
}

test('one works in a turn, who has cost least first', async () => {
  const { wait, turn, order } = openLoop();
  wait('heavy', 1);
  wait('light', 0);
  wait('middle', 0.5);
  const seen: string[] = [];
  for (let times = 0; times < 3; times++) {
    await turn();
    seen.push(order.join());
  }
  expect(seen).toEqual(['light', 'light,middle', 'light,middle,heavy']);
});

test('nobody waits for ever, whoever comes', async () => {
  const { wait, turn, order } = openLoop();
  wait('heavy', 1);
  for (let times = 0; times < 20; times++) {
    wait(`light ${times}`, 0);
    await turn();
  }
  expect(order.indexOf('heavy')).toBeLessThanOrEqual(4);
  expect(order.indexOf('heavy')).toBeGreaterThan(0);
});
