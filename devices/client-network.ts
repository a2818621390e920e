/**
 * Whom a request without a key is counted for: an IPv4 address, or the /64 of an IPv6 address, since
 * one line of a house has a /64 or more (RFC 6177 §2) and could otherwise be a new client each time.
 */
import { isIPv4, isIPv6 } from 'node:net';

const groups = 8;
const groupsOfLine = 4;

/** Text that is equal for addresses that count together; undefined for what is no address. */
export function clientNetwork(address: string): string | undefined {
  const [plain = ''] = address.split('%', 1);
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(plain)?.[1];
  const ipv4 = mapped ?? plain;
  if (isIPv4(ipv4)) return ipv4;
  if (!isIPv6(plain)) return undefined;
  return `${expand(plain).slice(0, groupsOfLine).join(':')}::/64`;
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
