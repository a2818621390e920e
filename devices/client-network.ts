/**
 * Whom a request without a key is counted for: an IPv4 address, or the /56 of an IPv6 address, since
 * one line of a house is given a /56 or more (RFC 6177 §2, RIPE-690 §4.2) and could otherwise be a new
 * client each time. Who is given a /48, as firms are, has 256 of these: they count together too.
 */
import { isIPv4, isIPv6 } from 'node:net';

const groups = 8;
const groupsOfSite = 3;
/** Of the fourth group, the eight bits that belong to the /56. */
const lineMask = 0xff00;

/** Text that is equal for addresses that count together; undefined for what is no address. */
export function clientNetwork(address: string): string | undefined {
  const [plain = ''] = address.split('%', 1);
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(plain)?.[1];
  const ipv4 = mapped ?? plain;
  if (isIPv4(ipv4)) return ipv4;
  if (!isIPv6(plain)) return undefined;
  const of = expand(plain);
  const line = (Number.parseInt(of[groupsOfSite] ?? '0', 16) & lineMask).toString(16);
  return `${[...of.slice(0, groupsOfSite), line].join(':')}::/56`;
}

/** The /48 of an IPv6 address; undefined for IPv4, which has nothing around one address. */
export function clientSite(address: string): string | undefined {
  const [plain = ''] = address.split('%', 1);
  if (!isIPv6(plain) || clientNetwork(address)?.endsWith('::/56') !== true) return undefined;
  return `${expand(plain).slice(0, groupsOfSite).join(':')}::/48`;
}

/** The eight groups of an address, without leading zeros. */
function expand(address: string): readonly string[] {
  const [head = '', tail] = address.toLowerCase().split('::', 2);
  const first = groupsOf(head);
  if (tail === undefined) return first;
  const last = groupsOf(tail);
  const zeros = Array.from({ length: groups - first.length - last.length }, () => '0');
  return [...first, ...zeros, ...last];
}

function groupsOf(text: string): string[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16).toString(16)];
    const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number);
    return [(a * 256 + b).toString(16), (c * 256 + d).toString(16)];
  });
}
