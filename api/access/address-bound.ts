/** How often one address may ask within an hour. Kept in memory, bounded, and forgotten hourly. */
import type { Clock } from '../../devices/clock.ts';

const hourMs = 3_600_000;
/** Addresses remembered; at the bound all begin anew, and the bounds of the registry still hold. */
const addressesMax = 10_000;

export function createAddressBound(
  clock: Clock,
  timesMax: number,
): { take(address: string): boolean } {
  const times = new Map<string, number>();
  let sinceMs = clock.monotonicMs();
  return {
    take(address) {
      if (clock.monotonicMs() - sinceMs >= hourMs || times.size >= addressesMax) {
        times.clear();
        sinceMs = clock.monotonicMs();
      }
      const taken = times.get(address) ?? 0;
      if (taken >= timesMax) return false;
      times.set(address, taken + 1);
      return true;
    },
  };
}
