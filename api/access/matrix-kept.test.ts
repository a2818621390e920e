import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';

import { type TestApi } from '../api.fixture.ts';
import { filesWhen, open, pause } from '../bulk/months.fixture.ts';
import { principals, type PrincipalName } from './canaries.fixture.ts';
import { admitAll, canaryRows, leaksTo, type Keys } from './readers.fixture.ts';

const headersOf = (key: string | undefined): Record<string, string> =>
  key === undefined ? {} : { authorization: `Bearer ${key}` };

/** The answer as text: head and body, unpacked where it is. */
async function textOf(answer: Response): Promise<string> {
  const body = Buffer.from(await answer.arrayBuffer());
  const isPacked = body[0] === 0x1f && body[1] === 0x8b;
  const head = JSON.stringify([...answer.headers]);
  return head + (isPacked ? gunzipSync(body) : body).toString('latin1');
}

/** Every address that an answer names below this server. */
function addressesIn(rig: TestApi, text: string): readonly string[] {
  const found = text.matchAll(/https?:\/\/[^"<> ,;)]+/g);
  return [...found].map(([address]) => address).filter((address) => address.startsWith(rig.url));
}

async function expectNoLeaks(
  keys: Keys,
  addresses: ReadonlySet<string>,
): Promise<ReadonlyMap<string, ReadonlySet<PrincipalName>>> {
  const given = new Map<string, Set<PrincipalName>>();
  const leaks: string[] = [];
  for (const address of addresses) {
    given.set(address, new Set());
    for (const principal of principals) {
      const answer = await fetch(address, { headers: headersOf(keys[principal]) });
      expect([address, answer.status >= 500]).toEqual([address, false]);
      if (answer.ok) given.get(address)?.add(principal);
      for (const what of leaksTo(principal, await textOf(answer)))
        leaks.push(`${address} shows ${what} to ${principal}`);
    }
  }
  expect(leaks).toEqual([]);
  return given;
}

test('files of months, manifests and what they name show nobody what is hidden', async () => {
  const rig = await open();
  const keys = await admitAll(rig);
  await rig.publish([...canaryRows(rig), rig.row('ha-noi-temperature', Date.UTC(2024, 5, 1))]);
  rig.flush();
  const isWhole = (files: readonly { readonly currentUrl: string }[]) =>
    files.some(({ currentUrl }) => currentUrl.includes('agency~weather'));
  await filesWhen(rig, isWhole);
  for (let looks = 0; looks < 20; looks += 1) await pause();
  const manifest = await rig.api.manifests?.make({ newKey: false });
  expect(manifest).toBeDefined();
  const lists = ['files', 'files.csv', 'manifests', 'manifests/latest', 'manifests/latest/buckets'];
  const addresses = new Set(lists.map((path) => `${rig.url}/api/v1/${path}`));
  for (const principal of principals) {
    const known = [...addresses];
    for (const address of known) {
      const answer = await fetch(address, { headers: headersOf(keys[principal]) });
      for (const named of addressesIn(rig, await textOf(answer))) addresses.add(named);
    }
  }
  const files = [...addresses].filter((address) => /\.(parquet|csv\.gz)$/.test(address));
  expect(files.length).toBeGreaterThan(2);
  const given = await expectNoLeaks(keys, addresses);
  for (const file of files) expect([...(given.get(file) ?? [])]).toEqual([...principals]);
});

test('what one cites of what they may see is given to none who may not see all of it', async () => {
  const rig = await open();
  const keys = await admitAll(rig);
  await rig.publish([...canaryRows(rig), rig.row('ha-noi-temperature', Date.UTC(2024, 5, 1))]);
  const addresses = new Set<string>();
  const own = new Map<string, PrincipalName>();
  for (const principal of principals) {
    for (const path of [
      'observations.csv',
      'observations.ndjson',
      'latest.json',
      'aggregates.csv?window=P1D',
    ]) {
      const answer = await fetch(`${rig.url}/api/v1/citations`, {
        method: 'POST',
        headers: { ...headersOf(keys[principal]), 'content-type': 'application/json' },
        body: JSON.stringify({ url: `/api/v1/${path}` }),
      });
      const made = await textOf(answer);
      expect([principal, path, answer.status]).toEqual([principal, path, 201]);
      const id = /"id":"([^"]+)"/.exec(made)?.[1] ?? '';
      for (const address of ['', '/data', '.vi.html', '.en.html'].map(
        (end) => `${rig.url}/api/v1/citations/${id}${end}`,
      )) {
        addresses.add(address);
        if (address.endsWith('/data')) own.set(address, principal);
      }
    }
  }
  const given = await expectNoLeaks(keys, addresses);
  for (const [address, maker] of own)
    expect([address, given.get(address)?.has(maker)]).toEqual([address, true]);
});
