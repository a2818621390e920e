/** What is measured: hours of last month, late and put right, and what is measured now. */
import { connectDevice, type ConnectedDevice } from '../../device.ts';
import { loadChannels, loadDeviceIds, loadRegistryFile } from '../../load/network.ts';
import { provision } from '../network.ts';
import { untilSo, type Ground } from './feeds-ground.ts';
import type { ClusterNode } from './world.ts';

const hourMs = 3_600_000;
/** Viet Nam, where all stations are. */
const zoneMs = 7 * hourMs;
/** A message may hold 256 values. */
const rowsPerMessage = 36;

export interface MonthSpan {
  /** `YYYY-MM`. */
  readonly month: string;
  readonly fromAt: number;
  readonly toAt: number;
}

/** The month of Viet Nam's calendar, so many before that of the moment. */
export function monthBefore(at: number, count: number): MonthSpan {
  const local = new Date(at + zoneMs);
  const start = (back: number): number =>
    Date.UTC(local.getUTCFullYear(), local.getUTCMonth() - back, 1) - zoneMs;
  const fromAt = start(count);
  const month = new Date(fromAt + zoneMs).toISOString().slice(0, 7);
  return { month, fromAt, toAt: start(count - 1) };
}

export const forRecipients = 'load-00002';
const internal = 'load-00003';
export const recipient = 'ministry';

/** Station by the instant at which its embargo ends. */
type Embargoes = Readonly<Record<string, string>>;

/** Imports the network at a node; devices that have a secret keep it. */
export async function importNetwork(
  { secrets }: Ground,
  node: ClusterNode,
  { devices, embargoes = {} }: { readonly devices: number; readonly embargoes?: Embargoes },
): Promise<void> {
  const file = loadRegistryFile(devices, hourMs) as {
    readonly stations: readonly { id: string }[];
  };
  const stations = file.stations.map((station) => ({
    ...station,
    ...(station.id === forRecipients ? { visibility: 'recipients' } : {}),
    ...(station.id === internal ? { visibility: 'internal' } : {}),
    ...(embargoes[station.id] === undefined ? {} : { embargoUntil: embargoes[station.id] }),
  }));
  const recipients = [{ id: recipient, name: { vi: 'Bộ', en: 'Ministry' }, kind: 'ministry' }];
  const given = await provision(
    node.dataDir,
    { ...file, stations, recipients },
    { rotate: secrets.size === 0 },
  );
  for (const secret of given) if (secret.password !== null) secrets.set(secret.deviceId, secret);
}

/** Values of one device at some instants. */
export interface Sending {
  readonly device: string;
  readonly ats: readonly number[];
  /** Other values of the same instant with each turn. */
  readonly turn?: number;
  /** Number of the broker. */
  readonly broker: number;
}

/** Resolves when everything is acknowledged. */
export async function send(ground: Ground, sendings: readonly Sending[]): Promise<number> {
  await Promise.all(sendings.map((sending) => sendOne(ground, sending)));
  return sendings.reduce((sum, { ats }) => sum + ats.length * loadChannels.length, 0);
}

async function sendOne(ground: Ground, sending: Sending): Promise<void> {
  const { device: id, ats } = sending;
  const device = await connect(ground, sending);
  for (let begin = 0; begin < ats.length; begin += rowsPerMessage) {
    const part = ats.slice(begin, begin + rowsPerMessage);
    const rows = part.map((at) => ({ ts: at, values: valuesOf(id, at, sending.turn ?? 0) }));
    await device.publishText(`env/v1/${id}/obs`, JSON.stringify(rows));
  }
  await device.close();
}

/** A new secret may take a moment to reach the broker. */
async function connect(ground: Ground, { device, broker }: Sending): Promise<ConnectedDevice> {
  const secret = ground.secrets.get(device);
  const port = ground.brokers[broker % ground.brokers.length]?.ports.mqttPort;
  if (secret === undefined) throw new Error(`${device} has no secret`);
  let connected: ConnectedDevice | undefined;
  await untilSo(ground, 20_000, async () => {
    connected = await connectDevice({
      url: `mqtt://127.0.0.1:${port}`,
      reconnectMs: 200,
      secret,
      channels: [],
      onError: () => undefined,
    }).catch(() => undefined);
    return connected !== undefined;
  });
  if (connected === undefined) throw new Error(`${device} is not let in`);
  return connected;
}

const bases = { temp: 20, rh: 60, press: 1_000, wspd: 3, wdir: 90, pm25: 20, solar: 100 } as const;

function valuesOf(device: string, at: number, turn: number): Record<string, number> {
  const hour = Math.floor(at / hourMs);
  const station = Number(device.slice(-3));
  return Object.fromEntries(
    loadChannels.map(([channel], place) => {
      const swing = ((hour * (place + 3) + station * 7 + turn * 11) % 83) / 10;
      return [channel, bases[channel] + swing];
    }),
  );
}

export function hoursOf({ fromAt, toAt }: Pick<MonthSpan, 'fromAt' | 'toAt'>): number[] {
  return Array.from(
    { length: Math.floor((toAt - fromAt) / hourMs) },
    (_, n) => fromAt + n * hourMs,
  );
}

/** Every hour of the month of every device, then some of them with other values over the other broker. */
export async function sendMonth(
  ground: Ground,
  span: MonthSpan,
  devices: number,
): Promise<{ readonly values: number; readonly corrected: number }> {
  const ids = loadDeviceIds(devices);
  const ats = hoursOf(span);
  const values = await send(
    ground,
    ids.map((device, broker) => ({ device, ats, broker })),
  );
  const corrected = await send(
    ground,
    ids.map((device, number) => ({
      device,
      broker: number + 1,
      turn: 1,
      ats: ats.filter((_, hour) => hour % 97 === number % 97),
    })),
  );
  return { values, corrected };
}

/** One value each a second, until it is told to stop. */
export function sendNow(ground: Ground, devices: number): { stop(): Promise<number> } {
  const { clock } = ground;
  const ids = loadDeviceIds(devices);
  let sent = 0;
  let isOpen = true;
  const running = (async () => {
    while (isOpen) {
      const ats = [clock.now()];
      sent += await send(
        ground,
        ids.map((device, number) => ({ device, ats, broker: number + (sent % 2) })),
      );
    }
  })();
  return {
    async stop() {
      isOpen = false;
      await running;
      return sent;
    },
  };
}
