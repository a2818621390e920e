import { expect, test } from 'vitest';
import { createRecordedTelemetry } from '../../devices/telemetry-silent.ts';
import { openClockWatch } from './clock-watch.ts';

test('a difference is told once when it comes and once when it goes, and always shown', () => {
  const telemetry = createRecordedTelemetry();
  const seen = openClockWatch(telemetry, 'link');
  const shown = () => telemetry.value('quantrac_kafka_clock_ahead_seconds', { thread: 'link' });
  seen(0);
  seen(2_000);
  expect(telemetry.lines).toEqual([]);
  expect(shown()).toBe(2);
  for (const behindMs of [2_001, 3_600_000]) seen(-behindMs);
  expect(shown()).toBe(-3_600);
  expect(telemetry.lines).toMatchObject([{ level: 'error', fields: { aheadSeconds: -2 } }]);
  seen(5);
  seen(0);
  expect(telemetry.lines).toMatchObject([{ level: 'error' }, { level: 'info' }]);
});
