import { expect, test } from 'vitest';
import { normaliseConfig } from './config.ts';

test('an empty configuration is the built-in one', () => {
  expect(normaliseConfig.parse({})).toMatchObject({
    plausibleFromAt: '2000-01-01T00:00:00Z',
    futureMaxMs: 600_000,
    lateAfterMs: 3_600_000,
  });
  expect(normaliseConfig.parse({}).sentinels).toContain(-9999);
});

test.each([
  [{ plausibleFromAt: 'long ago' }, 'plausibleFromAt'],
  [{ plausibleFromAt: '2000-01-01' }, 'plausibleFromAt'],
  [{ futureMaxMs: -1 }, 'futureMaxMs'],
  [{ sentinels: ['x'] }, 'sentinels'],
  [{ lateAfter: 5 }, 'lateAfter'],
])('%j is refused and its key named', (given, key) => {
  const outcome = normaliseConfig.safeParse(given);
  expect(outcome.success).toBe(false);
  expect(JSON.stringify(outcome.error?.issues)).toContain(key);
});
