import type { ChannelBinding } from '../../devices/registry.ts';

/**
 * Whether a number is the device's code for "no value": one of the list as sent, and outside the
 * plausible range as converted. So 999 hPa is a pressure, and −999 is none.
 */
export function isSentinel(
  sent: number,
  result: number,
  binding: ChannelBinding,
  sentinels: ReadonlySet<number>,
): boolean {
  const { min, max } = binding.property.plausible;
  if (result >= min && result <= max) return false;
  // A counter holds a total, which may be as large as it likes.
  if (result > max && binding.datastream.aggregation === 'counter') return false;
  return sentinels.has(sent);
}
