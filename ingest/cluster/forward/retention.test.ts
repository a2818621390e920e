import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { createRecordedTelemetry } from '../../../devices/telemetry-silent.ts';
import { logError } from '../../log/errors.ts';
import { createForwardEvents } from './events.ts';
import { tellRetention } from './retention.ts';

it('what keeps a log from being trimmed is told once for each reason, and when it is over', async () => {
  const telemetry = createRecordedTelemetry();
  const answers: unknown[] = [];
  const consumed: number[] = [];
  const tell = tellRetention({
    async consumed(position) {
      const failure = answers.shift();
      if (failure !== undefined) throw failure;
      consumed.push(position);
    },
    events: createForwardEvents(telemetry),
  });
  const full = () => logError('LOG_WRITE_FAILED');
  answers.push(undefined, full(), full(), new Error('no answer'), full(), undefined, undefined);
  for (let position = 1; position <= 7; position++) {
    tell(position);
    await setImmediate();
  }
  expect(consumed).toEqual([1, 6, 7]);
  expect(telemetry.value('quantrac_forward_errors_total', { what: 'retention' })).toBe(4);
  const told = telemetry.lines.map(({ level, fields }) => {
    return [level, (fields as { readonly position: number }).position];
  });
  expect(told).toEqual([
    ['warn', 2],
    ['warn', 4],
    ['warn', 5],
    ['info', 6],
  ]);
});
