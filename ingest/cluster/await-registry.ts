import { sleep, type Clock } from '../../devices/clock.ts';
import type { RegistryReader } from '../../devices/registry.ts';

const lookMs = 50;

/**
 * Waits until this node's copy of the registry holds a version: it came through Kafka by another way
 * than what names it. Undefined where it is held, without looking at the disk.
 */
export function registryWaiter(
  registry: Pick<RegistryReader, 'current' | 'refresh'>,
  clock: Clock,
): (version: number) => Promise<void> | undefined {
  const wait = async (version: number): Promise<void> => {
    while (registry.refresh().version < version) await sleep(clock, lookMs);
  };
  return (version) => (registry.current().version >= version ? undefined : wait(version));
}
