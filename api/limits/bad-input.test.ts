import { expect, onTestFinished, test } from 'vitest';

import { openTestApi, startAt, type TestApi } from '../api.fixture.ts';

const interval = 600_000;

async function openWithRows(rows: number): Promise<TestApi> {
  const rig = await openTestApi({ config: { chartRowsMax: rows / 2 } });
  onTestFinished(() => rig.close());
  rig.setNow(startAt + rows * interval);
  await rig.publish(
    Array.from({ length: rows }, (_, index) =>
      rig.row('ha-noi-temperature', startAt + index * interval),
    ),
  );
  return rig;
}

test('a chart of too long a span is refused at once, not behind those that are being drawn', async () => {
  const rows = 20_000;
  const rig = await openWithRows(rows);
  const at = (place: number) => new Date(startAt + place * interval).toISOString();
  const order: string[] = [];
  const ask = async (name: string, path: string) => {
    const answer = await rig.get(path);
    await answer.arrayBuffer();
    order.push(name);
    return answer.status;
  };
  const series = 'datastream=ha-noi-temperature';
  const drawn = Array.from({ length: 20 }, (_, index) =>
    ask('drawn', `/api/v1/observations.svg?${series}&from=${at(index)}&to=${at(rows / 2 - 1)}`),
  );
  const whole = `from=${at(0)}&to=${at(rows)}`;
  const refused = [
    ask('refused', `/api/v1/observations.svg?${series}&${whole}`),
    ask('refused', `/api/v1/observations.png?${series}&${whole}`),
  ];
  expect(await Promise.all(refused)).toEqual([400, 400]);
  expect(order.filter((name) => name === 'drawn').length).toBeLessThan(10);
  expect(new Set(await Promise.all(drawn))).toEqual(new Set([200]));
});

test('a page of the catalogue that is not there is refused without a place', async () => {
  const rig = await openTestApi({ config: { trustedProxies: ['127.0.0.1'], streamsMax: 1 } });
  onTestFinished(() => rig.close());
  const from = { 'x-forwarded-for': '192.0.2.1' };
  const answers = await Promise.all(
    Array.from({ length: 10 }, (_, index) => rig.get(`/catalog.ttl?page=${index + 100}`, from)),
  );
  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 400));
  for (const answer of answers) expect(await answer.json()).toMatchObject({ parameter: 'page' });
});
