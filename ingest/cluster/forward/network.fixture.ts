import { noAccess } from '../../../devices/access.ts';
import type { ChannelBinding, Registry, RegistryReader } from '../../../devices/registry.ts';
import type { Datastream, Device, Station } from '../../../devices/model.ts';

/** Devices with the stations that they serve. */
export type Network = Readonly<Record<string, readonly string[]>>;

/** Of a registry only what routes: stations, and datastreams numbered by the order of stations. */
export function registryOf(version: number, network: Network): Registry {
  const stations = [...new Set(Object.values(network).flat())].toSorted();
  const named = <Named>(id: string): Named => ({ id }) as Named;
  const bySeries = stations.map((station, series) => ({ id: station, series, station }));
  return {
    version,
    owners: new Map(),
    stations: new Map(stations.map((id) => [id, named<Station>(id)])),
    datastreams: new Map(),
    devices: new Map(Object.keys(network).map((id) => [id, named<Device>(id)])),
    properties: new Map(),
    deployments: [],
    access: noAccess,
    bySeries: bySeries as unknown as Datastream[],
    channelsOf: (device) => {
      const served = network[device];
      if (served === undefined) return undefined;
      const binding = (id: string) => [{ station: { id } }] as unknown as ChannelBinding[];
      return new Map(served.map((id, at) => [`channel-${at}`, binding(id)]));
    },
  };
}

/** A registry whose versions are given one after another; 0 is the empty one. */
export interface TestRegistry extends Pick<RegistryReader, 'at' | 'current'> {
  change(network: Network): void;
  /** Versions that cannot be had now. */
  readonly missing: Set<number>;
}

export function createTestRegistry(): TestRegistry {
  const versions = [registryOf(0, {})];
  const missing = new Set<number>();
  return {
    missing,
    change: (network) => void versions.push(registryOf(versions.length, network)),
    current: () => versions.at(-1)!,
    at(version) {
      const found = versions[version];
      if (found === undefined || missing.has(version)) throw new Error(`no version ${version}`);
      return found;
    },
  };
}
