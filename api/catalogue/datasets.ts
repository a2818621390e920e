/**
 * Datasets, defined by the registry alone: one per network and domain, where a network is what one
 * owner runs, and one per station and property. A dataset is what a viewer sees of it; one of which
 * they see nothing does not exist for them.
 *
 * Ids are `{owner}~{domain}` and `{station}~{property}`: `~` is in no id of the registry, and no
 * property has the name of a domain, so that the two kinds cannot meet. They live as long as the
 * owner and the station, through mergers of provinces and changes of devices.
 */
import { licenceOf, type Licence } from '../../devices/licence.ts';
import type { Datastream, Name, ObservedProperty, Owner, Station } from '../../devices/model.ts';
import type { NetworkView } from '../network.ts';
import { domainNames } from './domain-names.ts';

export type Domain = ObservedProperty['domain'];

interface DatasetParts {
  readonly id: string;
  readonly title: Name;
  readonly description: Name;
  readonly owner: Owner;
  readonly domain: Domain;
  /** What the viewer sees of it, by id; never empty. */
  readonly datastreams: readonly Datastream[];
  /** Distinct stations of these, by id. */
  readonly stations: readonly Station[];
  /** Distinct properties of these, by id. */
  readonly properties: readonly ObservedProperty[];
  /** Distinct licences of these, by id. */
  readonly licences: readonly Licence[];
  /** Shortest reporting interval. */
  readonly intervalMs: number;
}

/** Of a network and a domain. Bulk files are made of these. */
export interface NetworkDataset extends DatasetParts {
  readonly kind: 'network';
}

/** Of a station and a property. */
export interface SeriesDataset extends DatasetParts {
  readonly kind: 'series';
  readonly station: Station;
  readonly property: ObservedProperty;
}

export type Dataset = NetworkDataset | SeriesDataset;

export interface Datasets {
  /** By id. */
  readonly networks: readonly NetworkDataset[];
  /** By id. */
  readonly series: readonly SeriesDataset[];
  find(id: string): Dataset | undefined;
  /** Of the network that the datastream belongs to; undefined for one that the viewer does not see. */
  networkOf(datastream: Datastream): NetworkDataset | undefined;
}

const made = new WeakMap<NetworkView, Datasets>();

/** Made once for each version of the registry and kind of viewer. */
export function datasetsOf(view: NetworkView): Datasets {
  let datasets = made.get(view);
  if (datasets === undefined) {
    datasets = makeDatasets(view);
    made.set(view, datasets);
  }
  return datasets;
}

function makeDatasets(view: NetworkView): Datasets {
  const networks = new Map<string, Datastream[]>();
  const series = new Map<string, Datastream[]>();
  for (const datastream of view.datastreams) {
    const ids = idsOf(view, datastream);
    if (ids === undefined) continue;
    addTo(networks, ids.network, datastream);
    addTo(series, ids.series, datastream);
  }
  const all = new Map<string, Dataset>();
  for (const [id, datastreams] of networks) all.set(id, makeNetwork(view, id, datastreams));
  for (const [id, datastreams] of series) all.set(id, makeSeries(view, id, datastreams));
  const sorted = [...all.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  return {
    networks: sorted.filter((each) => each.kind === 'network'),
    series: sorted.filter((each) => each.kind === 'series'),
    find: (id) => all.get(id),
    networkOf(datastream) {
      const found = all.get(idsOf(view, datastream)?.network ?? '');
      return found?.kind === 'network' && view.sees(datastream.series) ? found : undefined;
    },
  };
}

/** Undefined where the registry names a station or property that it does not describe. */
function idsOf(
  { registry }: NetworkView,
  datastream: Datastream,
): { readonly network: string; readonly series: string } | undefined {
  const station = registry.stations.get(datastream.station);
  const property = registry.properties.get(datastream.property);
  if (station === undefined || property === undefined) return undefined;
  return {
    network: `${station.owner}~${property.domain}`,
    series: `${station.id}~${property.id}`,
  };
}

function addTo(groups: Map<string, Datastream[]>, id: string, datastream: Datastream): void {
  const group = groups.get(id);
  if (group === undefined) groups.set(id, [datastream]);
  else group.push(datastream);
}

function makeNetwork(
  view: NetworkView,
  id: string,
  datastreams: readonly Datastream[],
): NetworkDataset {
  const parts = partsOf(view, datastreams);
  const { owner, domain } = parts;
  const names = domainNames[domain];
  return {
    ...parts,
    id,
    kind: 'network',
    title: {
      vi: `${names.vi} – ${owner.name.vi}`,
      en: `${names.en} – ${owner.name.en}`,
    },
    description: {
      vi: `Số liệu quan trắc ${names.vi.toLowerCase()} của ${owner.name.vi}: ${countVi(parts)}, kèm cờ chất lượng và lịch sử hiệu chỉnh.`,
      en: `Observations of ${names.en.toLowerCase()} by ${owner.name.en}: ${countEn(parts)}, with quality flags and every correction.`,
    },
  };
}

function makeSeries(
  view: NetworkView,
  id: string,
  datastreams: readonly Datastream[],
): SeriesDataset {
  const parts = partsOf(view, datastreams);
  const [station] = parts.stations;
  const [property] = parts.properties;
  if (station === undefined || property === undefined) throw new Error('a dataset of nothing');
  return {
    ...parts,
    id,
    kind: 'series',
    station,
    property,
    title: {
      vi: `${property.label.vi} – ${station.name.vi}`,
      en: `${property.label.en} – ${station.name.en}`,
    },
    description: {
      vi: `${property.label.vi} (${property.unit}) tại trạm ${station.name.vi}, do ${parts.owner.name.vi} quan trắc.`,
      en: `${property.label.en} (${property.unit}) at the station ${station.name.en}, observed by ${parts.owner.name.en}.`,
    },
  };
}

function partsOf(
  { registry }: NetworkView,
  datastreams: readonly Datastream[],
): Omit<DatasetParts, 'id' | 'title' | 'description'> {
  const stations = new Map<string, Station>();
  const properties = new Map<string, ObservedProperty>();
  const licences = new Map<string, Licence>();
  let intervalMs = Infinity;
  for (const datastream of datastreams) {
    const station = registry.stations.get(datastream.station);
    const property = registry.properties.get(datastream.property);
    if (station !== undefined) stations.set(station.id, station);
    if (property !== undefined) properties.set(property.id, property);
    const licence = licenceOf(registry, datastream);
    licences.set(licence.id, licence);
    intervalMs = Math.min(intervalMs, datastream.intervalMs);
  }
  const [station] = stations.values();
  const [property] = properties.values();
  const owner = registry.owners.get(station?.owner ?? '');
  if (owner === undefined || property === undefined) throw new Error('a dataset without owner');
  return {
    owner,
    domain: property.domain,
    datastreams,
    stations: byId(stations),
    properties: byId(properties),
    licences: byId(licences),
    intervalMs,
  };
}

function byId<Item>(items: ReadonlyMap<string, Item>): readonly Item[] {
  return [...items].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, item]) => item);
}

type Counted = Pick<DatasetParts, 'stations' | 'properties'>;

function countVi({ stations, properties }: Counted): string {
  return `${stations.length} trạm, ${properties.length} thông số`;
}

function countEn({ stations, properties }: Counted): string {
  return `${plural(stations.length, 'station', 'stations')}, ${plural(properties.length, 'property', 'properties')}`;
}

function plural(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}
