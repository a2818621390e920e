/** What the devices of the storm send: values that meet, repeat, come late, cannot be understood. */
import type { World, SentReading } from './world.fixture.ts';
import { channelsOf, dayAt, stationIds, stepMs, steps } from './network.fixture.ts';

const devices = [...channelsOf.keys()];

/** Gives some readings to one of the broker nodes; devices change between them as they like. */
export function sendSome(world: World, count: number): void {
  const { next, brokers, registry } = world;
  for (let left = count; left > 0; left--) {
    const broker = brokers[Math.floor(next() * brokers.length)]!;
    broker.keep(readingOf(world), registry.current());
  }
}

function readingOf(world: World): SentReading {
  const { next, brokers } = world;
  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(next() * items.length)]!;
  // Each has its own instant, so that no two values have the same rank.
  const before = brokers.reduce((sum, { kept }) => sum + kept.length, 0);
  const receivedAt = dayAt + 3 * 86_400_000 + before;
  const device = next() < 0.4 ? pick(['wide', 'across', 'mover']) : `logger-${pick(stationIds)}`;
  const own = pick(devices.includes(device) ? [device] : devices);
  const base = { kind: 'message', door: 'mqtt', receivedAt } as const;
  const topic = `env/v1/${own}/obs`;
  const chance = next();
  if (chance < 0.03) return { ...base, device: own, topic, payload: Buffer.from('{"ts":') };
  if (chance < 0.06) {
    return { ...base, device: 'nobody', topic, payload: Buffer.from('{"ta":1}') };
  }
  if (chance < 0.1) {
    const payload = Buffer.from('{"online":true}');
    return { ...base, kind: 'control', device: own, topic: `env/v1/${own}/state`, payload };
  }
  if (chance < 0.12) {
    const fault = {
      code: 'LOG_RECORD_DAMAGED',
      detail: 'could not be read',
      readings: 1 + Math.floor(next() * 3),
    };
    return { ...base, door: 'internal', device: '', topic: '', payload: Buffer.alloc(0), fault };
  }
  const kind = next() < 0.1 ? 'backfill' : 'message';
  const payload = Buffer.from(JSON.stringify(messageOf(world, own)));
  return { ...base, kind, device: own, topic, payload };
}

function messageOf({ next, isDated }: World, device: string): object {
  const ts = dayAt + Math.floor(next() * steps) * stepMs;
  const message: Record<string, unknown> = { ts };
  if (isDated(device)) message['resultTime'] = ts + Math.floor(next() * 5) * 60_000;
  for (const channel of channelsOf.get(device) ?? []) {
    const chance = next();
    if (chance < 0.75) message[channel] = Math.round(20 + 4 * next());
    else if (chance < 0.8) message[channel] = null;
  }
  // A channel that no version of the registry knows.
  if (next() < 0.1) message['zz'] = 1;
  return message;
}
