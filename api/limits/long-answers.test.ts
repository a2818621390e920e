import { connect, type Socket } from 'node:net';

import { expect, onTestFinished, test } from 'vitest';

import { openTestApi, startAt, type TestApi, type TestApiOptions } from '../api.fixture.ts';

/** A proxy on this machine speaks for the clients; the network has rows that nobody can hold back. */
async function openWithRows(config: TestApiOptions['config'] = {}): Promise<TestApi> {
  const rig = await openTestApi({
    config: { trustedProxies: ['127.0.0.1'], keptPercent: 0, ...config },
  });
  onTestFinished(() => rig.close());
  const rows = 60_000;
  rig.setNow(startAt + rows * 600_000);
  await rig.publish(
    Array.from({ length: rows }, (_, index) =>
      rig.row('ha-noi-temperature', startAt + index * 600_000),
    ),
  );
  return rig;
}

const all = '/api/v1/observations.ndjson?datastream=ha-noi-temperature';

/** A client that asks for everything and takes only its beginning. */
async function holdOn(rig: TestApi, address: string): Promise<Socket> {
  const socket = connect(rig.api.httpPort, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  socket.write(`GET ${all} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: ${address}\r\n\r\n`);
  await new Promise((resolve) => socket.once('data', resolve));
  socket.pause();
  return socket;
}

const from = (address: string) => ({ 'x-forwarded-for': address });

const counting = {
  // Whatever is read takes many units, and nobody is heavy.
  quotaMicrosecondsPerUnit: 1,
  quotaKeylessUnits: 1_000_000_000,
  quotaWindowMs: 86_400_000,
};

/** Units that a client has left; asking takes one. */
async function unitsLeft(rig: TestApi, address: string): Promise<number> {
  const answer = await rig.get('/api/v1/observations/none', from(address));
  await answer.text();
  return Number(/;r=(\d+)/.exec(answer.headers.get('ratelimit') ?? '')?.[1]);
}

test('without a place nothing is read', async () => {
  const rig = await openWithRows({ streamsMax: 1, ...counting });
  await holdOn(rig, '192.0.2.1');
  for (const format of ['csv', 'ndjson', 'parquet']) {
    const path = `/api/v1/observations.${format}?datastream=ha-noi-temperature&quality=fail`;
    const refused = await rig.get(path, from('192.0.2.2'));
    expect([format, refused.status]).toEqual([format, 429]);
    expect(await refused.json()).toMatchObject({ code: 'API_TOO_MANY_STREAMS' });
  }
  // Four requests, of which some units have flowed in again.
  expect(await unitsLeft(rig, '192.0.2.2')).toBeGreaterThanOrEqual(1_000_000_000 - 4);
});

test('what is read and not shown is charged', async () => {
  const rig = await openWithRows(counting);
  const before = await unitsLeft(rig, '192.0.2.1');
  const path = '/api/v1/observations.csv?datastream=ha-noi-temperature&quality=fail';
  const answer = await rig.get(path, from('192.0.2.1'));
  expect((await answer.text()).trimEnd().split('\r\n')).toHaveLength(1);
  // Reading a row takes more than a tenth of a microsecond on any machine.
  expect(before - (await unitsLeft(rig, '192.0.2.1'))).toBeGreaterThan(6_000);
});

test('one client holds its share; where no place is left the heavy one is cut for a light one', async () => {
  const rig = await openWithRows({
    streamsMax: 4,
    clientPercentMax: 75,
    quotaKeylessUnits: 1_000,
    quotaWindowMs: 3_600_000,
  });
  const heavy = ['192.0.2.1', '192.0.2.1', '192.0.2.1'];
  const held = await Promise.all(heavy.map((address) => holdOn(rig, address)));
  const refused = await rig.get(all, from('192.0.2.1'));
  expect([refused.status, await refused.json()]).toMatchObject([429, { clientMax: 3 }]);
  await holdOn(rig, '192.0.2.2');
  const light = await rig.get(all, from('192.0.2.3'));
  expect(light.status).toBe(200);
  expect((await light.text()).trimEnd().split('\n')).toHaveLength(60_001);
  const shed = { reason: 'shed' };
  expect(rig.telemetry.value('quantrac_http_streams_cut_total', shed)).toBe(1);
  let cut = 0;
  await Promise.race(
    held.map((socket) => {
      socket.resume();
      return new Promise((resolve) => {
        socket.once('close', () => resolve((cut += 1)));
      });
    }),
  );
  expect(cut).toBe(1);
});
