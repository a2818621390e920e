/**
 * One version of the registry, ready for questions: who sees what (by `visible` alone), in order of
 * id, with places as the viewer may know them. Made once a version; a view once a kind of viewer.
 */
import type { Datastream, Owner, Station } from '../devices/model.ts';
import type { Registry, RegistryReader } from '../devices/registry.ts';
import { ownerVisible, visible } from '../devices/visible.ts';
import { publicPlace, type Place } from '../ingest/observations/public-place.ts';
import { openPublicRows, type PublicRows } from '../ingest/observations/public-row.ts';
import type { Viewer } from './viewer.ts';

export interface NetworkView {
  readonly registry: Registry;
  readonly rows: PublicRows;
  /** By internal number of the series: 1 where the viewer sees it. */
  readonly mask: Uint8Array;
  /** Visible ones, by id. */
  readonly datastreams: readonly Datastream[];
  readonly stations: readonly Station[];
  readonly owners: readonly Owner[];
  /** Visible datastreams of a station, by id. */
  datastreamsOf(stationId: string): readonly Datastream[];
  sees(series: number): boolean;
  seesStation(stationId: string): boolean;
  seesOwner(ownerId: string): boolean;
  /** Whether the viewer works with the station: an operator, or of its owner. */
  seesExactly(station: Station): boolean;
  /** Exact for operators and the station's owner, else to the public precision. */
  placeOf(station: Station): Place;
}

export interface Networks {
  /** What the viewer sees of the newest version. */
  viewOf(viewer: Viewer): NetworkView;
  readonly version: number;
}

const viewsMax = 64;

export function createNetworks(reader: Pick<RegistryReader, 'current'>): Networks {
  let registry: Registry | undefined;
  let rows: PublicRows | undefined;
  const views = new Map<string, NetworkView>();

  function currentRows(): PublicRows {
    const current = reader.current();
    if (rows === undefined || registry !== current) {
      registry = current;
      rows = openPublicRows(current);
      views.clear();
    }
    return rows;
  }

  return {
    viewOf(viewer) {
      const current = currentRows();
      let view = views.get(viewer.key);
      if (view === undefined) {
        if (views.size >= viewsMax) views.clear();
        view = openView(current, viewer);
        views.set(viewer.key, view);
      }
      return view;
    },
    get version() {
      return reader.current().version;
    },
  };
}

function openView(rows: PublicRows, viewer: Viewer): NetworkView {
  const { registry } = rows;
  const { principal } = viewer;
  const mask = new Uint8Array(registry.bySeries.length);
  const datastreams = sortById(registry.datastreams.values()).filter((datastream) =>
    visible(principal, datastream, registry),
  );
  const byStation = new Map<string, Datastream[]>();
  for (const datastream of datastreams) {
    mask[datastream.series] = 1;
    const found = byStation.get(datastream.station);
    if (found === undefined) byStation.set(datastream.station, [datastream]);
    else found.push(datastream);
  }
  const stations = sortById(registry.stations.values()).filter(
    (station) => byStation.has(station.id) || seesEmpty(viewer, station.id, registry),
  );
  const owners = visibleOwners(viewer, stations, registry);
  return assembleView({
    rows,
    mask,
    datastreams,
    byStation,
    stations,
    owners,
    seesExactly: (station) => seesExactly(viewer, station),
  });
}

/** What a view is made of; each list in order of id. */
export interface ViewParts extends Pick<
  NetworkView,
  'rows' | 'mask' | 'datastreams' | 'stations' | 'owners' | 'seesExactly'
> {
  readonly byStation: ReadonlyMap<string, readonly Datastream[]>;
}

export function assembleView(parts: ViewParts): NetworkView {
  const { rows, mask, datastreams, byStation, stations, owners, seesExactly: isExact } = parts;
  const stationIds = new Set(stations.map((station) => station.id));
  const ownerIds = new Set(owners.map((owner) => owner.id));
  return {
    registry: rows.registry,
    rows,
    mask,
    datastreams,
    stations,
    owners,
    datastreamsOf: (stationId) => byStation.get(stationId) ?? [],
    sees: (series) => mask[series] === 1,
    seesStation: (stationId) => stationIds.has(stationId),
    seesOwner: (ownerId) => ownerIds.has(ownerId),
    seesExactly: isExact,
    placeOf: (station) =>
      publicPlace(
        station.latitude,
        station.longitude,
        isExact(station) ? undefined : station.publicPrecisionMetres,
      ),
  };
}

/** A station without a visible datastream is seen as a datastream of it without own rule would be. */
export function seesEmpty(viewer: Viewer, stationId: string, registry: Registry): boolean {
  return visible(viewer.principal, emptyDatastream(stationId), registry);
}

function emptyDatastream(station: string): Datastream {
  return {
    id: '',
    series: -1,
    station,
    property: '',
    slug: '',
    aggregation: 'instant',
    intervalMs: 1,
  };
}

/** An owner is seen with any of its stations, or when nothing hides it. */
function visibleOwners(viewer: Viewer, stations: readonly Station[], registry: Registry): Owner[] {
  const withStation = new Set(stations.map((station) => station.owner));
  return sortById(registry.owners.values()).filter(
    (owner) => withStation.has(owner.id) || ownerVisible(viewer.principal, owner, registry),
  );
}

function seesExactly(viewer: Viewer, station: Station): boolean {
  const { principal } = viewer;
  if (principal === 'anonymous') return false;
  return principal.role === 'operator' || principal.owner === station.owner;
}

function sortById<Item extends { readonly id: string }>(items: Iterable<Item>): Item[] {
  return [...items].sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
}
