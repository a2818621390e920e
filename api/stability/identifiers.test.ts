import { onTestFinished, expect, test } from 'vitest';

import { openTestApi, startAt, type TestApi } from '../api.fixture.ts';
import { datasetsOf } from '../catalogue/datasets.ts';
import { network } from '../network.fixture.ts';
import { createNetworks } from '../network.ts';
import { viewerOf } from '../viewer.ts';

const ids = (items: readonly Record<string, unknown>[]) => items.map(({ id }) => id);

/** Everything by which the world names what it has found here. */
async function namesOf(rig: TestApi) {
  const lists = [
    'stations',
    'datastreams',
    'owners',
    'latest',
    'observations?from=2024-01-01T00:00:00Z',
  ];
  const found = await Promise.all(lists.map((list) => rig.json(`/api/v1/${list}`)));
  const view = createNetworks(rig.registry).viewOf(viewerOf(rig.registry, undefined));
  const datasets = datasetsOf(view);
  return {
    lists: found.map(({ items }) => ids(items)),
    datasets: [...datasets.networks, ...datasets.series].map(({ id }) => id),
  };
}

function imported(rig: TestApi, content: object): void {
  expect(rig.registry.importFile(content, 'test')).toMatchObject({ ok: true });
}

async function open() {
  const rig = await openTestApi();
  onTestFinished(() => rig.close());
  rig.setNow(startAt + 86_400_000);
  await rig.publish([rig.row('ha-noi-temperature', startAt), rig.row('hue-rain', startAt)]);
  return rig;
}

test('a merger of provinces changes no id, and the station is found by the old code and the new', async () => {
  const rig = await open();
  const before = await namesOf(rig);
  const [first] = network.stations.filter((station) => (station as { id: string }).id === 'ha-noi');
  imported(rig, {
    ...network,
    stations: [
      {
        ...first,
        administrative: [
          { province: '01', commune: '00004', from: '2008-08-01', to: '2025-07-01' },
          { province: '91', commune: '30004', from: '2025-07-01' },
        ],
      },
    ],
  });
  expect(await namesOf(rig)).toEqual(before);
  for (const province of ['01', '91']) {
    const { items } = await rig.json(`/api/v1/stations?province=${province}`);
    expect([province, ids(items)]).toEqual([province, ['ha-noi']]);
  }
});

test('another device changes no id, and what the first one measured keeps its name', async () => {
  const rig = await open();
  const before = await namesOf(rig);
  const { items } = await rig.json(
    '/api/v1/observations?datastream=ha-noi-temperature&from=2024-01-01T00:00:00Z',
  );
  const swappedAt = '2024-06-01T12:00:00Z';
  imported(rig, {
    ...network,
    devices: [...network.devices, { id: 'logger-2', owner: 'agency' }],
    deployments: [
      { ...network.deployments[0], to: swappedAt },
      { ...network.deployments[0], device: 'logger-2', from: swappedAt, serial: 'B-2' },
    ],
  });
  expect(await namesOf(rig)).toEqual(before);
  const id = String(items[0]?.['id']);
  expect(await rig.json(`/api/v1/observations/${id}`)).toMatchObject(items[0] ?? {});
});
