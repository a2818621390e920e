/**
 * In a network the registry comes to a node by a way of its own. What a batch says is understood only
 * with the version that it was decided at, so the batch waits for that.
 */
import { sleep, type Clock } from '../../devices/clock.ts';
import type { Batch } from '../observations/batch.ts';

export interface RegistryGateOptions {
  /** The newest version that is here. */
  readonly version: () => number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Told when a version is so late that somebody should know. */
  readonly late: (problem: string) => void;
}

const lookMs = 20;
const lateMs = 2_000;

/** Undefined where the batch need not wait; else it resolves when it need not, or at the end. */
export function createRegistryGate(
  options: RegistryGateOptions,
): (batch: Pick<Batch, 'registryVersion'>) => Promise<void> | undefined {
  const { version, clock, signal, late } = options;

  async function waitFor(wanted: number): Promise<void> {
    const lateAtMs = clock.monotonicMs() + lateMs;
    while (!signal.aborted && version() < wanted) {
      if (clock.monotonicMs() >= lateAtMs) {
        late(`version ${wanted} of the registry has not come yet`);
      }
      await sleep(clock, lookMs);
    }
  }

  return ({ registryVersion }) =>
    version() >= registryVersion ? undefined : waitFor(registryVersion);
}
