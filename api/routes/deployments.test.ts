import { afterAll, beforeAll, expect, test } from 'vitest';

import { openTestApi, type TestApi } from '../api.fixture.ts';
import { network } from '../network.fixture.ts';

let rig: TestApi;

const from = '2021-05-01T00:00:00Z';

beforeAll(async () => {
  rig = await openTestApi();
  const deployment = (datastream: string, device: string, more: object = {}) => ({
    device,
    datastream,
    channel: 'T',
    from,
    ...more,
  });
  const imported = rig.registry.importFile(
    {
      format: network.format,
      deployments: [
        deployment('hidden-temperature', 'plant', { serial: 'S-9', channel: 'T2' }),
        deployment('garden-temperature', 'plant', {
          serial: 'S-1',
          factor: 1.5,
          to: '2022-01-01T00:00:00Z',
        }),
        deployment('garden-temperature', 'logger', {
          from: '2022-01-01T00:00:00Z',
          channel: 'T3',
        }),
      ],
    },
    'test',
  );
  if (!imported.ok) throw new Error('the deployments were not imported');
});
afterAll(() => rig.close());

const asOwner = () => ({ authorization: `Bearer ${rig.ownerToken}` });

test('deployments are told in the order of time, with their calibration, in local time', async () => {
  const { items } = await rig.json('/api/v1/deployments?datastream=garden-temperature');
  expect(items).toMatchObject([
    {
      datastream: 'garden-temperature',
      owner: 'factory',
      from: '2021-05-01T07:00:00+07:00',
      to: '2022-01-01T07:00:00+07:00',
      unit: 'Cel',
      factor: 1.5,
      offset: 0,
    },
    { from: '2022-01-01T07:00:00+07:00', to: null, factor: 1 },
  ]);
  const next = await rig.json('/api/v1/deployments?datastream=garden-temperature&limit=1');
  const rest = (await (await fetch(String(next['next']))).json()) as typeof next;
  expect([...next.items, ...rest.items]).toEqual(items);
});

test('nobody but operators and the owner is told the names of devices, in any format', async () => {
  for (const extension of ['json', 'csv', 'ndjson', 'jsonld', 'parquet']) {
    const answer = await rig.get(`/api/v1/deployments.${extension}`);
    const text = Buffer.from(await answer.arrayBuffer()).toString('latin1');
    expect([extension, /plant|logger|S-1|S-9|hidden/.exec(text)]).toEqual([extension, null]);
  }
  const { items } = await rig.json('/api/v1/deployments?station=garden', asOwner());
  expect(items).toMatchObject([{ device: 'plant', serial: 'S-1' }, { device: 'logger' }]);
});

test('a deployment of what is hidden does not exist, by its id or in a list', async () => {
  const { items } = await rig.json('/api/v1/deployments', asOwner());
  const hidden = items.find((item) => item['datastream'] === 'hidden-temperature');
  const path = `/api/v1/deployments/${String(hidden?.['id'])}`;
  expect((await rig.get(path, asOwner())).status).toBe(200);
  const refused = await rig.json(path);
  const unknown = await rig.json('/api/v1/deployments/hidden-temperature~000000000');
  expect(refused).toMatchObject({ status: 404, code: 'API_DEPLOYMENT_UNKNOWN' });
  expect(unknown).toMatchObject({ status: 404, code: 'API_DEPLOYMENT_UNKNOWN' });
  expect(await rig.json('/api/v1/deployments?datastream=hidden-temperature')).toMatchObject({
    code: 'API_DATASTREAM_UNKNOWN',
  });
});
