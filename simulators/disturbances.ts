/** Storms and replacements at seeded moments, while a fleet runs. */
import type { Clock, Scheduled } from '../devices/clock.ts';
import type { Random } from '../devices/random.ts';
import type { FleetFaultName } from './faults.ts';
import type { Fleet } from './fleet.ts';

export interface DisturbancesOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly fleet: Pick<Fleet, 'storm' | 'replaceDevice'>;
  readonly faults: readonly FleetFaultName[];
  /** Of the stations: a fault comes every 5 to 15 of them. */
  readonly intervalMs: number;
  readonly onError: (error: Error) => void;
}

export function startDisturbances(options: DisturbancesOptions): { stop(): void } {
  const { clock, random, fleet, faults, intervalMs } = options;
  const scheduled = new Map<FleetFaultName, Scheduled>();
  let isStopped = false;

  async function happen(fault: FleetFaultName): Promise<void> {
    try {
      if (fault === 'storm') fleet.storm();
      else await fleet.replaceDevice(random.next());
    } catch (error) {
      options.onError(error instanceof Error ? error : new Error(String(error)));
    }
    if (!isStopped) plan(fault);
  }

  function plan(fault: FleetFaultName): void {
    const afterMs = intervalMs * (5 + 10 * random.next());
    scheduled.set(
      fault,
      clock.schedule(afterMs, () => void happen(fault)),
    );
  }

  for (const fault of faults) plan(fault);
  return {
    stop() {
      isStopped = true;
      for (const each of scheduled.values()) each.cancel();
    },
  };
}
