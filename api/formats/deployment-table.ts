/** Deployments: which instrument has served which datastream, with which calibration. */
import { licenceOf } from '../../devices/licence.ts';
import type { Datastream, Deployment } from '../../devices/model.ts';
import type { Registry } from '../../devices/registry.ts';
import { encodeTimePart } from '../../ingest/observations/observation-id.ts';
import type { NetworkView } from '../network.ts';
import { addressesAt, createLinkedWriter, instantNode } from './linked.ts';
import type { Table } from './table.ts';

export interface KnownDeployment {
  readonly id: string;
  readonly datastream: Datastream;
  readonly deployment: Deployment;
}

const columns = [
  'id',
  'datastream',
  'station',
  'property',
  'owner',
  'from',
  'to',
  'channel',
  'unit',
  'factor',
  'offset',
  'device',
  'serial',
];

const byDatastream = new WeakMap<Registry, ReadonlyMap<string, readonly KnownDeployment[]>>();

/** Of these datastreams, by id. */
export function deploymentsOf(
  { registry }: NetworkView,
  datastreams: readonly Datastream[],
): readonly KnownDeployment[] {
  const known = knownDeployments(registry);
  return datastreams.flatMap(({ id }) => known.get(id) ?? []);
}

export function findDeployment(view: NetworkView, id: string): KnownDeployment | undefined {
  const [datastream = ''] = id.split('~', 1);
  return knownDeployments(view.registry)
    .get(datastream)
    ?.find((each) => each.id === id && view.sees(each.datastream.series));
}

/** An id is the datastream and the begin; a second one of the same begin has its place behind it. */
function knownDeployments(registry: Registry): ReadonlyMap<string, readonly KnownDeployment[]> {
  let found = byDatastream.get(registry);
  if (found === undefined) {
    const made = new Map<string, KnownDeployment[]>();
    const ordered = [...registry.deployments].sort((a, b) => a.fromAt - b.fromAt);
    for (const deployment of ordered) {
      const datastream = registry.datastreams.get(deployment.datastream);
      if (datastream === undefined) continue;
      const of = made.get(datastream.id) ?? [];
      made.set(datastream.id, of);
      const begin = `${datastream.id}~${timePart(deployment.fromAt)}`;
      const same = of.filter(({ id }) => id.startsWith(begin)).length;
      of.push({ id: same === 0 ? begin : `${begin}.${same}`, datastream, deployment });
    }
    byDatastream.set(registry, (found = made));
  }
  return found;
}

/** As ids of observations write a time: so many base 36 digits, in the order of time. */
function timePart(at: number): string {
  return encodeTimePart({ series: 0, endAt: at, startAt: at, heightMm: NaN });
}

export function deploymentTable(view: NetworkView, base: string): Table<KnownDeployment> {
  const objectOf = createObjects(view);
  const addresses = addressesAt(base);
  return {
    columns,
    json: (item) => JSON.stringify(objectOf(item)),
    cells(item) {
      const object = objectOf(item);
      return columns.map((name) => object[name as keyof typeof object]);
    },
    id: ({ id }) => id,
    point: () => null,
    licence: ({ datastream }) => licenceOf(view.registry, datastream).uri,
    writers: {
      jsonld: () =>
        createLinkedWriter(base, (item: KnownDeployment) => {
          const { datastream, station, owner, from, to, id, property, ...more } = objectOf(item);
          const end = to === null ? {} : { hasEnd: instantNode(to) };
          return JSON.stringify({
            ...more,
            id: `${base}/api/v1/deployments/${encodeURIComponent(id)}`,
            type: 'ssn:Deployment',
            deployedSystem: `${addresses.datastream(datastream)}#sensor`,
            deployedOnPlatform: addresses.station(station),
            forProperty: addresses.property(property),
            publisher: addresses.owner(owner),
            phenomenonTime: { type: 'time:Interval', hasBeginning: instantNode(from), ...end },
          });
        }),
    },
  };
}

function createObjects(view: NetworkView) {
  return ({ id, datastream, deployment }: KnownDeployment) => {
    const { registry } = view;
    const station = registry.stations.get(datastream.station);
    const context = view.rows.context(datastream.series);
    if (station === undefined || context === undefined) throw new Error('a station is missing');
    const { time } = context;
    const { fromAt, toAt, factor = 1, offset = 0, unit = context.unit } = deployment;
    // Its names could be used to speak for it.
    const own = view.seesExactly(station)
      ? { device: deployment.device, serial: deployment.serial }
      : { device: undefined, serial: undefined };
    return {
      id,
      datastream: datastream.id,
      station: station.id,
      property: datastream.property,
      owner: station.owner,
      from: time.text(fromAt),
      to: toAt === undefined ? null : time.text(toAt),
      channel: deployment.channel,
      unit,
      factor,
      offset,
      ...own,
    };
  };
}
