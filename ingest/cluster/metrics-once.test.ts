import { expect, test } from 'vitest';
import { createRecordedTelemetry } from '../../devices/telemetry-silent.ts';
import type { Metrics } from '../../devices/telemetry.ts';
import { metricsOnce } from './metrics-once.ts';

test('a metric that several ask for is registered once, and counts for all of them', () => {
  const recorded = createRecordedTelemetry();
  const registered: string[] = [];
  const register: Metrics = {
    counter: (...asked) => (registered.push(asked[0]), recorded.metrics.counter(...asked)),
    gauge: (...asked) => (registered.push(asked[0]), recorded.metrics.gauge(...asked)),
    histogram: (...asked) => (registered.push(asked[0]), recorded.metrics.histogram(...asked)),
  };
  const metrics = metricsOnce(register);
  for (const each of [1, 2]) {
    metrics.counter('batches_total', 'Batches').increase(each);
    metrics.gauge('lag', 'Lag').set(each);
    metrics.histogram('sizes', 'Sizes', [1, 10]).observe(each);
  }
  expect(registered).toEqual(['batches_total', 'lag', 'sizes']);
  expect(recorded.value('batches_total')).toBe(3);
  expect(recorded.value('lag')).toBe(2);
  expect(recorded.value('sizes')).toBe(3);
});
