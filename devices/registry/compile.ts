import { devicesError } from '../errors.ts';
import type { Zones } from '../instant.ts';
import type { Datastream, Deployment, ObservedProperty, Station } from '../model.ts';
import type { ChannelBinding, Registry } from '../registry.ts';
import type { FileDatastream, FileDeployment } from '../registry-file.ts';
import type { UnitConverter } from '../unit.ts';
import { runAll } from '../slices.ts';
import { compileAccess } from './compile-access.ts';
import type { Records } from './records.ts';

/** What a compiled registry is made with: the same for every version. */
export interface CompileWith {
  readonly properties: ReadonlyMap<string, ObservedProperty>;
  readonly units: UnitConverter;
  readonly zones: Zones;
  /** Series number of a datastream: every datastream of the records has one. */
  readonly series: ReadonlyMap<string, number>;
}

type Channels = ReadonlyMap<string, readonly ChannelBinding[]>;

/**
 * Makes the model of each version. Entries that did not change since an earlier version keep their
 * objects. Channels of a device are compiled when first asked for.
 */
export interface Compiler {
  compile: (...of: Compiled) => Registry;
  /** The same, bit by bit: others may have the thread wherever it yields. */
  steps: (...of: Compiled) => Generator<undefined, Registry>;
}

type Compiled = readonly [
  version: number,
  records: Records,
  previous?: { readonly records: Records; readonly registry: Registry },
];

/** Entries between two yields: less than a millisecond of work. */
const entriesPerStep = 200;

export function createCompiler(compileWith: CompileWith): Compiler {
  const memo: Memo = { datastreams: new WeakMap(), deployments: new WeakMap() };

  function* steps(...[version, records, previous]: Compiled): Generator<undefined, Registry> {
    // Only credentials changed: the same network under the next number.
    if (previous?.records === records) return { ...previous.registry, version };
    const access = compileAccess(records);
    if (previous !== undefined && isSameNetwork(previous.records, records)) {
      return { ...previous.registry, version, access };
    }
    return yield* compileVersion(version, records, { ...compileWith, memo });
  }

  return {
    steps,
    compile: (...of) => runAll(steps(...of)),
  };
}

/** Only who may read it changed. */
function isSameNetwork(before: Records, after: Records): boolean {
  return (
    before.owner === after.owner &&
    before.station === after.station &&
    before.datastream === after.datastream &&
    before.device === after.device &&
    before.deployment === after.deployment
  );
}

interface Memo {
  readonly datastreams: WeakMap<FileDatastream, Datastream>;
  /** By zone too: a date means another instant when the station's zone is mended. */
  readonly deployments: WeakMap<FileDeployment, { zone: string; deployment: Deployment }>;
}

function* compileVersion(
  version: number,
  records: Records,
  compileWith: CompileWith & { readonly memo: Memo },
): Generator<undefined, Registry> {
  const datastreams = new Map<string, Datastream>();
  const bySeries: (Datastream | undefined)[] = [];
  for (const entry of records.datastream.values()) {
    const datastream = compileDatastream(entry, compileWith);
    datastreams.set(datastream.id, datastream);
    while (bySeries.length <= datastream.series) bySeries.push(undefined);
    bySeries[datastream.series] = datastream;
    if (datastreams.size % entriesPerStep === 0) yield;
  }
  const deployments: Deployment[] = [];
  const byDevice = new Map<string, Deployment[]>();
  for (const entry of records.deployment.values()) {
    const zone = records.station.get(datastreams.get(entry.datastream)?.station ?? '')?.timeZone;
    const deployment = compileDeployment(entry, zone ?? 'UTC', compileWith);
    deployments.push(deployment);
    const ofDevice = byDevice.get(deployment.device);
    if (ofDevice === undefined) byDevice.set(deployment.device, [deployment]);
    else ofDevice.push(deployment);
    if (deployments.length % entriesPerStep === 0) yield;
  }
  const channels = new Map<string, Channels>();
  const registry: Registry = {
    version,
    owners: records.owner,
    stations: records.station,
    datastreams,
    devices: records.device,
    properties: compileWith.properties,
    deployments,
    bySeries,
    access: compileAccess(records),
    channelsOf(deviceId) {
      const known = channels.get(deviceId);
      if (known !== undefined || !records.device.has(deviceId)) return known;
      const made = compileChannels(registry, byDevice.get(deviceId) ?? [], compileWith.units);
      channels.set(deviceId, made);
      return made;
    },
  };
  return registry;
}

function compileDatastream(
  entry: FileDatastream,
  { series, memo }: CompileWith & { readonly memo: Memo },
): Datastream {
  const known = memo.datastreams.get(entry);
  if (known !== undefined) return known;
  const number = series.get(entry.id);
  if (number === undefined) throw devicesError('DEVICES_REGISTRY_CORRUPT', { series: entry.id });
  const datastream = { ...entry, slug: entry.slug ?? entry.property, series: number };
  memo.datastreams.set(entry, datastream);
  return datastream;
}

function compileDeployment(
  entry: FileDeployment,
  zone: string,
  { zones, memo }: CompileWith & { readonly memo: Memo },
): Deployment {
  const known = memo.deployments.get(entry);
  if (known?.zone === zone) return known.deployment;
  const { from, to, ...rest } = entry;
  const fromAt = instantOf(from, zone, zones);
  const deployment: Deployment =
    to === undefined ? { ...rest, fromAt } : { ...rest, fromAt, toAt: instantOf(to, zone, zones) };
  memo.deployments.set(entry, { zone, deployment });
  return deployment;
}

function instantOf(text: string, zone: string, zones: Zones): number {
  const at = zones.instantOf(text, zone);
  if (at === undefined) throw devicesError('DEVICES_REGISTRY_CORRUPT', { text, zone });
  return at;
}

/** Bindings by channel, the earliest deployment first; withdrawn ones (no duration) left out. */
function compileChannels(
  registry: Registry,
  deployments: readonly Deployment[],
  units: UnitConverter,
): Channels {
  const channels = new Map<string, ChannelBinding[]>();
  for (const deployment of deployments.toSorted((left, right) => left.fromAt - right.fromAt)) {
    if (deployment.toAt === deployment.fromAt) continue;
    const binding = compileBinding(registry, deployment, units);
    const bindings = channels.get(deployment.channel);
    if (bindings === undefined) channels.set(deployment.channel, [binding]);
    else bindings.push(binding);
  }
  return channels;
}

function compileBinding(
  registry: Registry,
  deployment: Deployment,
  units: UnitConverter,
): ChannelBinding {
  const datastream = registry.datastreams.get(deployment.datastream);
  const property = registry.properties.get(datastream?.property ?? '');
  const station: Station | undefined = registry.stations.get(datastream?.station ?? '');
  if (datastream === undefined || property === undefined || station === undefined) {
    throw devicesError('DEVICES_REGISTRY_CORRUPT', { deployment });
  }
  const conversion = units.conversionTo(property, deployment.unit);
  if (!conversion.ok) throw devicesError(conversion.code, { detail: conversion.detail });
  return { deployment, datastream, property, station, ...calibrated(deployment, conversion) };
}

/** Calibration first, in the unit the channel sends, then the unit: one multiply and one add. */
function calibrated(
  deployment: { readonly factor?: number; readonly offset?: number },
  conversion: { readonly scale: number; readonly shift: number },
): { readonly scale: number; readonly shift: number } {
  return {
    scale: (deployment.factor ?? 1) * conversion.scale,
    shift: (deployment.offset ?? 0) * conversion.scale + conversion.shift,
  };
}
