/**
 * Where deliveries may go: to receivers in the open internet alone. A name is looked up once for each
 * delivery, all that it stands for must be public, and the connection goes to what was looked up: a
 * name that changes its mind in between changes nothing.
 */
import { BlockList, isIP } from 'node:net';

import { badParameter } from '../errors.ts';

/** All addresses of a name. */
export type Resolve = (hostname: string) => Promise<readonly string[]>;

const charactersMax = 2_000;

/** The address of a receiver; throws API_PARAMETER_INVALID that names `url`. */
export function readReceiver(text: string, isLoopbackAllowed: boolean): URL {
  const url = text.length <= charactersMax && URL.canParse(text) ? new URL(text) : undefined;
  const expected = 'an https address in the open internet, without user name or fragment';
  if (url === undefined || url.username !== '' || url.password !== '' || url.hash !== '') {
    throw badParameter('url', expected);
  }
  const host = hostOf(url);
  const isLoopback = isLoopbackAllowed && (host === 'localhost' || isLoopbackAddress(host));
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback)) {
    throw badParameter('url', expected);
  }
  if (!isLoopback && (isIP(host) === 0 ? !host.includes('.') : !isPublic(host))) {
    throw badParameter('url', expected);
  }
  return url;
}

/** Without the brackets of IPv6, and without the dot of an absolute name. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
}

/** The one address that a delivery goes to; undefined where the name stands for anything private. */
export async function addressOf(
  url: URL,
  resolve: Resolve,
  isLoopbackAllowed: boolean,
): Promise<string | undefined> {
  const host = hostOf(url);
  const found = isIP(host) === 0 ? await resolve(host) : [host];
  const isAllowed = (address: string): boolean =>
    isPublic(address) || (isLoopbackAllowed && isLoopbackAddress(address));
  return found.every(isAllowed) ? found[0] : undefined;
}

function isLoopbackAddress(address: string): boolean {
  return /^127\.\d+\.\d+\.\d+$/.test(address) || address === '::1';
}

/** IANA special-purpose address registries (RFC 6890): everything that is not globally reachable. */
const special = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const) {
  special.addSubnet(network, prefix, 'ipv4');
}
// Of IPv6, only 2000::/3 is given out; in it Teredo and 6to4 carry addresses of IPv4.
const given = new BlockList();
given.addSubnet('2000::', 3, 'ipv6');
for (const [network, prefix] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const) {
  special.addSubnet(network, prefix, 'ipv6');
}

function isPublic(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !special.check(address, 'ipv4');
  return family === 6 && given.check(address, 'ipv6') && !special.check(address, 'ipv6');
}
