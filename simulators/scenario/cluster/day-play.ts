/** Publishes a part of the day: stations beside each other, each in its own order. */
import { sleep, type Clock } from '../../../devices/clock.ts';
import { connectDevice, type ConnectedDevice, type DeviceSecretOf } from '../../device.ts';
import type { Message } from '../spine/message.ts';
import { servedFromAt } from '../spine/network.ts';
import type { DayPart, StationPart } from './day-plan.ts';

export interface DayDoors {
  readonly clock: Clock;
  /** Where the devices of a station connect: all of them to the same broker, as its order asks. */
  mqttPortOf(station: string): number;
  secretOf(device: string): DeviceSecretOf;
  /** Messages a second over all stations, about. */
  readonly rate: number;
}

/** Of one device unacknowledged at once. */
const window = 20;
const reconnectMs = 200;
/** Two messages that are dated by their receipt may not come in the same millisecond. */
const undatedPauseMs = 2;

/** Resolves when every message is acknowledged. */
export async function playPart(part: DayPart, doors: DayDoors): Promise<void> {
  const pace = createPace(doors);
  await Promise.all(part.stations.map((station) => playStation(station, doors, pace)));
}

async function playStation(
  { station, messages }: StationPart,
  doors: DayDoors,
  pace: () => Promise<void>,
): Promise<void> {
  const port = doors.mqttPortOf(station);
  let device: ConnectedDevice | undefined;
  let name = '';
  let failure: Error | undefined;
  const unacknowledged = new Set<Promise<void>>();
  const settle = async (left: number): Promise<void> => {
    while (unacknowledged.size > left) await Promise.race(unacknowledged);
    if (failure !== undefined) throw failure;
  };
  for (const message of messages) {
    await pace();
    if (message.device !== name) {
      // Another device of the station speaks only when everything of the one before is kept.
      await settle(0);
      await device?.close();
      name = message.device;
      device = await connect(doors, port, name);
    }
    const isDated = (message.tells ?? []).every(({ endAt }) => endAt >= servedFromAt);
    await settle(isDated ? window - 1 : 0);
    if (!isDated) await sleep(doors.clock, undatedPauseMs);
    const publishing: Promise<void> = publish(device!, message)
      .catch((error: unknown) => void (failure ??= error as Error))
      .finally(() => void unacknowledged.delete(publishing));
    unacknowledged.add(publishing);
  }
  await settle(0);
  await device?.close();
}

function publish(device: ConnectedDevice, { topic, payload }: Message): Promise<void> {
  return device.publishText(topic, payload);
}

/** A new secret may take a moment to reach the broker. */
async function connect(doors: DayDoors, port: number, name: string): Promise<ConnectedDevice> {
  for (let left = 50; ; left--) {
    try {
      return await connectDevice({
        url: `mqtt://127.0.0.1:${port}`,
        reconnectMs,
        secret: doors.secretOf(name),
        channels: [],
        onError: () => {},
      });
    } catch (error) {
      if (left === 0) throw error;
      await sleep(doors.clock, reconnectMs);
    }
  }
}

/** Gives each caller its turn, `rate` of them a second. */
function createPace({ clock, rate }: DayDoors): () => Promise<void> {
  let nextMs = clock.monotonicMs();
  return async () => {
    nextMs = Math.max(nextMs, clock.monotonicMs() - 100) + 1_000 / rate;
    const waitMs = nextMs - clock.monotonicMs();
    if (waitMs > 0) await sleep(clock, waitMs);
  };
}
