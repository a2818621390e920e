import { onTestFinished, expect, test } from 'vitest';

import { observedProperties } from '../../devices/properties/catalogue.ts';
import { openTestApi } from '../api.fixture.ts';
import { createNetworks } from '../network.ts';
import { viewerOf } from '../viewer.ts';
import { datasetsOf } from './datasets.ts';
import { domainNames } from './domain-names.ts';

async function open() {
  const rig = await openTestApi();
  onTestFinished(() => rig.close());
  const networks = createNetworks(rig.registry);
  const viewOf = (token?: string) =>
    networks.viewOf(viewerOf(rig.registry, token === undefined ? undefined : `Bearer ${token}`));
  return { rig, viewOf };
}

test('no property has the name of a domain, and no id of the registry holds a tilde', () => {
  const ids = new Set(observedProperties.map(({ id }) => id));
  expect(Object.keys(domainNames).filter((domain) => ids.has(domain))).toEqual([]);
  expect([...ids].filter((id) => id.includes('~'))).toEqual([]);
});

test('each datastream that a viewer sees is in one dataset of each kind, and no other is in any', async () => {
  const { rig, viewOf } = await open();
  for (const token of [undefined, rig.reader, rig.operator, rig.ownerToken]) {
    const view = viewOf(token);
    const datasets = datasetsOf(view);
    for (const kind of ['networks', 'series'] as const) {
      const listed = datasets[kind].flatMap((each) => each.datastreams.map(({ id }) => id));
      expect(listed.toSorted()).toEqual(view.datastreams.map(({ id }) => id));
    }
    for (const { id } of [...datasets.networks, ...datasets.series]) {
      expect(datasets.find(id)?.id).toBe(id);
    }
  }
});

test('a dataset of which a viewer sees nothing does not exist for them', async () => {
  const { rig, viewOf } = await open();
  const all = datasetsOf(viewOf(rig.operator));
  const open_ = datasetsOf(viewOf());
  const hidden = all.series.filter(({ id }) => open_.find(id) === undefined);
  expect(hidden.length).toBeGreaterThan(0);
  for (const { datastreams } of hidden) {
    for (const datastream of datastreams) expect(open_.networkOf(datastream)).toBeUndefined();
  }
});

test('datasets have titles in both languages and the licence of their owner', async () => {
  const { rig, viewOf } = await open();
  for (const dataset of datasetsOf(viewOf(rig.operator)).networks) {
    expect(dataset.title.vi).toContain(domainNames[dataset.domain].vi);
    expect(dataset.title.en).toContain(domainNames[dataset.domain].en);
    expect(dataset.licences.map(({ uri }) => uri)).toEqual([expect.stringMatching(/^https:\/\//)]);
  }
});
