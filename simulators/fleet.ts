/** Many simulated devices on one clock: each publishes at its interval, spread over it. */
import type { Clock, Scheduled } from '../devices/clock.ts';
import { createSeededRandom } from '../devices/random.ts';
import type { SimulatedStation } from './demo-network.ts';
import { connectDevice, type ConnectedDevice, type DeviceSecretOf } from './device.ts';
import { createFaults, type FaultName } from './faults.ts';
import { createNature } from './nature.ts';

export interface FleetOptions {
  readonly url: string;
  readonly clock: Clock;
  readonly stations: readonly SimulatedStation[];
  readonly secrets: ReadonlyMap<string, DeviceSecretOf>;
  readonly seed: number;
  readonly faults: readonly FaultName[];
  /** Chance that a fault begins with a message, 0 to 1. */
  readonly faultRate: number;
  /** Connections opened at once at most. */
  readonly connectingMax: number;
  readonly onError: (deviceId: string, error: Error) => void;
}

export interface FleetCounts {
  readonly connected: number;
  readonly published: number;
  readonly acknowledged: number;
  readonly failed: number;
}

export interface Fleet {
  counts(): FleetCounts;
  /** Drops every connection at once; the devices come back by themselves. */
  storm(): void;
  close(): Promise<void>;
}

interface Running {
  readonly device: ConnectedDevice;
  timer: Scheduled | undefined;
}

/** Connects every device, each first publishing at once and then at its interval. */
export async function startFleet(options: FleetOptions): Promise<Fleet> {
  const running: Running[] = [];
  const counts = { connected: 0, published: 0, acknowledged: 0, failed: 0 };
  let closing = false;
  const queue = [...options.stations.entries()];

  async function connectNext(): Promise<void> {
    for (let entry = queue.shift(); entry !== undefined && !closing; entry = queue.shift()) {
      const [index, station] = entry;
      const secret = options.secrets.get(station.id);
      if (secret === undefined)
        throw new Error(`no credential for the simulated device ${station.id}`);
      const device = await connectDevice({
        url: options.url,
        secret,
        channels: station.sensing.channels,
        onError: (error) => options.onError(station.id, error),
      });
      counts.connected += 1;
      const one: Running = { device, timer: undefined };
      running.push(one);
      startDevice(one, station, index);
    }
  }

  function startDevice(one: Running, station: SimulatedStation, index: number): void {
    const random = createSeededRandom(options.seed * 7919 + index);
    const nature = createNature(createSeededRandom(options.seed + Math.round(station.latitude)), {
      ...station,
      startAt: options.clock.now() - 7_200_000,
    });
    const sense = station.sensing.createSensor(random);
    const faults = createFaults(random, { names: options.faults, rate: options.faultRate });
    const tick = (): void => {
      if (closing) return;
      const at = options.clock.now();
      const emission = faults({ at, values: sense(nature.stateAt(at), station.intervalMs) });
      for (const [place, draft] of emission.drafts.entries())
        publish(one, station.id, draft, emission.half && place === 0);
      one.timer = options.clock.schedule(station.intervalMs, tick);
    };
    tick();
  }

  function publish(
    one: Running,
    deviceId: string,
    draft: Parameters<ConnectedDevice['publish']>[0],
    half: boolean,
  ): void {
    counts.published += 1;
    one.device.publish(draft, half).then(
      () => (counts.acknowledged += 1),
      (error: unknown) => {
        counts.failed += 1;
        if (!closing)
          options.onError(deviceId, error instanceof Error ? error : new Error(String(error)));
      },
    );
  }

  await Promise.all(Array.from({ length: Math.max(1, options.connectingMax) }, connectNext));
  return {
    counts: () => ({ ...counts }),
    storm: () => {
      for (const { device } of running) device.reconnect();
    },
    async close() {
      closing = true;
      for (const one of running) one.timer?.cancel();
      await Promise.all(running.map(({ device }) => device.close()));
    },
  };
}
