import { expect, test } from 'vitest';

import { clientNetwork, clientSite } from './client-network.ts';

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:0::/56'],
  ['2001:0DB8:0001:ab02::', '2001:db8:1:ab00::/56'],
  ['2001:db8::5', '2001:db8:0:0::/56'],
  ['::1', '0:0:0:0::/56'],
  ['fe80::1%eth0', 'fe80:0:0:0::/56'],
  ['64:ff9b::192.0.2.7', '64:ff9b:0:0::/56'],
  ['1:2:3:4:5:6:192.0.2.7', '1:2:3:0::/56'],
  ['unknown', undefined],
  ['', undefined],
  ['192.0.2.7:80', undefined],
])('%s counts as %s', (address, network) => {
  expect(clientNetwork(address)).toBe(network);
});

test.each([
  ['2001:db8:1:ab02::7', '2001:db8:1::/48'],
  ['fe80::1%eth0', 'fe80:0:0::/48'],
  ['192.0.2.7', undefined],
  ['::ffff:192.0.2.7', undefined],
  ['unknown', undefined],
])('%s is of the site %s', (address, site) => {
  expect(clientSite(address)).toBe(site);
});
