/** Many simulated devices on one clock: each publishes at its interval, spread over it. */
import type { Clock, Scheduled } from '../devices/clock.ts';
import { createSeededRandom } from '../devices/random.ts';
import type { SimulatorsConfig } from './config.ts';
import type { SimulatedStation } from './demo-network.ts';
import { connectDevice, type ConnectedDevice, type DeviceSecretOf } from './device.ts';
import { simulatorsError } from './errors.ts';
import { openFleetEvents, type FleetCounts } from './events.ts';
import { createFaults, type Draft, type Emission, type FaultName } from './faults.ts';
import { createNature } from './nature.ts';
import type { Values } from './sensing.ts';
import type { Trust } from './trust.ts';

export interface FleetOptions {
  readonly url: string;
  /** Of a server over TLS (`mqtts://`). */
  readonly trust?: Trust | undefined;
  readonly config: SimulatorsConfig;
  readonly clock: Clock;
  readonly stations: readonly SimulatedStation[];
  readonly secrets: ReadonlyMap<string, DeviceSecretOf>;
  readonly seed: number;
  readonly faults: readonly FaultName[];
  /** Chance that a fault begins with a message, 0 to 1. */
  readonly faultRate: number;
  readonly onError: (deviceId: string, error: Error) => void;
  /**
   * Registers another device for the station in place of the last one, from `at` on, and resolves
   * to its secret; `generation` is 2 for the second device. Absent: devices are never replaced.
   */
  readonly register?: (
    station: SimulatedStation,
    generation: number,
    at: number,
  ) => Promise<DeviceSecretOf>;
}

export interface Fleet {
  counts(): FleetCounts;
  /** Drops every connection at once; the devices come back by themselves. */
  storm(): void;
  /** Gives a station another device; `place` in [0, 1) says which. */
  replaceDevice(place: number): Promise<void>;
  close(): Promise<void>;
}

interface Running {
  readonly station: SimulatedStation;
  device: ConnectedDevice;
  deviceId: string;
  generation: number;
  /** What this device makes of the true value. */
  gain: number;
  /** Nothing is measured while one device goes and the next one comes. */
  isReplacing: boolean;
  /** Messages that wait for their acknowledgement, over a lost connection too. */
  readonly waiting: Set<Promise<void>>;
  timer: Scheduled | undefined;
}

/** Connects every device, each first publishing at once and then at its interval. */
export async function startFleet(options: FleetOptions): Promise<Fleet> {
  const running: Running[] = [];
  const events = openFleetEvents(options.onError);
  const gains = createSeededRandom(options.seed + 31);
  let closing = false;
  const queue = [...options.stations.entries()];

  async function connectNext(): Promise<void> {
    for (let entry = queue.shift(); entry !== undefined && !closing; entry = queue.shift()) {
      const [index, station] = entry;
      const secret = options.secrets.get(station.id);
      if (secret === undefined)
        throw simulatorsError('SIMULATORS_CREDENTIAL_MISSING', { deviceId: station.id });
      const device = await connect(options, station, secret);
      events.connected();
      const one = firstOf(station, device, secret.deviceId);
      running.push(one);
      startDevice(one, index);
    }
  }

  async function replaceDevice(place: number): Promise<void> {
    const one = running[Math.floor(place * running.length)];
    if (one === undefined || !(await replace(options, one, gains.next()))) return;
    events.replaced();
    if (closing) await one.device.close();
  }

  function startDevice(one: Running, index: number): void {
    const emit = createEmitter(options, one.station, index);
    const tick = (): void => {
      if (closing) return;
      // What nature does goes on; a device that is being replaced does not see it.
      const { drafts, half } = emit(one.gain);
      if (!one.isReplacing) {
        for (const [place, draft] of drafts.entries()) publish(one, draft, half && place === 0);
      }
      one.timer = options.clock.schedule(one.station.intervalMs, tick);
    };
    tick();
  }

  function publish(one: Running, draft: Draft, half: boolean): void {
    events.published();
    const waiting = one.device.publish(draft, half).then(
      () => events.acknowledged(),
      (error: unknown) => events.failed(one.deviceId, error, closing),
    );
    one.waiting.add(waiting);
    void waiting.then(() => one.waiting.delete(waiting));
  }

  await Promise.all(Array.from({ length: options.config.connectingMax }, connectNext));
  return {
    counts: () => events.counts,
    storm: () => {
      events.stormed();
      for (const { device } of running) device.reconnect();
    },
    replaceDevice,
    async close() {
      closing = true;
      for (const one of running) one.timer?.cancel();
      await Promise.all(running.map(({ device }) => device.close()));
    },
  };
}

/** What the device at a station would send now, faults and all. */
function createEmitter(
  { clock, seed, faults: names, faultRate, config }: FleetOptions,
  station: SimulatedStation,
  index: number,
): (gain: number) => Emission {
  const random = createSeededRandom(seed * 7919 + index);
  const nature = createNature(createSeededRandom(seed + Math.round(station.latitude)), {
    ...station,
    startAt: clock.now() - 7_200_000,
  });
  const sense = station.sensing.createSensor(random);
  const faults = createFaults(random, {
    names,
    rate: faultRate,
    heldMessagesMax: config.heldMessagesMax,
  });
  return (gain) => {
    const at = clock.now();
    const truth = sense(nature.stateAt(at), station.intervalMs);
    return faults({ at, values: calibrated(truth, gain) });
  };
}

function firstOf(station: SimulatedStation, device: ConnectedDevice, deviceId: string): Running {
  const usual = { generation: 1, gain: 1, isReplacing: false, timer: undefined };
  return { station, device, deviceId, waiting: new Set(), ...usual };
}

function connect(
  { url, trust, config, onError }: FleetOptions,
  { sensing }: SimulatedStation,
  secret: DeviceSecretOf,
): Promise<ConnectedDevice> {
  const { channels } = sensing;
  return connectDevice({
    url,
    trust,
    reconnectMs: config.reconnectMs,
    secret,
    channels,
    onError: (error) => onError(secret.deviceId, error),
  });
}

/** A server that is away so long has the replaced device's last messages lost. */
const waitingMsMax = 10_000;

async function acknowledged(clock: Clock, waiting: ReadonlySet<Promise<void>>): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = clock.schedule(waitingMsMax, late.resolve);
  await Promise.race([Promise.all(waiting), late.promise]);
  timer.cancel();
}

/** The earlier device is gone before the next one is in force, so no message falls between. */
async function replace(options: FleetOptions, one: Running, luck: number): Promise<boolean> {
  if (options.register === undefined || one.isReplacing) return false;
  one.isReplacing = true;
  try {
    await acknowledged(options.clock, one.waiting);
    await one.device.close();
    const generation = one.generation + 1;
    const secret = await options.register(one.station, generation, options.clock.now());
    one.device = await connect(options, one.station, secret);
    one.deviceId = secret.deviceId;
    one.generation = generation;
    one.gain = 0.98 + 0.04 * luck;
    return true;
  } finally {
    one.isReplacing = false;
  }
}

/** Directions keep theirs: a vane is turned, not stretched. */
function calibrated(truth: Values, gain: number): Values {
  if (gain === 1) return truth;
  const values = Object.entries(truth).map(([channel, value]) => [channel, value * gain]);
  return { ...Object.fromEntries(values), ...('wdir' in truth ? { wdir: truth['wdir'] } : {}) };
}
