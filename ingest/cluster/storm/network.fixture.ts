/**
 * The network of the storm: stations in all partitions, loggers of one station each, devices that
 * serve stations of several partitions, and one that is moved from a station to another. Its registry
 * changes while readings come.
 */
import { partitionOf } from '../partition-of.ts';

export const partitions = 4;

/** The 1st of January 2026: where the devices' own time begins. */
export const dayAt = Date.UTC(2026, 0, 1);
export const stepMs = 600_000;
/** Messages of a device are of one of so many instants, so that values meet each other. */
export const steps = 24;
/** From here on the device `mover` serves its second station. */
const movedAt = dayAt + (steps / 2) * stepMs;

/** The first `count` names whose partition is the one asked. */
function stationsIn(partition: number, count: number): string[] {
  const found: string[] = [];
  for (let number = 1; found.length < count; number++) {
    const id = `station-${number}`;
    if (partitionOf(id, partitions) === partition) found.push(id);
  }
  return found;
}

export const stationIds = [0, 1, 2, 3].flatMap((partition) =>
  stationsIn(partition, partition === 0 ? 2 : 1),
);
const [a1 = '', a2 = '', b = '', c = '', d = ''] = stationIds;

interface Deployed {
  readonly device: string;
  readonly channel: string;
  readonly station: string;
  readonly property: string;
  readonly from?: number;
  readonly to?: number;
}

const loggers: Deployed[] = stationIds.flatMap((station) => [
  { device: `logger-${station}`, channel: 'ta', station, property: 'air-temperature' },
  { device: `logger-${station}`, channel: 'rh', station, property: 'relative-humidity' },
]);

const wide: Deployed[] = [
  { device: 'wide', channel: 'ta', station: a1, property: 'soil-temperature' },
  { device: 'wide', channel: 'tb', station: b, property: 'soil-temperature' },
  { device: 'wide', channel: 'tc', station: c, property: 'soil-temperature' },
  { device: 'across', channel: 'ta', station: a2, property: 'dew-point' },
  { device: 'across', channel: 'td', station: d, property: 'dew-point' },
];

const mover: Deployed[] = [
  { device: 'mover', channel: 'ta', station: b, property: 'water-temperature', to: movedAt },
  { device: 'mover', channel: 'ta', station: d, property: 'water-temperature', from: movedAt },
];

/** What each change of the registry adds, in this order; the last moves a device's route too. */
const later: readonly Deployed[][] = [
  [{ device: 'wide', channel: 'td', station: d, property: 'soil-temperature' }],
  [{ device: `logger-${c}`, channel: 'tr', station: b, property: 'rainfall' }],
  [{ device: `logger-${d}`, channel: 'tr', station: a1, property: 'rainfall' }],
];
export const changesMax = later.length;

/** Channels that a device may send at any time, known to the registry or not yet. */
export const channelsOf: ReadonlyMap<string, readonly string[]> = groupChannels([
  ...loggers,
  ...wide,
  ...mover,
  ...later.flat(),
]);

/** Stations whose series a device's values ever belong to. */
export const stationsOf: ReadonlyMap<string, readonly string[]> = new Map(
  [...channelsOf.keys()].map((device) => [
    device,
    [...loggers, ...wide, ...mover, ...later.flat()]
      .filter((deployed) => deployed.device === device)
      .map(({ station }) => station),
  ]),
);

/** The registry file with so many changes in force. */
export function networkAfter(changes: number): object {
  const deployed = [...loggers, ...wide, ...mover, ...later.slice(0, changes).flat()];
  return {
    format: 'quantrac-registry/1',
    owners: [{ id: 'agency', name: { vi: 'Sở', en: 'Agency' }, kind: 'state' }],
    stations: stationIds.map((id) => ({
      id,
      name: { vi: id, en: id },
      owner: 'agency',
      latitude: 21,
      longitude: 105.8,
      timeZone: 'Asia/Ho_Chi_Minh',
      class: 'regulatory',
    })),
    datastreams: [...new Map(deployed.map((each) => [datastreamOf(each), each]))].map(
      ([id, { station, property }]) => ({
        id,
        station,
        property,
        slug: id,
        aggregation: property === 'rainfall' ? 'sum' : 'instant',
        intervalMs: stepMs,
      }),
    ),
    devices: [...new Set(deployed.map(({ device }) => device))].map((id) => ({
      id,
      owner: 'agency',
    })),
    deployments: deployed.map((each) => ({
      device: each.device,
      datastream: datastreamOf(each),
      channel: each.channel,
      from: new Date(each.from ?? Date.UTC(2020, 0, 1)).toISOString(),
      ...(each.to === undefined ? {} : { to: new Date(each.to).toISOString() }),
    })),
  };
}

function datastreamOf({ station, property }: Deployed): string {
  return `${station}-${property}`;
}

function groupChannels(deployed: readonly Deployed[]): Map<string, string[]> {
  const channels = new Map<string, string[]>();
  for (const { device, channel } of deployed) {
    const known = channels.get(device) ?? [];
    if (!known.includes(channel)) known.push(channel);
    channels.set(device, known);
  }
  return channels;
}
