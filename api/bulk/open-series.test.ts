import { expect, onTestFinished, test } from 'vitest';

import { openTestApi } from '../api.fixture.ts';
import { createNetworks } from '../network.ts';
import { openNetworkOf } from './open-series.ts';

test('a content is read once for each version of the registry, however often it is asked about', async () => {
  const rig = await openTestApi();
  onTestFinished(() => rig.close());
  const network = openNetworkOf({
    registry: rig.registry,
    networks: createNetworks(rig.registry),
  });
  const entries = [...network.byDatastream.values()]
    .filter(({ dataset }) => dataset.id === 'agency~weather')
    .map(({ entry }) => entry);
  let reads = 0;
  const content = new Proxy(entries, {
    get(target, name): unknown {
      reads += 1;
      return Reflect.get(target, name);
    },
  });
  expect(network.isOpen('agency~weather', content)).toBe(true);
  const once = reads;
  expect(once).toBeGreaterThan(0);
  expect(network.isOpen('agency~weather', content)).toBe(true);
  expect(network.isOpen('factory~weather', content)).toBe(false);
  expect(reads).toBe(once);
  expect(network.isOpen('agency~weather', [...entries, '["hidden-temperature"]'])).toBe(false);
});
