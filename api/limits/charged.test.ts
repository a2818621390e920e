import { afterAll, beforeAll, expect, test } from 'vitest';

import { openTestApi, startAt, type TestApi } from '../api.fixture.ts';

let rig: TestApi;
const rows = 20_000;
const untilAt = new Date(startAt + rows * 600_000).toISOString();

beforeAll(async () => {
  rig = await openTestApi({
    config: {
      trustedProxies: ['127.0.0.1'],
      quotaMicrosecondsPerUnit: 1,
      quotaKeylessUnits: 10_000_000,
      quotaRowsPerUnit: 1,
      quotaWindowMs: 86_400_000,
    },
  });
  rig.setNow(startAt + rows * 600_000);
  await rig.publish(
    Array.from({ length: rows }, (_, index) =>
      rig.row('ha-noi-temperature', startAt + index * 600_000),
    ),
  );
});
afterAll(() => rig.close());

/** Units that a question has taken of its client; asking at all takes one, which is left out. */
async function unitsOf(path: string, address: string): Promise<number> {
  const left = async () => {
    const answer = await rig.get('/api/v1/observations/none', { 'x-forwarded-for': address });
    await answer.text();
    return Number(/;r=(\d+)/.exec(answer.headers.get('ratelimit') ?? '')?.[1]);
  };
  const before = await left();
  const answer = await rig.get(path, { 'x-forwarded-for': address });
  await answer.arrayBuffer();
  expect([path, answer.status]).toEqual([path, 200]);
  return before - (await left()) - 2;
}

// Each of these would be below ten where nothing but asking was charged; on any machine a thousandth
// of a second is a thousand units here.
test.each([
  ['changes that a filter drops', '/api/v1/changes?datastream=hue-rain', 20],
  ['a chart of rows', `/api/v1/observations.svg?datastream=ha-noi-temperature&to=${untilAt}`, 100],
  ['a chart of windows', `/api/v1/aggregates.svg?datastream=ha-noi-temperature&to=${untilAt}`, 100],
  [
    'a painted chart',
    `/api/v1/observations.png?datastream=ha-noi-temperature&to=${untilAt}`,
    2_000,
  ],
  ['a vector tile', '/ogc/collections/latest/tiles/WebMercatorQuad/0/0/0', 20],
  ['the registry of an earlier moment', `/api/v1/stations?asOf=${untilAt}`, 20],
  ['features for a map', '/ogc/collections/latest/items', 20],
])('%s is charged for what it reads and takes', async (name, path, least) => {
  expect(await unitsOf(path, `192.0.2.${name.length}`)).toBeGreaterThan(least);
});
