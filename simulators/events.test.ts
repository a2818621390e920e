import { expect, test } from 'vitest';
import { openFleetEvents } from './events.ts';

test('a message that failed is counted always, and told unless the fleet ends', () => {
  const told: [string, string][] = [];
  const events = openFleetEvents((deviceId, error) => told.push([deviceId, error.message]));
  events.failed('a', 'gone', false);
  events.failed('b', new Error('closed'), true);
  events.acknowledged();
  expect(told).toEqual([['a', 'gone']]);
  expect(events.counts).toMatchObject({ failed: 2, acknowledged: 1, published: 0 });
});
