import type { Codec } from '../devices/codecs/codec.ts';
import { codecFor } from '../devices/codecs/formats.ts';
import type { ChannelBinding, Registry, RegistryReader } from '../devices/registry.ts';
import type { SeriesBinding } from './decide/series.ts';
import { ingestError } from './errors.ts';

/** What the registry version in force says of a device. */
export interface Served {
  readonly channels: ReadonlyMap<string, readonly ChannelBinding[]>;
  /** Undefined: the registry names one that does not exist. */
  readonly codec: Codec | undefined;
}

/** The registry at the version that the last marker in `readings` put in force. */
export interface Directory {
  /** 0 before the first marker. */
  readonly version: number;
  /** Undefined for a device that the registry does not know. `version`: that in force, or an earlier one. */
  serve(deviceId: string, version: number): Served | undefined;
  /** A marker: from the next reading on this version is in force. Throws INGEST_REGISTRY_VERSION. */
  change(version: number): void;
  /** The newest version that this node knows of, in force or not. */
  newest(): number;
  /** Every datastream of the version in force by its internal number. */
  readonly registry: Registry;
}

/**
 * Begins with the version of the last batch; before any marker with what the registry holds, which
 * the first marker then fixes.
 */
export function openDirectory(reader: RegistryReader, version: number): Directory {
  let inForce = version;
  let registry = version === 0 ? reader.refresh() : registryAt(reader, version);
  const served = new Map<string, Served | undefined>();

  return {
    get version() {
      return inForce;
    },
    get registry() {
      return registry;
    },
    serve(deviceId, asked) {
      if (asked !== inForce) return look(registryAt(reader, asked), deviceId);
      const known = served.get(deviceId);
      if (known !== undefined) return known;
      const found = look(registry, deviceId);
      // Only devices of the registry are remembered: their number is bounded by it.
      if (found !== undefined) served.set(deviceId, found);
      return found;
    },
    newest: () => reader.refresh().version,
    change(next) {
      registry = registryAt(reader, next);
      inForce = next;
      served.clear();
    },
  };
}

function look(registry: Registry, deviceId: string): Served | undefined {
  const channels = registry.channelsOf(deviceId);
  if (channels === undefined) return undefined;
  return { channels, codec: codecFor(registry.devices.get(deviceId)?.codec) };
}

/** Undefined for a series that this version does not know whole. */
export function bindingOfSeries(registry: Registry, series: number): SeriesBinding | undefined {
  const { bySeries, properties, stations } = registry;
  const datastream = bySeries[series];
  const property = properties.get(datastream?.property ?? '');
  const station = stations.get(datastream?.station ?? '');
  if (datastream === undefined || property === undefined || station === undefined) return undefined;
  return { datastream, property, station };
}

function registryAt(reader: RegistryReader, version: number): Registry {
  try {
    if (reader.current().version < version) reader.refresh();
    return reader.at(version);
  } catch (error) {
    throw ingestError('INGEST_REGISTRY_VERSION', { version }, error);
  }
}
