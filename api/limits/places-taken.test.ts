import { expect, onTestFinished, test } from 'vitest';

import { openTestApi, startAt, type TestApi, type TestApiOptions } from '../api.fixture.ts';
import { openEvents } from '../live/event-reader.fixture.ts';
import { openSocketReader } from '../live/socket-reader.fixture.ts';

/** A proxy on this machine speaks for the clients. */
async function openBehindProxy(config: TestApiOptions['config']): Promise<TestApi> {
  const rig = await openTestApi({ config: { trustedProxies: ['127.0.0.1'], ...config } });
  onTestFinished(() => rig.close());
  return rig;
}

const from = (address: string) => ({ 'x-forwarded-for': address });

test('one address cannot take all live places, by events or by sockets, and gives back what it leaves', async () => {
  const rig = await openBehindProxy({ liveClientsMax: 8 });
  const url = `${rig.url}/api/v1/live`;
  const first = await openEvents(url, from('192.0.2.1'));
  const second = await openSocketReader(url, { headers: from('192.0.2.1') });
  onTestFinished(() => second.socket.terminate());
  const refused = await rig.get('/api/v1/live', from('192.0.2.1'));
  expect([refused.status, await refused.json()]).toMatchObject([
    429,
    { code: 'API_TOO_MANY_LISTENERS', clientMax: 2 },
  ]);
  const other = await openEvents(url, from('192.0.2.2'));
  expect(other.status).toBe(200);
  other.close();
  first.close();
  for (;;) {
    const again = await openEvents(url, from('192.0.2.1'));
    again.close();
    if (again.status === 200) return;
  }
});

test('clients without a key, however many, leave live places to keys', async () => {
  const rig = await openBehindProxy({ liveClientsMax: 5 });
  const url = `${rig.url}/api/v1/live`;
  const statuses: number[] = [];
  for (let times = 1; times <= 6; times++) {
    const reader = await openEvents(url, from(`192.0.2.${times}`));
    onTestFinished(() => reader.close());
    statuses.push(reader.status);
  }
  expect(statuses).toEqual([200, 200, 200, 200, 429, 429]);
  const key = { ...from('192.0.2.9'), authorization: `Bearer ${rig.reader}` };
  const reader = await openEvents(url, key);
  onTestFinished(() => reader.close());
  expect(reader.status).toBe(200);
});

test('one address cannot have all charts drawn for it', async () => {
  const rig = await openBehindProxy({ chartsQueueMax: 8 });
  const ask = (address: string, width: number) =>
    rig.get(`/api/v1/observations.png?datastream=hue-rain&width=${width}`, from(address));
  const answers = await Promise.all([
    ...Array.from({ length: 12 }, (_, index) => ask('192.0.2.1', 300 + index)),
    ask('192.0.2.2', 400),
  ]);
  const statuses = answers.map(({ status }) => status);
  expect(statuses.at(-1)).toBe(200);
  expect(statuses.filter((status) => status === 429).length).toBeGreaterThan(0);
  for (const answer of answers.filter(({ status }) => status === 429)) {
    expect(await answer.json()).toMatchObject({ code: 'API_TOO_MANY_CHARTS', clientMax: 2 });
  }
});

test('one address cannot have all citations made for it', async () => {
  const rig = await openBehindProxy({ citingMax: 4, asOfSettleMs: 200 });
  rig.setNow(startAt + 3_600_000);
  await rig.publish([rig.row('ha-noi-temperature', startAt)]);
  const post = (address: string) =>
    fetch(`${rig.url}/api/v1/citations`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...from(address) },
      body: JSON.stringify({ url: '/api/v1/observations.csv?datastream=ha-noi-temperature' }),
    });
  const answers = await Promise.all(
    ['192.0.2.1', '192.0.2.1', '192.0.2.2', '192.0.2.3'].map((address) => post(address)),
  );
  const statuses = answers.map(({ status }) => status);
  expect(statuses.slice(0, 2).toSorted((a, b) => a - b)).toEqual([201, 429]);
  expect(statuses.slice(2)).toEqual([201, 201]);
});
