/**
 * The network of the spine: stations of four kinds, and what changes while the run goes on. Version 2
 * of the registry replaces the device of the first station, with another unit; version 3 maps a
 * channel of the second one that nobody knew before.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../../devices/clock.ts';
import type { Random } from '../../../devices/random.ts';
import type { RegistryFile } from '../../../devices/registry-file.ts';
import type { RegistryReader } from '../../../devices/registry.ts';
import { openRegistryWriter } from '../../../devices/registry-sqlite.ts';

export interface ChannelSpec {
  readonly channel: string;
  readonly property: string;
  readonly aggregation: 'instant' | 'mean' | 'sum';
  /** In the unit of the channel: where values start, and how far one lies from the next. */
  readonly base: number;
  readonly step: number;
  readonly decimals: number;
}

/** Where a channel of a device leads, from one registry version on. What is expected knows only this. */
export interface Wire {
  readonly device: string;
  readonly channel: string;
  readonly datastream: string;
  readonly aggregation: ChannelSpec['aggregation'];
  readonly intervalMs: number;
  readonly scale: number;
  readonly shift: number;
  readonly fromAt: number;
  readonly toAt: number;
  /** Registry versions under which it holds, both inclusive. */
  readonly sinceVersion: number;
  readonly untilVersion: number;
}

export interface SpineStation {
  readonly id: string;
  /** The device at `at`, and the one that has left but may still hold messages. */
  deviceAt(at: number): string;
  readonly channels: readonly ChannelSpec[];
  /** Measures at several depths. */
  readonly isBuoy: boolean;
  readonly intervalMs: number;
}

export interface SpineNetwork {
  readonly stations: readonly SpineStation[];
  readonly wires: readonly Wire[];
  readonly registry: RegistryReader;
  /** Versions 1, 2 and 3. */
  readonly files: readonly RegistryFile[];
  /** When versions 2 and 3 are imported, ms from the start. */
  readonly versionsAt: readonly number[];
  /** Internal number of each datastream. */
  readonly seriesOf: ReadonlyMap<string, number>;
  close(): void;
}

export const spineStartAt = Date.UTC(2026, 2, 1);
/** No time before this is believed. */
export const servedFromAt = Date.UTC(2026, 0, 1);

const kinds: readonly (readonly ChannelSpec[])[] = [
  [
    spec('t', 'air-temperature', 'instant', [25, 0.2, 1]),
    spec('rh', 'relative-humidity', 'instant', [70, 0.5, 1]),
    spec('wd', 'wind-direction', 'instant', [180, 6, 0]),
    spec('ws', 'wind-speed', 'instant', [3, 0.3, 1]),
    spec('rain', 'rainfall', 'sum', [0.4, 0.1, 1]),
    spec('bp', 'air-pressure', 'instant', [1_008, 0.05, 2]),
    spec('sun', 'solar-radiation', 'mean', [400, 9, 0]),
  ],
  [
    spec('pm25', 'pm2.5', 'mean', [35, 1, 1]),
    spec('pm10', 'pm10', 'mean', [60, 2, 1]),
    spec('no2', 'no2', 'mean', [30, 1, 1]),
    spec('o3', 'o3', 'mean', [50, 1, 1]),
    spec('t', 'air-temperature', 'instant', [27, 0.2, 1]),
    spec('rh', 'relative-humidity', 'mean', [65, 0.5, 1]),
    spec('noise', 'noise-laeq', 'mean', [58, 1, 1]),
  ],
  [
    spec('level', 'water-level', 'instant', [2.4, 0.01, 3]),
    spec('ph', 'ph', 'instant', [7.2, 0.02, 2]),
    spec('ec', 'conductivity', 'instant', [410, 2, 0]),
    spec('do', 'dissolved-oxygen', 'mean', [6.1, 0.05, 2]),
    spec('wt', 'water-temperature', 'instant', [26, 0.05, 2]),
    spec('tss', 'tss', 'mean', [40, 1, 1]),
    spec('no3', 'nitrate', 'mean', [1.2, 0.02, 2]),
  ],
  [
    spec('wt', 'water-temperature', 'instant', [28, 0.05, 2]),
    spec('sal', 'salinity', 'instant', [31, 0.02, 2]),
  ],
];

function spec(
  channel: string,
  property: string,
  aggregation: ChannelSpec['aggregation'],
  [base, step, decimals]: readonly [number, number, number],
): ChannelSpec {
  return { channel, property, aggregation, base, step, decimals };
}

export interface NetworkOptions {
  /** Ms UTC; `spineStartAt` unless given. */
  readonly startAt?: number;
  readonly stations: number;
  readonly intervalMs: number;
  /** Channels of each station at most. */
  readonly channelsMax: number;
  /** When versions 2 and 3 come into force, ms from the start. */
  readonly versionsAt: readonly [number, number];
  readonly clock: Clock;
  readonly random: Random;
}

/** Fahrenheit, as the replacing device sends it. */
const fahrenheit = { scale: 5 / 9, shift: -160 / 9 } as const;

/** Registers the network in a temporary folder, version by version. */
export function openNetwork(options: NetworkOptions): SpineNetwork {
  const places = Array.from({ length: options.stations }, (_, index) => placeOf(options, index));
  const folder = mkdtempSync(join(tmpdir(), 'quantrac-spine-registry-'));
  const registry = openRegistryWriter(join(folder, 'registry.db'), {
    clock: options.clock,
    random: options.random,
  });
  const files = [1, 2, 3].map((version) => registryFile(places, options, version));
  for (const [at, file] of files.entries()) {
    const version = at + 1;
    const outcome = registry.importFile(file, 'spine');
    if (!outcome.ok || outcome.version !== version) {
      throw new Error(`version ${version}: ${JSON.stringify(outcome)}`);
    }
  }
  const { datastreams } = registry.at(3);
  return {
    registry,
    files,
    versionsAt: options.versionsAt,
    stations: places.map(({ id, channels, isBuoy }, index) => ({
      id,
      channels,
      isBuoy,
      intervalMs: options.intervalMs,
      deviceAt: (at) => (index === 0 && at >= replacedAt(options) ? `${id}.b` : `${id}.a`),
    })),
    wires: places.flatMap((place, index) => wiresOf(place, index, options)),
    seriesOf: new Map([...datastreams.values()].map(({ id, series }) => [id, series])),
    close() {
      registry.close();
      rmSync(folder, { recursive: true });
    },
  };
}

interface Place {
  readonly id: string;
  readonly channels: readonly ChannelSpec[];
  readonly isBuoy: boolean;
}

function placeOf(options: NetworkOptions, index: number): Place {
  const kind = index % kinds.length;
  return {
    id: `st${index}`,
    channels: (kinds[kind] ?? []).slice(0, options.channelsMax),
    isBuoy: kind === 3,
  };
}

function replacedAt(options: NetworkOptions): number {
  return (options.startAt ?? spineStartAt) + options.versionsAt[0];
}

/** The channel that is mapped from version 3 on, at the second station. */
const lateChannel = { channel: 'bat', property: 'battery-voltage' } as const;

function wiresOf(place: Place, index: number, options: NetworkOptions): Wire[] {
  const usual = {
    intervalMs: options.intervalMs,
    scale: 1,
    shift: 0,
    fromAt: servedFromAt,
    toAt: Infinity,
    sinceVersion: 1,
    untilVersion: Infinity,
  };
  const wires = place.channels.flatMap(({ channel, aggregation }): Wire[] => {
    const datastream = `${place.id}.${channel}`;
    const wire = { ...usual, device: `${place.id}.a`, channel, datastream, aggregation };
    if (index !== 0) return [wire];
    const at = replacedAt(options);
    const unit = channel === 't' ? fahrenheit : {};
    return [
      { ...wire, untilVersion: 1 },
      { ...wire, sinceVersion: 2, toAt: at },
      { ...wire, ...unit, sinceVersion: 2, device: `${place.id}.b`, fromAt: at },
    ];
  });
  if (index !== 1) return wires;
  const { channel } = lateChannel;
  const late = { device: `${place.id}.a`, channel, datastream: `${place.id}.${channel}` };
  return [...wires, { ...usual, ...late, aggregation: 'instant', sinceVersion: 3 }];
}

function registryFile(
  places: readonly Place[],
  options: NetworkOptions,
  version: number,
): RegistryFile {
  const wires = places
    .flatMap((place, index) => wiresOf(place, index, options))
    .filter((wire) => wire.sinceVersion <= version && version <= wire.untilVersion);
  const properties = new Map<string, string>([
    [`${places[1]?.id}.${lateChannel.channel}`, lateChannel.property],
    ...places.flatMap(({ id, channels }) =>
      channels.map(({ channel, property }) => [`${id}.${channel}`, property] as const),
    ),
  ]);
  const owner = { id: 'o', name: { vi: 'Chủ', en: 'Owner' }, kind: 'state' as const };
  const devices = new Set([...places.map(({ id }) => `${id}.a`), ...wires.map((w) => w.device)]);
  const datastreams = new Map(wires.map((wire) => [wire.datastream, wire]));
  return {
    format: 'quantrac-registry/1',
    owners: [owner],
    stations: places.map(({ id }, index) => ({
      id,
      name: { vi: id, en: id },
      owner: 'o',
      latitude: 10 + index / 10,
      longitude: 106,
      timeZone: 'Asia/Ho_Chi_Minh',
      class: 'regulatory',
    })),
    datastreams: [...datastreams].map(([id, { aggregation, intervalMs }]) => ({
      id,
      station: id.slice(0, id.indexOf('.')),
      property: properties.get(id) ?? '',
      aggregation,
      intervalMs,
    })),
    devices: [...devices].map((id) => ({ id, owner: 'o' })),
    deployments: wires.map(({ device, datastream, channel, scale, fromAt, toAt }) => ({
      device,
      datastream,
      channel,
      ...(scale === 1 ? {} : { unit: 'degF' }),
      from: new Date(fromAt).toISOString(),
      ...(toAt === Infinity ? {} : { to: new Date(toAt).toISOString() }),
    })),
  };
}
