/** Deployments: which instrument has served which datastream, with which calibration. */
import { licenceOf } from '../../devices/licence.ts';
import type { Datastream, Deployment } from '../../devices/model.ts';
import type { Registry } from '../../devices/registry.ts';
import { runAll } from '../../devices/slices.ts';
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

/** Deployments of a step: below a millisecond of work. */
const deploymentsPerStep = 200;

/** Of these datastreams, by id. What it needs of a whole network `deploymentSteps` makes before. */
export function deploymentsOf(
  { registry }: NetworkView,
  datastreams: readonly Datastream[],
): readonly KnownDeployment[] {
  const known = byDatastream.get(registry) ?? runAll(deploymentSteps(registry));
  return datastreams.flatMap(({ id }) => known.get(id) ?? []);
}

export function findDeployment(view: NetworkView, id: string): KnownDeployment | undefined {
  const { registry } = view;
  const datastream = registry.datastreams.get(id.split('~', 1)[0] ?? '');
  if (datastream === undefined || !view.sees(datastream.series)) return undefined;
  const known =
    byDatastream.get(registry)?.get(datastream.id) ??
    knownOf(
      datastream,
      registry.deployments.filter((each) => each.datastream === datastream.id),
    );
  return known.find((each) => each.id === id);
}

/** Names those of a whole registry, once, bit by bit. */
export function* deploymentSteps(
  registry: Registry,
): Generator<undefined, ReadonlyMap<string, readonly KnownDeployment[]>> {
  const found = byDatastream.get(registry);
  if (found !== undefined) return found;
  const groups = new Map<string, Deployment[]>();
  for (const [index, deployment] of registry.deployments.entries()) {
    const group = groups.get(deployment.datastream);
    if (group === undefined) groups.set(deployment.datastream, [deployment]);
    else group.push(deployment);
    if (index % deploymentsPerStep === 0) yield;
  }
  const made = new Map<string, readonly KnownDeployment[]>();
  let count = 0;
  for (const [id, group] of groups) {
    const datastream = registry.datastreams.get(id);
    if (datastream !== undefined) made.set(id, knownOf(datastream, group));
    if ((count += 1) % deploymentsPerStep === 0) yield;
  }
  byDatastream.set(registry, made);
  return made;
}

/** An id is the datastream and the begin; a second one of the same begin has its place behind it. */
function knownOf(datastream: Datastream, group: readonly Deployment[]): readonly KnownDeployment[] {
  const made: KnownDeployment[] = [];
  for (const deployment of [...group].sort((a, b) => a.fromAt - b.fromAt)) {
    const begin = `${datastream.id}~${timePart(deployment.fromAt)}`;
    const same = made.filter(({ id }) => id.startsWith(begin)).length;
    made.push({ id: same === 0 ? begin : `${begin}.${same}`, datastream, deployment });
  }
  return made;
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
